"""Amounts on the pages of working together."""

from __future__ import annotations

from django import template

from gongzhi.coordination import settlement

register = template.Library()


@register.filter
def yuan(cents: int) -> str:
    """Cents as an amount with two digits after the point."""
    return settlement.yuan(cents)
