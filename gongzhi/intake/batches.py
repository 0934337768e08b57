"""Many matters at once: understood together, routed from memory, written by COPY."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from gongzhi.cases import opening
from gongzhi.errors import Invalid
from gongzhi.intake.preparing import Prepared, Preparer, acts_of
from gongzhi.intake.submission import History, Submission
from gongzhi.registry.authority import Actor
from gongzhi.registry.snapshot import AreaView, Snapshot
from gongzhi.routing import findings
from gongzhi.understanding import fingerprints, places, reading


def areas_of(submissions: Sequence[Submission], registry: Snapshot) -> list[AreaView | None]:
    """For every submission the smallest area at its point, else the one it names, else the
    one that its address and text name, else None.

    Raises:
        Invalid: a named area does not exist.
    """
    placed = [(i, s.lng, s.lat) for i, s in enumerate(submissions)]
    points = [(i, (x, y)) for i, x, y in placed if x is not None and y is not None]
    areas = [named_area(s, registry) for s in submissions]
    for (i, _point), area in zip(points, registry.areas_at([p for _i, p in points]), strict=True):
        areas[i] = area or areas[i]
    for i, s in enumerate(submissions):
        if s.lng is None and areas[i] is None:
            areas[i] = places.area_named(f"{s.address} {s.text}", registry)
    return areas


def named_area(s: Submission, registry: Snapshot) -> AreaView | None:
    """The area that a submission names.

    Raises:
        Invalid: there is no such area.
    """
    if not s.area_code:
        return None
    area = registry.area_by_code.get(s.area_code)
    if area is None:
        raise Invalid(fields={"area": _("There is no such area.")})
    return area


def prepare(
    submissions: Sequence[Submission],
    history: Sequence[History | None],
    areas: Sequence[AreaView | None],
    registry: Snapshot,
    actor: Actor,
    *,
    imported: bool = False,
) -> list[Prepared]:
    """The rows of many cases; texts that repeat are understood once.

    Args:
        history, areas: one for every submission.
        imported: whether every act says that it was brought in later.

    Raises:
        Invalid: an unknown function or organisation is named.
    """
    texts = list(dict.fromkeys(s.text for s in submissions))
    understood = dict(zip(texts, reading.read_many(texts, registry), strict=True))
    counts = [acts_of(h) for h in history]
    case_ids, party_ids, act_ids = opening.fresh_ids(len(submissions), sum(counts))
    preparer = Preparer(registry, actor, imported=imported)
    ids = iter(act_ids)
    return [
        preparer.new(s, understood[s.text], area, pair, ids, history=h)
        for s, area, pair, h in zip(
            submissions, areas, zip(case_ids, party_ids, strict=True), history, strict=True
        )
    ]


def write(prepared: Sequence[Prepared]) -> None:
    """Write prepared cases in one transaction, and what their routes reveal about the mandates."""
    findings.record([p.route for p in prepared])
    opening.write_many(fingerprints.added([p.new for p in prepared]))
