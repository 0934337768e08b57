"""From what was said and understood to the rows that are written; one case or a hundred thousand.

A `Preparer` belongs to one registry snapshot and remembers what repeats within a batch (masked
texts, routes, deadlines), so that a history of many alike matters is prepared at speed by the
very code that prepares a single one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import numbers, opening, public_places
from gongzhi.cases.actions.requesting import digits_of
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, State
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid
from gongzhi.intake.submission import History, Receipt, Submission
from gongzhi.ledger import acts, receipts
from gongzhi.ledger.acts import PreparedAct
from gongzhi.ledger.canonical import compact
from gongzhi.registry.authority import Actor
from gongzhi.registry.limits import Limits
from gongzhi.registry.snapshot import AreaView, FunctionView, Snapshot
from gongzhi.routing.resolution import Route, resolve
from gongzhi.understanding.reading import Reading

_NOTHING_HAPPENED = History()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case that is ready to be written, its route, and what its receipt will say."""

    new: opening.NewCase
    route: Route
    act: PreparedAct
    secret: str
    state: str
    due_at: datetime
    function: FunctionView | None

    @property
    def case_id(self) -> int:
        return int(self.new.case[0])

    def receipt(self) -> Receipt:
        """What the requester gets, to be handed over only after the commit."""
        url = f"{settings.PUBLIC_URL}/cases/{self.act.subject_key}/"
        return Receipt(
            number=self.act.subject_key,
            secret=self.secret,
            case_id=self.case_id,
            state=self.state,
            function_code=self.function.code if self.function else "",
            organisation_id=self.route.organisation_id,
            due_at=opening.utc_text(self.due_at),
            url=url,
            document=receipts.receipt(self.new.acts[0][0], self.act, url),
        )


def acts_of(history: History | None) -> int:
    """How many acts a case with this history brings, its opening included."""
    if history is None:
        return 1
    known = (history.accepted_at, history.resolved_at, history.closed_at)
    return 1 + sum(moment is not None for moment in known)


