"""Why a matter went where it went, in words of the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.registry.models import Mandate
from gongzhi.registry.snapshot import Snapshot


def explain(route: dict[str, Any], registry: Snapshot) -> str:
    """One or two sentences for the stored route of a case."""
    chinese = (get_language() or "zh").startswith("zh")

    def name(view: Any) -> str:
        if view is None:
            return "–"
        return str(view.name_zh if chinese else view.name_en)

    organisation = name(registry.organisations.get(route.get("organisation") or 0))
    runner_up = registry.organisations.get(route.get("runner_up") or 0)
    function = name(registry.functions.get(route.get("function") or 0))
    area = name(registry.areas.get(route.get("area") or 0))
    words = {"organisation": organisation, "function": function, "area": area}
    rule = route.get("rule")
    if rule in ("mandate", "overlap", "assist"):
        mandate = Mandate.objects.filter(pk=route.get("mandate") or 0).first()
        basis = (mandate.basis_zh if chinese else mandate.basis_en) if mandate else ""
        sentence = _("%(organisation)s is responsible for “%(function)s” in %(area)s.") % words
        if basis:
            sentence += " " + _("Legal basis: %(basis)s.") % {"basis": basis}
        if rule == "overlap":
            sentence += " " + _("Another organisation has an equal mandate; the older one decided.")
        if rule == "assist":
            sentence += " " + _("Nobody leads here, so the assisting organisation answers.")
        if runner_up is not None:
            sentence += " " + _("Next in line: %(name)s.") % {"name": name(runner_up)}
        return sentence
    if rule == "history":
        sentence = _("The history that was brought in says that %(organisation)s dealt with it.") % words
        if runner_up is not None:
            sentence += " " + _("By the mandates of today it would go to %(name)s.") % {
                "name": name(runner_up)
            }
        return sentence
    if rule == "gap":
        return (
            _(
                "No mandate covers “%(function)s” in %(area)s yet, so %(organisation)s, the desk that "
                "receives first, stays responsible until somebody accepts it."
            )
            % words
        )
    return (
        _(
            "What the matter is about was not clear enough for a machine; a person at %(organisation)s decides."
        )
        % words
    )
