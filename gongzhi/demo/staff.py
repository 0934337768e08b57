"""How the people in the offices deal with matters: when, with which words, and how well.

Every step is an action of `cases`, taken by a post that may take it, at a time that has passed.
Organisations differ: some are quick, some are late, some return what is not theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from gongzhi.cases import actions, rules
from gongzhi.cases.actions import Contact
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Case
from gongzhi.demo.matters import Matter
from gongzhi.intake.submission import History
from gongzhi.registry.authority import ANONYMOUS, Actor, actor_of
from gongzhi.registry.models import Function, Organisation, Post, Role
from gongzhi.registry.snapshot import AreaView, Snapshot
from gongzhi.routing.resolution import resolve
from gongzhi.supervision.gate import Held

_OPENS, _CLOSES = time(8, 30), time(18, 0)
_WITHDRAWN, _WILL_NOT, _NOT_FOUND = 0.02, 0.05, 0.04
_NEVER_DONE = 0.006
_PASSED_ON = 0.12
"""How often an organisation sends on what another one might do as well."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody does at a time."""

    at: datetime
    act: Callable[[], object]


@dataclass
class Dealing:
    """One case under way in the demo: the case, the matter it came from, who its parties are."""

    case: Case
    matter: Matter
    party: Actor
    supporters: list[Actor] = field(default_factory=list)


class Clock:
    """Times at which offices work."""

    def __init__(self, calendar: Calendar, random: Random) -> None:
        self.calendar = calendar
        self.random = random

    def office_time(self, moment: datetime) -> datetime:
        """`moment` if an office is open then, else some time early in its next hours."""
        local = moment.astimezone(self.calendar.zone)
        if self.calendar.is_working_day(local.date()) and _OPENS <= local.time() < _CLOSES:
            return moment
        day = local.date()
        if local.time() >= _CLOSES or not self.calendar.is_working_day(day):
            day = self.calendar.day_after(day, 1)
        opening = datetime.combine(day, _OPENS, self.calendar.zone)
        return (opening + timedelta(minutes=self.random.uniform(2, 110))).astimezone(UTC)

    def later(self, moment: datetime, hours: float) -> datetime:
        """About so many hours later, when an office is open; whole seconds."""
        return self.office_time(moment + timedelta(hours=hours)).replace(microsecond=0)


