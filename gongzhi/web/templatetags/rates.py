"""Rates, draws and lights in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case, Party
from gongzhi.registry import snapshot
from gongzhi.registry.models import Post
from gongzhi.supervision.lateness import reasons
from gongzhi.supervision.models import Plan, Rating
from gongzhi.supervision.rates import Rate
from gongzhi.web.supervision import exclusions
from gongzhi.web.templatetags import desk, words

register = template.Library()


def rating_words() -> dict[str, str]:
    """Reason of a rating → what the reader sees."""
    return {
        "solved": _("it was solved"), "fast": _("it was fast"), "explained": _("it was well explained"),
        "easy": _("it was easy"), "not_solved": _("it was not solved"), "slow": _("it took too long"),
        "not_explained": _("it was not explained"), "passed_around": _("I was sent from door to door"),
        "attitude": _("how I was treated"), "other": _("something else"),
    }  # fmt: skip


@register.filter
def percent(value: float | None) -> str:
    """A share as a percentage with one decimal."""
    return "–" if value is None else f"{100 * value:.1f}%"


@register.filter
def share(rate: Rate) -> str:
    return percent(rate.share)


@register.simple_tag
def rate_cell(rate: Rate, asked: Any, key: int, which: str) -> str:
    """A rate with interval and n, linked to the cases that make it."""
    if rate.share is None:
        return "–"
    return format_html(
        '<a href="/rates/cases/?by={}&amp;months={}&amp;key={}&amp;rate={}">{}</a><br>'
        '<span class="meta">({}–{}, <span class="together">n {})</span></span>',
        asked.by, asked.months, key, which, percent(rate.share), percent(rate.low), percent(rate.high), rate.n,
    )  # fmt: skip


@register.simple_tag
def override_cell(overrides: Mapping[int, Mapping[str, int]], key: int) -> str:
    row = overrides.get(key)
    return f"{row['overridden']} / {row['answers']}" if row else "–"


@register.simple_tag
def rates_name(by: str, key: int) -> str:
    """The name of an organisation, district or function."""
    view = snapshot.current()
    found = {"organisation": view.organisations, "area": view.areas, "function": view.functions}[by].get(key)  # type: ignore[attr-defined]
    return words.name_of(found) if found else _("unknown")


@register.filter
def rate_word(which: str) -> str:
    return {"responded": _("Responded"), "resolved": _("Share resolved"), "satisfied": _("Satisfied")}.get(
        which, which
    )


@register.filter
def plan_name(plan: Plan) -> str:
    chinese = (get_language() or "zh").startswith("zh")
    return plan.name_zh if chinese or not plan.name_en else plan.name_en


@register.filter
def all_in_order(answers: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(answer.get("ok") for answer in answers.values())


@register.filter
def is_in_order(answers: Mapping[str, Mapping[str, Any]], code: str) -> bool:
    """Whether one item of a checklist was in order."""
    return bool(answers.get(code, {}).get("ok"))


@register.filter
def reason_words(reason: dict[str, Any]) -> str:
    return reasons.in_words(reason)


@register.filter
def light_word(light: str) -> str:
    """What a traffic light says."""
    return desk.light_words().get(light, light)


@register.inclusion_tag("portal/ratings.html")
def ratings_of(case: Case, party: Party | None = None) -> dict[str, Any]:
    """How a matter was rated: levels and reasons for everybody, words only to the person who wrote them."""
    rows = Rating.objects.filter(case=case).select_related("call_back").order_by("-at")[:20]
    return {"ratings": list(rows), "party_id": party.pk if party else None}


@register.filter
def rating_reasons(codes: list[str]) -> str:
    """The reasons that were ticked, in words."""
    said = rating_words()
    return " · ".join(str(said[code]) for code in codes if code in said)


@register.filter
def exclusion_reason(code: str) -> str:
    return exclusions.reason_words().get(code, code)


@register.filter
def item_name(item: Mapping[str, Any]) -> str:
    """An item of a checklist in the reader's language, as far as it was written in it."""
    chinese = (get_language() or "zh").startswith("zh")
    return str(item["name_zh"] if chinese or not item.get("name_en") else item["name_en"])


@register.filter
def post_of_code(code: str) -> str:
    """The name of a post by its code."""
    post = Post.objects.filter(code=code).first()
    return str(post.name) if post else code


def aspect_words() -> dict[str, str]:
    return {
        "relevance": _("fits the question"), "completeness": _("says all that was asked"),
        "explanation": _("explains"), "timeliness": _("in time"),
    }  # fmt: skip


@register.filter
def aspect_name(aspect: str) -> str:
    return aspect_words()[aspect].capitalize()


@register.filter
def judged_words(judged: Mapping[str, int]) -> str:
    """A person's judgement in one line."""
    said = aspect_words()
    return " · ".join(
        f"{said[name]}: {_('good enough') if good else _('not good enough')}"
        for name, good in judged.items()
        if name in said
    )


@register.filter
def aspects_of(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every aspect with its score and the findings that made it, in words."""
    return [
        {"name": aspect_name(name), "score": found["score"], "why": finding_words(found)}
        for name in aspect_words()
        if (found := scores.get(name)) is not None
    ]


def finding_words(found: Mapping[str, Any]) -> str:
    """What the rules counted in an answer, one after the other."""
    words = {
        "shared": _("words shared with the question"), "asked": _("words of the question"),
        "points": _("points taken up"), "done": _("things said to be done"), "next": _("next steps"),
        "causes": _("reasons given"), "bases": _("rules quoted"), "passed_on": _("only passed on"),
        "days": _("days taken"), "limit": _("days allowed"),
    }  # fmt: skip
    return " · ".join(f"{words[code]}: {value:.4g}" for code, value in found.items() if code in words)
