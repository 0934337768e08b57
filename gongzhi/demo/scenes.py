"""What a demo shows beside everyday matters: what waits for a decision, and organisations working together.

`scenes.yaml` of the pack holds words and organisations; every step is an action taken by a post that
may take it, at a moment that has passed. A scene that a rule refuses is left out as a whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
import yaml
from django.db import transaction

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case
from gongzhi.coordination import settlement
from gongzhi.coordination.actions import directives, partners, task_forces, whistles
from gongzhi.coordination.actions.partners import Terms
from gongzhi.coordination.actions.whistles import Spot
from gongzhi.coordination.models import Order
from gongzhi.demo import halls
from gongzhi.errors import GongzhiError
from gongzhi.intake.actions import receive_many
from gongzhi.intake.submission import Submission
from gongzhi.registry.authority import SYSTEM, Actor, actor_of
from gongzhi.registry.models import Area, Organisation, Post, Role

FILE: Final = "scenes.yaml"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """Who can act in a city, and when the demo ends."""

    organisations: dict[str, Organisation]
    posts: dict[tuple[str, str], Post]
    """(code of an organisation, role) → the first post there with that role."""
    now: datetime

    def actor(self, organisation: str, role: str = Role.WORKER) -> Actor:
        """Somebody who acts for an organisation in a role."""
        post = self.posts[organisation, role]
        if post.person is None:
            raise KeyError(organisation)
        return actor_of(post.person, post)

    def anyone(self, role: str) -> Actor:
        """The first who has a role anywhere."""
        return self.actor(next(code for code, of in self.posts if of == role), role)

    def matter(self, scene: dict[str, Any], at: datetime) -> Case:
        """A matter of a scene, as it comes in."""
        text = str(scene["text"])
        sent = Submission(
            text=text,
            channel="web",
            language="zh-hans" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en",
            address=str(scene.get("address", "")),
            function_code=str(scene.get("function", "")),
            contact=Contact(phone=f"1420{zlib.crc32(text.encode()) % 10**7:07d}"),
            at=at,
        )
        return Case.objects.get(pk=receive_many([sent], SYSTEM)[0].case_id)

    def ago(self, **time: float) -> datetime:
        """A moment before the demo ends."""
        return self.now - timedelta(**time)

    def under_way(self, scene: dict[str, Any]) -> tuple[Case, Actor, datetime]:
        """A matter that its organisation has accepted: the case, who accepted it, when."""
        hours = float(scene["hours_ago"])
        case = self.matter(scene, self.ago(hours=hours))
        worker = self.actor(_holder(case))
        at = self.ago(hours=hours * 0.9)
        actions.accept(worker, case, at=at)
        return case, worker, at


def play(pack: Path, now: datetime) -> int:
    """Play the scenes of a pack up to `now`; gives how many. A pack without the file has none."""
    path = pack / FILE
    if not path.exists():
        return 0
    script: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    stage = _stage(now)
    played = 0
    for name, scene in script.items():
        try:
            with transaction.atomic():
                _SCENES[name](stage, scene)
            played += 1
        except (GongzhiError, KeyError) as problem:
            _log.warning("demo.scene_left_out", scene=name, problem=str(problem))
    return played


def _stage(now: datetime) -> Stage:
    posts: dict[tuple[str, str], Post] = {}
    rows = Post.objects.filter(is_active=True, person__isnull=False).select_related("person", "organisation")
    for post in rows.order_by("pk"):
        for role in post.roles:
            posts.setdefault((post.organisation.code, role), post)
    organisations = {o.code: o for o in Organisation.objects.filter(is_active=True)}
    return Stage(organisations, posts, now)


def _holder(case: Case) -> str:
    if case.organisation is None:
        raise KeyError(case.number)
    return case.organisation.code


def _unclear(stage: Stage, scene: list[dict[str, Any]]) -> None:
    for row in scene:
        stage.matter(row, stage.ago(hours=float(row["hours_ago"])))


def _returned_twice(stage: Stage, scene: dict[str, Any]) -> None:
    hours = float(scene["hours_ago"])
    case = stage.matter(scene, stage.ago(hours=hours))
    dispatcher = stage.anyone(Role.DISPATCHER)
    step = hours / 6
    for number, turn in enumerate((scene["first"], scene["second"])):
        at = stage.ago(hours=hours - step * (2 * number + 1))
        if _holder(case) != turn["to"]:
            actions.assign(
                dispatcher, case, stage.organisations[turn["to"]], reason=scene["assign_reason"], at=at
            )
        back = at + timedelta(hours=step)
        actions.return_(
            stage.actor(turn["to"]), case, reason_code=turn["reason_code"], reason=turn["reason"], at=back
        )


def _asked(stage: Stage, scene: dict[str, Any]) -> None:
    case, worker, at = stage.under_way(scene)
    actions.ask(worker, case, scene["question"], at=at + timedelta(minutes=40))


def _part(stage: Stage, scene: dict[str, Any]) -> None:
    case, worker, at = stage.under_way(scene)
    to = stage.organisations[scene["to"]]
    actions.ask_part(worker, case, to, request=scene["request"], at=at + timedelta(minutes=25))


def _finished_part(stage: Stage, scene: dict[str, Any]) -> None:
    case, worker, at = stage.under_way(scene)
    to = stage.organisations[scene["to"]]
    part = actions.ask_part(worker, case, to, request=scene["request"], at=at + timedelta(minutes=25))
    helper = stage.actor(scene["to"])
    actions.accept_part(helper, part, at=at + timedelta(hours=2))
    actions.finish_part(helper, part, scene["result"], at=at + timedelta(hours=20))


def _more_time(stage: Stage, scene: dict[str, Any]) -> None:
    case, worker, _at = stage.under_way(scene)
    # As late as can be: without a decision within a working day the request is refused by itself.
    actions.ask_time(
        worker,
        case,
        working_days=int(scene["working_days"]),
        reason=scene["reason"],
        at=stage.ago(minutes=20),
    )


def _directive(stage: Stage, scene: dict[str, Any]) -> None:
    issued, due = stage.ago(days=scene["issued_days_ago"]), stage.ago(days=scene["due_days_ago"])
    targets = [stage.organisations[code] for code in (*scene["reports"], *scene["silent"])]
    directive = directives.issue(
        stage.anyone(Role.LEADER), scene["title"], scene["text"], targets, due_at=due, at=issued
    )
    for number, (code, words) in enumerate(scene["reports"].items(), start=1):
        order = Order.objects.get(directive=directive, organisation=stage.organisations[code])
        head = stage.actor(code, Role.SUPERVISOR)
        directives.acknowledge(head, order, at=issued + timedelta(hours=4 * number))
        directives.report(head, order, {"text": words}, at=issued + timedelta(days=2, hours=7 * number))
    for code in scene["silent"]:
        order = Order.objects.get(directive=directive, organisation=stage.organisations[code])
        directives.miss(order.pk, at=due + timedelta(minutes=1))


def _agreement(stage: Stage, scene: dict[str, Any]) -> None:
    """A partner's agreement of this and the last year, with the statement of the month before this one."""
    partner = stage.organisations[scene["partner"]]
    month = (stage.now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    begin, _until = settlement.bounds(month)
    partners.sign(
        stage.anyone(Role.LEADER),
        partner,
        scene["title"],
        Area.objects.get(code=scene["area"]),
        Terms(
            functions=scene["functions"],
            working_days=scene["working_days"],
            valid_from=date(begin.year, 1, 1),
            valid_until=date(stage.now.year, 12, 31),
            fee_cents=scene["fee_cents"],
            penalty_cents=scene["penalty_cents"],
            cost_permille=scene["cost_permille"],
            benefit_permille=scene["benefit_permille"],
        ),
        at=datetime(begin.year, 1, 1, 1, tzinfo=UTC),
    )
    dispatcher, worker = stage.anyone(Role.DISPATCHER), stage.actor(scene["partner"])
    for number, row in enumerate(scene["matters"]):
        at = begin + timedelta(days=2 + 5 * number, hours=10)
        case = stage.matter({"function": "lighting"} | row, at)
        actions.assign(dispatcher, case, partner, reason=scene["reason"], at=at + timedelta(minutes=10))
        actions.accept(worker, case, at=at + timedelta(minutes=45))
        actions.resolve(worker, case, scene["done"], at=at + timedelta(hours=float(row["hours"])))
    partners.issue_statement(SYSTEM, partner, month, at=stage.now)


def _whistle(stage: Stage, scene: dict[str, Any]) -> None:
    called_at = stage.ago(minutes=25)
    wanted = [stage.organisations[code] for code in scene["departments"]]
    whistle = whistles.call(
        stage.actor(scene["street"]), scene["text"], Spot(scene["address"]), wanted, at=called_at
    )
    calls = {call.organisation.code: call for call in whistle.calls.select_related("organisation")}
    for number, code in enumerate(scene["answered"], start=1):
        whistles.answer(stage.actor(code), calls[code], at=called_at + timedelta(minutes=3 * number))
    for code in scene["arrived"]:
        whistles.arrive(stage.actor(scene["street"]), calls[code], at=called_at + timedelta(minutes=18))


def _task_force(stage: Stage, scene: dict[str, Any]) -> None:
    formed = stage.ago(days=4)
    force = task_forces.form(
        stage.actor(scene["leads"], Role.SUPERVISOR),
        scene["name"],
        scene["purpose"],
        [stage.posts[code, Role.WORKER] for code in (scene["leads"], *scene["members"])],
        until=formed + timedelta(days=scene["days"]),
        cases=list(
            Case.objects.filter(organisation=stage.organisations[scene["leads"]], state="under_way").order_by(
                "-opened_at"
            )[:3]
        ),
        at=formed,
    )
    for number, row in enumerate(scene["comments"], start=1):
        task_forces.comment(
            stage.actor(row["by"]), force, row["text"], at=formed + timedelta(days=number, hours=2)
        )


def _hall(stage: Stage, scene: dict[str, Any]) -> None:
    organisation = stage.organisations[scene["organisation"]]
    made = halls.set_up(stage.actor(organisation.code, Role.SUPERVISOR), organisation, scene)
    seated = Post.objects.filter(person__username__in=scene["clerks"], is_active=True)
    clerks = [
        actor_of(p.person, p) for p in seated.select_related("person").order_by("pk") if p.person is not None
    ]
    halls.live(made, clerks, stage.now, hours=float(scene["hours"]))


_SCENES: Final[dict[str, Callable[[Stage, Any], None]]] = {
    "unclear": _unclear,
    "returned_twice": _returned_twice,
    "asked": _asked,
    "part": _part,
    "finished_part": _finished_part,
    "more_time": _more_time,
    "directive": _directive,
    "agreement": _agreement,
    "whistle": _whistle,
    "task_force": _task_force,
    "hall": _hall,
}