class Offices:
    """The staff of the pack, and how they deal with matters.

    Args:
        registry: for whose mandates matters are dealt with.
        replies: `matters/replies.yaml` of the pack.
        now: nothing happens after this moment.
    """

    def __init__(self, registry: Snapshot, replies: dict[str, Any], random: Random, now: datetime) -> None:
        self.registry = registry
        self.replies = replies
        self.random = random
        self.now = now
        self.clock = Clock(Calendar(registry.city.country, registry.city.timezone), random)
        self.workers: dict[int, list[Actor]] = {}
        self.overseers: dict[int, Actor] = {}
        self.dispatchers: list[Actor] = []
        posts = Post.objects.filter(is_active=True, person__isnull=False, crew=None).select_related("person")
        for post in posts.order_by("pk"):
            if post.person is None:
                continue
            roles = set(post.roles)
            if Role.WORKER in roles:
                self.workers.setdefault(post.organisation_id, []).append(actor_of(post.person, post))
            elif Role.SUPERVISOR in roles:
                self.overseers[post.organisation_id] = actor_of(post.person, post)
            if Role.DISPATCHER in roles:
                self.dispatchers.append(actor_of(post.person, post))
        self.organisations = {o.pk: o for o in Organisation.objects.filter(is_active=True)}
        self.functions = {f.code: f for f in Function.objects.filter(is_leaf=True)}
        self.pace = {pk: random.uniform(0.45, 1.0) for pk in sorted(self.organisations)}
        self.lateness = {pk: random.choice((0.02, 0.04, 0.07, 0.11, 0.2)) for pk in sorted(self.organisations)}  # fmt: skip

    def history(self, matter: Matter, organisation_id: int | None, due_at: datetime) -> History:
        """What became of a matter that was settled long ago; nearly all were."""
        pace = self.pace.get(organisation_id or 0, 0.8)
        accepted = self.clock.later(matter.at, self.random.uniform(0.2, 9) * pace)
        if accepted >= self.now or self.random.random() < _NEVER_DONE:
            return History()
        done = self._done_at(accepted, due_at, organisation_id)
        if done >= self.now:
            return History(accepted_at=accepted)
        if self.random.random() < _WITHDRAWN:
            return History(closed_at=accepted, closure="withdrawn")
        closure, text = self._outcome(matter, done)
        closed = done + timedelta(days=self.random.uniform(8, 15))
        return History(
            accepted_at=accepted,
            resolved_at=done,
            closed_at=closed.replace(microsecond=0) if closed < self.now else None,
            closure=closure,
            resolution=text,
        )

    def steps(self, dealing: Dealing) -> Iterator[Step]:
        """What happens to a recent matter, in order, up to now."""
        for step in self._plan(dealing):
            if step.at >= self.now:
                return
            yield step

    def responsible(self, function_code: str, area: AreaView | None, at: datetime) -> Organisation | None:
        """The organisation that the mandates name for what a matter is truly about."""
        view = self.registry.function_by_code.get(function_code)
        route = resolve(self.registry, view, area, at.astimezone(self.clock.calendar.zone).date())
        return self.organisations.get(route.organisation_id or 0)

    def _plan(self, d: Dealing) -> Iterator[Step]:
        case, matter, random = d.case, d.matter, self.random
        at = matter.at
        area = self.registry.areas.get(case.area_id or 0)
        true = self.functions[matter.function]
        right = self.responsible(matter.function, area, at)
        held = self.organisations.get(case.organisation_id or 0)
        if random.random() < _WITHDRAWN:
            moment = at + timedelta(hours=random.uniform(0.5, 20))
            yield Step(moment, lambda: actions.withdraw(d.party, case, reason=self._say("withdraw", matter), at=moment))  # fmt: skip
            return
        if case.state == "received" and right is not None:
            at = self.clock.later(at, random.uniform(0.2, 3))
            yield from self._decide(case, true, right, at)
            held = right
        elif case.function_id != true.pk and right is not None and held is not None:
            if right.pk != held.pk and random.random() < 0.85:
                first = self._worker(held)
                at = back = min(self.clock.later(at, random.uniform(0.5, 7)), rules.return_by(case))
                why = self._say("back", matter)
                yield Step(
                    back,
                    lambda: actions.return_(first, case, reason_code="wrong_function", reason=why, at=back),
                )
                at = self.clock.later(at, random.uniform(0.3, 4))
                yield from self._decide(case, true, right, at)
                held = right
        other = self.organisations.get(case.route.get("runner_up") or 0)
        if held is not None and other is not None and other != held and random.random() < _PASSED_ON:
            before, receiver = self._worker(held), other
            at = passed = self.clock.later(at, random.uniform(0.5, 9))
            because = self._say("back", matter)
            yield Step(
                passed,
                lambda: actions.transfer(before, case, receiver, reason=because, at=passed),
            )
            held = other
        if held is None:
            return
        worker = self._worker(held)
        pace = self.pace[held.pk]
        at = accepted = self.clock.later(at, random.uniform(0.1, 8) * pace)
        yield Step(accepted, lambda: actions.accept(worker, case, at=accepted))
        yield from self._between(d, worker, held, accepted)
        due = case.due_at
        done = max(self._done_at(accepted, due, held.pk), accepted + timedelta(minutes=25))
        if random.random() < _NEVER_DONE * 6:
            done = self.now
        if done > due and (overseer := self.overseers.get(held.pk)) is not None:
            urged = self.clock.later(due, random.uniform(0.5, 6))
            if accepted < urged < done:
                yield Step(urged, lambda: actions.note(overseer, case, self._say("urge", matter), at=urged))
        closure, text = self._outcome(matter, done)
        yield Step(done, lambda: self._resolve(worker, d, text, done, closure))
        if random.random() < 0.045:
            again = done + timedelta(hours=random.uniform(3, 90))
            yield Step(again, lambda: actions.contest(d.party, case, self._say("contest", matter), at=again))
            settled = self.clock.later(again, random.uniform(10, 70))
            _, answer = self._outcome(matter, settled)
            yield Step(settled, lambda: self._resolve(worker, d, answer, settled))

    def _decide(self, case: Case, true: Function, right: Organisation, at: datetime) -> Iterator[Step]:
        """A dispatcher corrects the function where it was wrong, and sends the case on."""
        dispatcher = self.random.choice(self.dispatchers)
        if case.function_id != true.pk:
            yield Step(at, lambda: actions.classify(dispatcher, case, true, at=at))
        sent = at + timedelta(minutes=self.random.randint(1, 9))
        reason = self.random.choice(self.replies["assign"]["zh"])
        yield Step(sent, lambda: actions.assign(dispatcher, case, right, reason=reason, at=sent))

    def _between(self, d: Dealing, worker: Actor, held: Organisation, accepted: datetime) -> Iterator[Step]:
        """Answers on the way, notes inside the house, what people add, and who joins."""
        case, matter, random = d.case, d.matter, self.random
        extra: list[Step] = []
        if random.random() < 0.4:
            replied = self.clock.later(accepted, random.uniform(0.5, 12))
            text = self._say("interim", matter)
            extra.append(Step(replied, lambda: self._reply(worker, d, text, replied)))
        if random.random() < 0.15:
            noted = self.clock.later(accepted, random.uniform(0.5, 20))
            extra.append(Step(noted, lambda: actions.note(worker, case, self._say("note", matter), at=noted)))
        if random.random() < 0.07:
            added = matter.at + timedelta(hours=random.uniform(1, 40))
            extra.append(Step(added, lambda: actions.say(d.party, case, self._say("say", matter), at=added)))
        joining = random.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2)) + (
            random.randint(1, 4) if matter.group else 0
        )
        for _ in range(joining if case.is_public else 0):
            joined = matter.at + timedelta(hours=random.uniform(0.5, 60))
            language = "en" if random.random() < 0.15 else "zh-hans"
            extra.append(Step(joined, lambda j=joined, w=language: actions.join(ANONYMOUS, case, Contact(), language=w, at=j)))  # type: ignore[misc]  # fmt: skip
        yield from sorted(extra, key=lambda step: step.at)

    def _reply(self, worker: Actor, d: Dealing, text: str, at: datetime) -> None:
        self._past_the_gate(
            lambda words, why: actions.reply(worker, d.case, words, override_reason=why, at=at),
            text,
            d.matter,
        )

    def _resolve(self, worker: Actor, d: Dealing, text: str, at: datetime, closure: str = "fixed") -> None:
        self._past_the_gate(
            lambda words, why: actions.resolve(
                worker, d.case, words, closure=closure, override_reason=why, at=at
            ),
            text,
            d.matter,
        )

    def _past_the_gate(self, send: Callable[[str, str], object], text: str, matter: Matter) -> None:
        """Send an answer; one that is held back is written for this matter, or sent with a reason."""
        try:
            send(text, "")
        except Held:
            own = self._say("own", matter) + text
            try:
                send(own, "")
            except Held:
                send(own, self._say("override", matter))

    def _worker(self, organisation: Organisation) -> Actor:
        """Somebody who works there; a random one where there are several."""
        return self.random.choice(self.workers.get(organisation.pk) or self.dispatchers)

    def _done_at(self, accepted: datetime, due: datetime, organisation_id: int | None) -> datetime:
        """When it is done: mostly well before the deadline, late where an organisation often is."""
        pace = self.pace.get(organisation_id or 0, 0.8)
        hours = max((due - accepted).total_seconds() / 3600, 1.0)
        if self.random.random() < self.lateness.get(organisation_id or 0, 0.05):
            return self.clock.later(due, self.random.uniform(2, 140))
        share = min(0.97, self.random.betavariate(2.6, 1.7) * (0.55 + 0.55 * pace))
        done = self.clock.later(accepted, hours * share)
        return done if done <= due else max(accepted, due - timedelta(minutes=self.random.uniform(5, 90)))

    def _outcome(self, matter: Matter, at: datetime) -> tuple[str, str]:
        """How it ended and what was said about it."""
        luck = self.random.random()
        language = "en" if matter.language == "en" else "zh"
        function = self.registry.function_by_code[matter.function]
        group = self.registry.functions[function.ancestors[-2]].code
        if luck < _WILL_NOT and function.kind in ("service", "consultation"):
            return "will_not", self._filled(
                self.random.choice(self.replies["will_not"][language]), matter, at
            )
        if luck > 1 - _NOT_FOUND and function.kind in ("event", "thing"):
            return "cannot_verify", self._filled(self.random.choice(self.replies["cannot_verify"][language]), matter, at)  # fmt: skip
        return "fixed", self._filled(self.random.choice(self.replies["fixed"][group][language]), matter, at)

    def _say(self, what: str, matter: Matter) -> str:
        rows = self.replies[what]
        language = "en" if matter.language == "en" and "en" in rows else "zh"
        return self._filled(self.random.choice(rows[language]), matter, matter.at + timedelta(days=1))

    def _filled(self, text: str, matter: Matter, at: datetime) -> str:
        local = (at - timedelta(hours=self.random.uniform(0, 20))).astimezone(self.clock.calendar.zone)
        if matter.language == "en":
            day, place = f"{local:%-d %B}", ""
        else:
            half = "上午" if local.hour < 12 else "下午"
            day, place = f"{local.month}月{local.day}日{half}", matter.address
        return text.replace("{day}", day).replace("{at}", place).replace("  ", " ").replace(" .", ".")
