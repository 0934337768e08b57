"""Filling a new city with a year of life, through the same doors that people use.

Matters older than `ACTED_ON_DAYS` come in with what became of them, as a history does; what is
younger comes in alone, and the staff then act on it one verb at a time, in the order of time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from pathlib import Path
from random import Random

from django.conf import settings
from django.db import transaction

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case, Party
from gongzhi.demo import cells as demo_cells
from gongzhi.demo import grammar as grammars
from gongzhi.demo import scenes
from gongzhi.demo.matters import SEED, Matter, generate
from gongzhi.demo.staff import Dealing, Offices, Step
from gongzhi.errors import Conflict, GongzhiError
from gongzhi.intake.actions import area_of, receive_many
from gongzhi.intake.preparing import Preparer
from gongzhi.intake.submission import History, Submission
from gongzhi.registry import snapshot
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.registry.snapshot import Snapshot
from gongzhi.understanding import reading

ACTED_ON_DAYS = 45
"""How far back the staff act one verb at a time."""

_BATCH = 1_000
_STEPS_A_TRANSACTION = 250
_MERGED = 0.45

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a demo brought: matters, verbs of the staff, steps refused by a rule, seconds, scenes.

    `found` are matters that checks of the grid cells brought in, on top.
    """

    matters: int
    steps: int
    refused: int
    seconds: float
    scenes: int
    found: int


def load_demo(
    n: int = 5_000,
    progress: Progress | None = None,
    *,
    folder: Path | None = None,
    seed: int = SEED,
    now: datetime | None = None,
) -> Loaded:
    """Take in `n` invented matters of the last twelve months and let the staff deal with them.

    The scenes of the pack come on top (see `demo.scenes`).

    The city pack must be loaded and a model trained.

    Args:
        progress: told what is being done, how far, of how much.
        folder: the pack; the one of the settings if not given.
        now: nothing happens after this moment.

    Raises:
        PackInvalid: the pack has no grammar of matters.
    """
    began = time.monotonic()
    tell = progress or (lambda what, done, of: None)
    pack = folder or Path(settings.CITY_PACK)
    end = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    random = Random(seed)
    matters = list(generate(pack, n, seed=seed, until=end))
    registry = snapshot.current()
    offices = Offices(registry, grammars.read(pack / "matters").replies, random, end)
    since = end - timedelta(days=ACTED_ON_DAYS)
    old = [m for m in matters if m.at < since]
    recent = [m for m in matters if m.at >= since]
    taken = 0
    for start in range(0, len(old), _BATCH):
        batch = old[start : start + _BATCH]
        _take_in_settled(batch, registry, offices, random)
        taken += len(batch)
        tell("matters", taken, n)
    dealings: list[Dealing] = []
    for start in range(0, len(recent), _BATCH):
        batch = recent[start : start + _BATCH]
        dealings += _take_in(batch, random)
        taken += len(batch)
        tell("matters", taken, n)
    steps, refused = _act(dealings, offices, random, tell)
    played = scenes.play(pack, end)
    found = demo_cells.fill(end, seed)
    return Loaded(len(matters), steps, refused, round(time.monotonic() - began, 1), played, found)


def _submission(matter: Matter, function_code: str) -> Submission:
    return Submission(
        text=matter.text,
        channel=matter.channel,
        language=matter.language,
        lng=matter.lng,
        lat=matter.lat,
        address=matter.address[:300],
        function_code=function_code,
        contact=Contact(matter.name, matter.phone, matter.email),
        is_confidential=matter.channel == "phone" and "保密" in matter.text,
        at=matter.at,
    )


def _take_in_settled(batch: Sequence[Matter], registry: Snapshot, offices: Offices, random: Random) -> None:
    """Old matters with what became of them; what a machine was unsure of, a person had decided."""
    read = reading.read_many([m.text for m in batch], registry)
    submissions: list[Submission] = []
    history: list[History | None] = []
    preparer = Preparer(registry, SYSTEM)
    for matter, understood in zip(batch, read, strict=True):
        sure = understood.function == matter.function and not understood.needs_person
        decided = matter.channel in ("phone", "counter") or not sure and random.random() < 0.95
        submissions.append(_submission(matter, matter.function if decided else ""))
        code = matter.function if decided else understood.function
        area = area_of(registry, matter.lng, matter.lat)
        organisation = offices.responsible(code, area, matter.at)
        due = preparer.due(matter.at, registry.function_by_code.get(code), understood.urgency)
        history.append(offices.history(matter, organisation.pk if organisation else None, due))
    receive_many(submissions, SYSTEM, history=history)


def _take_in(batch: Sequence[Matter], random: Random) -> list[Dealing]:
    """Recent matters as they came; operators mostly choose the function of what they write down."""
    submissions = [
        _submission(m, m.function if m.channel in ("phone", "counter") and random.random() < 0.85 else "")
        for m in batch
    ]
    receipts = receive_many(submissions, SYSTEM)
    cases = Case.objects.in_bulk([r.case_id for r in receipts])
    parties = dict(Party.objects.filter(case__in=list(cases)).values_list("case_id", "pk"))
    return [
        Dealing(cases[r.case_id], m, Actor(kind="anonymous", party_ids=frozenset({parties[r.case_id]})))
        for r, m in zip(receipts, batch, strict=True)
    ]


def _act(dealings: list[Dealing], offices: Offices, random: Random, tell: Progress) -> tuple[int, int]:
    """Run every step in the order of time; a step that a rule refuses by then is left out."""
    queue: list[tuple[datetime, int, int, Step]] = []
    plans = [sorted([*offices.steps(d)], key=lambda step: step.at) for d in dealings]
    for number, plan in enumerate(plans):
        if plan:
            queue.append((plan[0].at, number, 0, plan[0]))
    for at, number, step in _merges(dealings, offices, random):
        queue.append((at, number, -1, step))
    heapify(queue)
    total = sum(map(len, plans))
    done = refused = 0
    while queue:
        with transaction.atomic():
            for _ in range(min(_STEPS_A_TRANSACTION, len(queue))):
                _at, number, position, step = heappop(queue)
                if _run(step, dealings[number].case):
                    done += 1
                else:
                    refused += 1
                if position >= 0 and position + 1 < len(plans[number]):
                    following = plans[number][position + 1]
                    heappush(queue, (following.at, number, position + 1, following))
                if not queue:
                    break
        tell("steps", done, total)
    return done, refused


def _run(step: Step, case: Case) -> bool:
    """Whether a step was taken; one that met a newer case is tried once more."""
    for _ in range(2):
        try:
            with transaction.atomic():
                step.act()
        except Conflict:
            case.refresh_from_db()
            continue
        except GongzhiError:
            return False
        return True
    return False


def _merges(dealings: list[Dealing], offices: Offices, random: Random) -> list[tuple[datetime, int, Step]]:
    """Dispatchers work some of the repeated matters as one (并案)."""
    first: dict[int, Dealing] = {}
    found: list[tuple[datetime, int, Step]] = []
    for number, d in enumerate(dealings):
        if not d.matter.group:
            continue
        into = first.setdefault(d.matter.group, d)
        if into is d or random.random() > _MERGED:
            continue
        at = offices.clock.later(d.matter.at, random.uniform(0.2, 3))
        dispatcher = random.choice(offices.dispatchers)
        reason = random.choice(offices.replies["merge"]["zh"])
        if at < offices.now:
            found.append((at, number, Step(at, lambda d=d, into=into, a=at, w=dispatcher, why=reason: actions.merge(w, d.case, into.case, reason=why, at=a))))  # type: ignore[misc]  # fmt: skip
    return found