class Preparer:
    """Prepares cases under one snapshot of the registry, as one actor."""

    def __init__(self, registry: Snapshot, actor: Actor, *, imported: bool = False) -> None:
        self.registry = registry
        self.actor = actor
        # Staff take a matter in for somebody else: they are never its requester.
        self.requester_id = None if actor.post_id is not None else actor.person_id
        self.calendar, self.limits = _rules_of(registry)
        self.anonymity = int(registry.city.config.get("anonymity", public_places.DEFAULT_K))
        self.now = timezone.now()
        self.imported_at = opening.utc_text(self.now) if imported else ""
        self._masked: dict[str, str] = {}
        self._routes: dict[tuple[int | None, int | None, date], tuple[Route, str]] = {}
        self._readings: dict[int, tuple[Reading, str]] = {}
        self._actors: dict[int | None, Actor] = {}

    def function_of(self, s: Submission, understood: Reading) -> tuple[FunctionView | None, bool]:
        """The function of a matter, and whether the person named it.

        Raises:
            Invalid: the named function does not exist or is not detailed enough.
        """
        if s.function_code:
            view = self.registry.function_by_code.get(s.function_code)
            if view is None or not view.is_leaf:
                raise Invalid(fields={"function": _("There is no such function.")})
            return view, True
        return self.registry.function_by_code.get(understood.function), False

    def due(self, now: datetime, function: FunctionView | None, urgency: str) -> datetime:
        """The deadline of something received at `now` (aware)."""
        local = now.astimezone(self.calendar.zone)
        limit = self.limits.of(function.kind if function else "any", urgency, local.date())
        if limit.resolve_working_days is None:
            return now.astimezone(UTC) + timedelta(hours=limit.resolve_hours or 0)
        days = function.working_days if function else limit.resolve_working_days
        if urgency == "urgent":
            days = min(days, limit.resolve_working_days)
        return self.calendar.due(now, days)

    def new(
        self,
        s: Submission,
        understood: Reading,
        area: AreaView | None,
        ids: tuple[int, int],
        act_ids: Iterator[int],
        *,
        secret: str = "",
        history: History | None = None,
    ) -> Prepared:
        """All rows of one case.

        Args:
            ids: of the case and of its requester.
            act_ids: as many as `acts_of(history)` says are taken from it.
            secret: of the requester's link; random when empty.

        Raises:
            Invalid: an unknown function or organisation is named.
        """
        at = s.at or self.now
        then = history or _NOTHING_HAPPENED
        case_id, party_id = ids
        function, stated = self.function_of(s, understood)
        local = at.astimezone(self.calendar.zone)
        sure = stated or not understood.needs_person
        route, route_json = self._route(function if sure else None, area, local.date())
        if then.organisation_code:
            route, route_json = self._as_it_was(route, then.organisation_code)
        due = then.due_at or self.due(at, function, understood.urgency)
        assigned = route.rule in ("mandate", "overlap", "assist", "history")
        first_state = State.ASSIGNED if assigned else State.RECEIVED
        state = _state_after(first_state, then)
        number = numbers.make(case_id, local)
        if not secret and not self.imported_at:
            secret = secrets.token_urlsafe(16)
        text = s.text.strip()
        salt = os.urandom(16)
        written, due_text = at.isoformat(), due.isoformat()
        details: dict[str, Any] = {
            "state": first_state.value,
            "channel": s.channel,
            "function": function.code if function else None,
            "organisation": route.organisation_id,
            "area": area.code if area else None,
            "due_at": f"{due_text[:19]}Z" if due.tzinfo is UTC else opening.utc_text(due),
            "text_digest": hashlib.sha256(salt + text.encode()).hexdigest(),
            "rule": route.rule,
        }
        if s.source:
            details["source"] = s.source
        if s.photos:
            details["photos"] = [photo.sha256 for photo in s.photos]
        opened = self._act("case.open", case_id, number, details, at, self.actor)
        rows = [opened.row(next(act_ids))]
        message = self._afterwards(then, route, case_id, number, rows, act_ids)
        last = then.closed_at or then.resolved_at or then.accepted_at or at
        if function is None:
            is_public = s.is_public and not s.is_confidential
        else:
            is_public = s.is_public and not s.is_confidential and function.is_public
        address = s.address.strip()
        resolved_text, closed_text = _text(then.resolved_at), _text(then.closed_at)
        case_row = (
            case_id, number, "concern", s.channel, s.language, state.value, then.closure,
            len(rows), text, self._public(s, text), is_public,
            compact({**s.attributes, "salt": base64.b64encode(salt).decode()}),
            function.id if function else None, area.id if area else None, route.organisation_id,
            None, understood.urgency, s.lng, s.lat, address, self._mask(address) if address else "",
            *self._public_place(s, function, area),
            written, written if assigned else None, _text(then.accepted_at),
            resolved_text if then.resolution else None, resolved_text, closed_text, due_text,
            closed_text if last is then.closed_at else last.isoformat(), self._reading(understood),
            route_json, 0, 0, 0, None, s.source, s.source_id,
        )  # fmt: skip
        party = (
            party_id, case_id, "requester", self.requester_id, s.contact.name.strip()[:100],
            digits_of(s.contact.phone)[:32] if s.contact.phone else "", s.contact.email.strip(),
            s.language, opening.secret_hash(secret) if secret else os.urandom(32), s.is_confidential, written,
        )  # fmt: skip
        task = None
        if route.organisation_id is not None:
            task = self._task(case_id, route, written, due_text, then, state)
        new = opening.NewCase(
            case=case_row,
            party=party,
            task=task,
            acts=tuple(rows),
            messages=(message,) if message else (),
            beside=tuple(opening.attachment_row(case_id, photo, written) for photo in s.photos),
        )
        return Prepared(new, route, opened, secret, state.value, due, function)

    def _route(self, function: FunctionView | None, area: AreaView | None, on: date) -> tuple[Route, str]:
        key = (function.id if function else None, area.id if area else None, on)
        known = self._routes.get(key)
        if known is None:
            route = resolve(self.registry, function, area, on)
            known = self._routes[key] = (route, compact(route.as_json()))
        return known

    def _as_it_was(self, resolved: Route, code: str) -> tuple[Route, str]:
        """The route that a history tells; what the mandates say stands beside it."""
        view = self.registry.organisation_by_code.get(code)
        if view is None:
            raise Invalid(fields={"organisation": _("There is no such organisation.")})
        if view.id == resolved.organisation_id and resolved.rule in ("mandate", "overlap", "assist"):
            return resolved, compact(resolved.as_json())
        by_mandate = resolved.organisation_id if resolved.mandate_id is not None else None
        route = replace(
            resolved,
            organisation_id=view.id,
            mandate_id=None,
            runner_up_id=by_mandate,
            rule="history",
            equal_mandates=(),
        )
        return route, compact(route.as_json())

    def _act(
        self,
        verb: str,
        case_id: int,
        number: str,
        details: dict[str, Any],
        at: datetime,
        actor: Actor,
    ) -> PreparedAct:
        if self.imported_at:
            details["imported_at"] = self.imported_at
        return acts.prepared(actor, verb, "case", case_id, number, details, at=at)

    def _afterwards(
        self,
        then: History,
        route: Route,
        case_id: int,
        number: str,
        rows: list[tuple[Any, ...]],
        act_ids: Iterator[int],
    ) -> tuple[Any, ...] | None:
        """Append the acts of what happened afterwards; gives the row of the answer, if there was one."""
        if then is _NOTHING_HAPPENED:
            return None
        actor = self._actor_for(route.organisation_id)
        message = None
        if then.accepted_at is not None:
            details = {"state": State.UNDER_WAY.value, "organisation": route.organisation_id}
            act = self._act("case.accept", case_id, number, details, then.accepted_at, actor)
            rows.append(act.row(next(act_ids)))
        if then.resolved_at is not None:
            details = {"state": State.RESOLVED.value, "closure": then.closure}
            if then.resolution:
                salt = os.urandom(16)
                said = then.resolution.strip()
                details["text_digest"] = hashlib.sha256(salt + said.encode()).hexdigest()
                message = (
                    case_id, None, None, route.organisation_id, "public", said, self._mask(said),
                    salt, then.resolved_at.isoformat(),
                )  # fmt: skip
            act = self._act("case.resolve", case_id, number, details, then.resolved_at, actor)
            rows.append(act.row(next(act_ids)))
        if then.closed_at is not None:
            details = {"state": State.CLOSED.value, "closure": then.closure}
            act = self._act("case.close", case_id, number, details, then.closed_at, actor)
            rows.append(act.row(next(act_ids)))
        return message

    def _actor_for(self, organisation_id: int | None) -> Actor:
        actor = self._actors.get(organisation_id)
        if actor is None:
            actor = self._actors[organisation_id] = replace(self.actor, organisation_id=organisation_id)
        return actor

    def _task(
        self, case_id: int, route: Route, opened: str, due: str, then: History, state: State
    ) -> tuple[Any, ...]:
        done_at = then.resolved_at or then.closed_at
        if state in OPEN_STATES:
            task_state = "accepted" if then.accepted_at else "open"
        else:
            task_state = "done" if then.resolved_at else "cancelled"
        return (
            case_id, route.organisation_id, None, route.mandate_id, "lead", task_state,
            opened, due, _text(done_at), then.resolution.strip(),
        )  # fmt: skip

    def _public(self, s: Submission, text: str) -> str:
        if not s.redactions:
            return self._mask(text)
        offset = len(s.text) - len(s.text.lstrip())
        return masked(text, tuple((a - offset, b - offset) for a, b in s.redactions))

    def _public_place(
        self, s: Submission, function: FunctionView | None, area: AreaView | None
    ) -> tuple[float | None, float | None]:
        if s.lng is None or s.lat is None:
            return None, None
        return public_places.published(
            s.lng,
            s.lat,
            is_thing=function is not None and function.kind == "thing",
            people_per_km2=area.people_per_km2 if area else 0.0,
            k=self.anonymity,
        )

    def _mask(self, text: str) -> str:
        found = self._masked.get(text)
        if found is None:
            found = self._masked[text] = masked(text)
        return found

    def _reading(self, understood: Reading) -> str:
        known = self._readings.get(id(understood))
        if known is None:
            known = self._readings[id(understood)] = (understood, compact(understood.as_json()))
        return known[1]


_rules: tuple[Snapshot, Calendar, Limits] | None = None


def _rules_of(registry: Snapshot) -> tuple[Calendar, Limits]:
    """Calendar and limits of the city, made once a snapshot."""
    global _rules
    known = _rules
    if known is None or known[0] is not registry:
        calendar = Calendar(country=registry.city.country, timezone=registry.city.timezone)
        known = _rules = (registry, calendar, Limits(registry.city.config))
    return known[1], known[2]


def _state_after(first: State, then: History) -> State:
    if then.closed_at is not None:
        return State.CLOSED
    if then.resolved_at is not None:
        return State.RESOLVED
    return State.UNDER_WAY if then.accepted_at is not None else first


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def ended_badly_told(history: History) -> bool:
    """Whether a history contradicts itself: ended without a reason, or a reason without an end."""
    ended = history.resolved_at is not None or history.closed_at is not None
    return ended != bool(history.closure) or (bool(history.closure) and history.closure not in Closure.values)
