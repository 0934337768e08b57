"""Why a probability is high or low, in words that a person can check."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from django.utils.translation import gettext as _

from gongzhi.supervision.lateness import model as learning
from gongzhi.supervision.lateness.history import History

MOST: Final = 4
_LEAST_WEIGHT: Final = 0.08
"""Smaller moves of the log odds are not worth a sentence."""


def reasons(
    model: learning.Model, history: History, lately: np.ndarray[Any, Any]
) -> list[list[dict[str, Any]]]:
    """For each case the strongest reasons: what (code), by how much it moves the log odds, the rate behind it."""
    features = model.usual_features(history)
    usual = model.usual.contributions(features) * float(model.lately.coefficients[0] / model.lately.scale[0])
    late = model.lately.contributions(np.column_stack([np.zeros(len(history)), lately]))[:, 1:]
    names = np.array(model.names)
    halves = len(learning._LATELY_HALF_LIVES_DAYS)
    found = []
    for row in range(len(history)):
        weights: dict[str, float] = {}
        rate: dict[str, float] = {}
        for name in dict.fromkeys(model.names):
            here = np.flatnonzero(names == name)
            weights[name] = float(usual[row, here].sum())
            if "+" in name or name in ("organisation", "function", "district", "street", "channel"):
                rate[name] = float(1 / (1 + np.exp(-features[row, here[0]])))
        for n, groups in enumerate(learning._LATELY):
            place = slice(n * halves, (n + 1) * halves)
            weights[f"lately:{'+'.join(groups) or 'all'}"] = float(late[row, place].sum())
        strongest = sorted(weights, key=lambda name: -abs(weights[name]))[:MOST]
        found.append(
            [
                {"what": name, "weight": round(weights[name], 2)}
                | ({"rate": round(rate[name], 3)} if name in rate else {})
                for name in strongest
                if abs(weights[name]) >= _LEAST_WEIGHT
            ]
        )
    return found


def in_words(reason: dict[str, Any]) -> str:
    """One reason as a sentence in the reader's language."""
    what, more = str(reason["what"]), reason["weight"] > 0
    if what == "overdue":
        return _("Its deadline has passed")
    if what.startswith("lately:"):
        group = _groups().get(what.removeprefix("lately:"), what)
        if more:
            return _("Lately later than usual: %(group)s") % {"group": group}
        return _("Lately more punctual than usual: %(group)s") % {"group": group}
    if "rate" in reason:
        group = _groups().get(what, what)
        return _("%(percent)d %% of earlier ones were late: %(group)s") % {
            "percent": round(100 * reason["rate"]),
            "group": group,
        }
    texts = {
        "allotted": (_("There is little time for it"), _("There is much time for it")),
        "season": (_("At this time of year more are late"), _("At this time of year fewer are late")),
        "weekday": (_("What comes in on this weekday is late more often"), _("What comes in on this weekday is late less often")),
        "due_weekday": (_("What is due on this weekday is late more often"), _("What is due on this weekday is late less often")),
        "hour": (_("What comes in at this hour is late more often"), _("What comes in at this hour is late less often")),
        "rare": (_("Such matters are rare"), _("Such matters are frequent")),
    }  # fmt: skip
    pair = texts.get(what)
    return (pair[0] if more else pair[1]) if pair else what


def _groups() -> dict[str, str]:
    return {
        "all": _("all matters"),
        "organisation": _("matters of this organisation"),
        "function_parent": _("matters of this group"),
        "function": _("matters of this function"),
        "function+channel": _("this function on this channel"),
        "function+district": _("this function in this district"),
        "function+weekday": _("this function on this weekday"),
        "function+urgency": _("this function with this urgency"),
        "function+street": _("this function in this street"),
        "district": _("matters in this district"),
        "street": _("matters in this street"),
        "organisation+street": _("this organisation in this street"),
        "organisation+weekday": _("this organisation on this weekday"),
        "channel": _("matters on this channel"),
    }
