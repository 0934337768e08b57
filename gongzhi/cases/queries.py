"""Questions about cases that the rooms above ask."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import numbers
from gongzhi.cases.actions.requesting import digits_of
from gongzhi.cases.kept import kept
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Message, Party
from gongzhi.cases.opening import secret_hash
from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger.models import Act
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor


@dataclass(frozen=True, slots=True)
class CaseFilters:
    """What a list is narrowed to; empty means everything."""

    q: str = ""
    state: str = ""
    function_code: str = ""
    organisation_code: str = ""
    area_code: str = ""
    overdue: bool = False
    opened_after: datetime | None = None
    opened_before: datetime | None = None
    updated_after: datetime | None = None
    box: tuple[float, float, float, float] | None = None
    """West, south, east, north in WGS 84 degrees, of the published place."""


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: a column of times, then the id; backwards when `newest_first`."""

    column: str
    newest_first: bool

    def sorting(self) -> tuple[str, str]:
        """For `order_by`."""
        sign = "-" if self.newest_first else ""
        return f"{sign}{self.column}", f"{sign}pk"

    def beyond(self, at: datetime, pk: int) -> Q:
        """What comes after the row (at, pk)."""
        way = "lt" if self.newest_first else "gt"
        after = Q(**{f"{self.column}__{way}": at}) | Q(**{self.column: at, f"pk__{way}": pk})
        return after & Q(**{f"{self.column}__{way}e": at})


NEWEST_FIRST = Order("opened_at", newest_first=True)
OLDEST_FIRST = Order("opened_at", newest_first=False)
NEXT_DEADLINE_FIRST = Order("due_at", newest_first=False)
IN_ORDER_OF_CHANGE = Order("updated_at", newest_first=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows and where the next ones begin (`next_cursor` empty at the end)."""

    rows: list[Case]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a case's history."""

    at: datetime
    verb: str
    details: dict[str, Any]
    organisation_id: int | None
    post_id: int | None
    reason: str
    messages: list[Message] = field(default_factory=list)
    act_id: int = 0


@dataclass(frozen=True, slots=True)
class BoardRow:
    """Figures of one organisation: all counts of cases it holds, of those received in the period."""

    organisation_id: int
    received: int
    ended: int
    in_time: int
    open: int
    overdue: int


def case_by_number(written: str) -> Case:
    """The case with a number as a person typed it.

    Raises:
        NotFound: no such number, or a digit is wrong.
    """
    number = numbers.parse(written)
    case = Case.objects.filter(number=number).first() if number else None
    if case is None:
        raise NotFound(_("There is no case with this number. Please check the digits."))
    return case


def public_case(written: str) -> Case:
    """`case_by_number` for what everybody may see."""
    case = case_by_number(written)
    if not case.is_public:
        raise NotFound(_("There is no case with this number. Please check the digits."))
    return case


def party_by_secret(case: Case, secret: str) -> Party | None:
    """Who holds this secret link."""
    wanted = secret_hash(secret)
    for party in Party.objects.filter(case=case):
        if hmac.compare_digest(bytes(party.secret_hash), wanted):
            return party
    return None


def party_by_phone(case: Case, phone: str) -> Party | None:
    """Who left this phone number on the case."""
    digits = digits_of(phone)
    if len(digits) < 6:
        return None
    return Party.objects.filter(case=case, phone=digits).order_by("pk").first()


def public_page(
    filters: CaseFilters, *, after: str = "", limit: int = 50, order: Order = NEWEST_FIRST
) -> Page:
    """Public cases by keyset: page 500 costs what the first one costs.

    Args:
        order: newest first, or in the order of change, in which a program follows what happens.

    Raises:
        Invalid: the cursor or a filter is unknown.
    """
    is_search = has_words(filters)
    looked_for = is_search or filters.box is not None
    simple = replace(filters, q="" if is_search else filters.q, box=None)
    rows = narrowed(Case.objects.filter(is_public=True), simple)
    if after:
        rows = rows.filter(order.beyond(*_read_cursor(after)))
    rows = rows.order_by(*order.sorting())
    if looked_for:
        return _searched(rows, filters.q if is_search else "", filters.box, limit, order)
    found = list(rows[: limit + 1])
    return _cut(found, limit, order, "")


def _cut(found: list[Case], limit: int, order: Order, otherwise: str) -> Page:
    """The first `limit` of the rows; the next page begins behind them, or at `otherwise`."""
    if len(found) <= limit:
        return Page(found, otherwise)
    last = found[limit - 1]
    return Page(found[:limit], _cursor(getattr(last, order.column), last.pk))


def like(words: str) -> str:
    """The LIKE pattern of a text that holds `words` literally."""
    literal = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


def has_words(filters: CaseFilters) -> bool:
    """Whether words are searched for, which needs a look at the texts; a number needs none."""
    return bool(filters.q) and numbers.parse(filters.q) is None


SEARCH_STEPS = (2_000, 10_000, 40_000)
"""So many matters are looked through at once, newest first: few for common words, then more."""
SEARCH_WITHIN_S = 0.3


def _searched(
    rows: QuerySet[Case],
    words: str,
    box: tuple[float, float, float, float] | None,
    limit: int,
    order: Order,
) -> Page:
    """The first of `rows` whose public text holds `words` and whose place lies in `box`.

    The search goes on step by step until the page is full, the end is reached or its time is up;
    the cursor says where the next page goes on, so that a search among millions stays bounded.
    """
    column = order.column
    way = "DESC" if order.newest_first else "ASC"
    back = "ASC" if order.newest_first else "DESC"
    fits, asked = "public_text ILIKE %s", [like(words)]
    if box is not None:
        fits += " AND public_lng BETWEEN %s AND %s AND public_lat BETWEEN %s AND %s"
        asked += [box[0], box[2], box[1], box[3]]  # type: ignore[list-item]
    began = time.monotonic()
    ids: list[int] = []
    last: tuple[datetime, int] | None = None
    steps = iter(SEARCH_STEPS)
    step = 0
    while True:
        step = next(steps, step)
        part = rows if last is None else rows.filter(order.beyond(*last))
        columns = ("id", column, "public_text", "public_lng", "public_lat")
        inner, parameters = part.values_list(*columns)[:step].query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"""WITH looked AS MATERIALIZED ({inner}),
                      hits AS (SELECT id, {column} AS at FROM looked WHERE {fits}
                               ORDER BY 2 {way}, 1 {way} LIMIT %s),
                      edge AS (SELECT {column} AS at, id FROM looked ORDER BY 1 {back}, 2 {back} LIMIT 1)
                    SELECT (SELECT array_agg(id ORDER BY at {way}, id {way}) FROM hits),
                           (SELECT count(*) FROM looked), (SELECT at FROM edge),
                           (SELECT id FROM edge)""",  # noqa: S608 – all of it is ours, what is asked for are parameters
                [*parameters, *asked, limit + 1 - len(ids)],
            )
            found, looked, at, pk = cursor.fetchone()
        ids += found or []
        is_at_end = looked < step
        if len(ids) > limit or is_at_end or time.monotonic() - began > SEARCH_WITHIN_S:
            break
        last = (at, pk)
    cases = Case.objects.in_bulk(ids)
    return _cut([cases[i] for i in ids if i in cases], limit, order, "" if is_at_end else _cursor(at, pk))


def worklist(actor: Actor, filters: CaseFilters, *, after: str = "", limit: int = 50) -> Page:
    """Open cases of the actor's organisation by deadline; a dispatcher also sees what nobody holds.

    Raises:
        NotAllowed: the actor holds no post.
    """
    authority.require(actor, "case.see_worklist")
    branches = [Q(organisation_id=actor.organisation_id, state__in=OPEN_STATES)]
    if "dispatcher" in actor.roles:
        branches += [Q(state="received"), Q(organisation_id=None, state__in=OPEN_STATES)]
    found: dict[int, Case] = {}
    for branch in branches:
        rows = _from_deadline(narrowed(Case.objects.filter(branch), filters), after)
        found |= {case.pk: case for case in rows[: limit + 1]}
    cases = sorted(found.values(), key=lambda case: (case.due_at, case.pk))
    return _deadline_page(cases, limit)


def page_in_order(rows: QuerySet[Case], order: Order, *, after: str = "", limit: int = 50) -> Page:
    """A page of `rows` in this order, by keyset.

    Raises:
        Invalid: the cursor is unknown.
    """
    if after:
        rows = rows.filter(order.beyond(*_read_cursor(after)))
    return _cut(list(rows.order_by(*order.sorting())[: limit + 1]), limit, order, "")


def page_by_deadline(rows: QuerySet[Case], *, after: str = "", limit: int = 50) -> Page:
    """A page of `rows`, the next deadline first, by keyset.

    Raises:
        Invalid: the cursor is unknown.
    """
    return _deadline_page(list(_from_deadline(rows, after)[: limit + 1]), limit)


def _from_deadline(rows: QuerySet[Case], after: str) -> QuerySet[Case]:
    if after:
        at, pk = _read_cursor(after)
        rows = rows.filter(Q(due_at__gt=at) | Q(due_at=at, pk__gt=pk), due_at__gte=at)
    return rows.order_by("due_at", "pk")


def _deadline_page(cases: list[Case], limit: int) -> Page:
    following = cases[limit - 1] if len(cases) > limit else None
    return Page(cases[:limit], _cursor(following.due_at, following.pk) if following else "")


def timeline(case: Case, *, sees_parties: bool, sees_internal: bool) -> list[TimelineEntry]:
    """The case's acts, oldest first, each with the messages the viewer may read."""
    audiences = ["public"]
    audiences += ["parties"] if sees_parties else []
    audiences += ["internal"] if sees_internal else []
    said: dict[datetime, list[Message]] = {}
    for message in Message.objects.filter(case=case, audience__in=audiences).order_by("pk"):
        said.setdefault(message.said_at, []).append(message)
    entries = []
    for act in Act.objects.filter(subject_kind="case", subject_id=case.pk).order_by("pk"):
        verb = act.verb.removeprefix("case.")
        messages = said.get(act.recorded_at, [])
        if verb == "note" and not sees_internal:
            continue
        entries.append(
            TimelineEntry(
                act.recorded_at,
                verb,
                act.details,
                act.organisation_id,
                act.post_id,
                act.reason,
                messages,
                act.pk,
            )
        )
    return entries


def board(since: datetime) -> list[BoardRow]:
    """Figures per organisation for cases received since `since`; at most a minute old in a large city."""
    days = max(1, round((timezone.now() - since).total_seconds() / 86_400))
    found = kept(f"board:{days}", lambda: _board(since))
    return [BoardRow(*row) for row in found.value]


def _board(since: datetime) -> list[list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT organisation_id, count(*),
                 count(*) FILTER (WHERE state IN ('resolved', 'rated', 'closed')),
                 count(*) FILTER (WHERE state IN ('resolved', 'rated', 'closed')
                                  AND coalesce(resolved_at, closed_at) <= due_at),
                 count(*) FILTER (WHERE state IN ('received', 'assigned', 'under_way')),
                 count(*) FILTER (WHERE state IN ('received', 'assigned', 'under_way') AND due_at < %s)
               FROM cases_case
               WHERE opened_at >= %s AND organisation_id IS NOT NULL AND closure <> 'duplicate'
               GROUP BY 1 ORDER BY 2 DESC, 1""",
            [timezone.now(), since],
        )
        return [list(row) for row in cursor.fetchall()]


def narrowed(rows: QuerySet[Case], f: CaseFilters) -> QuerySet[Case]:
    """`rows` that fit all filters.

    Raises:
        Invalid: a filter names something unknown.
    """
    view = snapshot.current()
    if f.q:
        number = numbers.parse(f.q)
        rows = rows.filter(number=number) if number else rows.filter(public_text__icontains=f.q)
    if f.state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif f.state == "ended":
        rows = rows.exclude(state__in=OPEN_STATES)
    elif f.state:
        rows = rows.filter(state=f.state)
    if f.function_code:
        function = view.function_by_code.get(f.function_code)
        if function is None:
            raise Invalid(fields={"function": _("There is no such function.")})
        under = [x.id for x in view.functions.values() if function.id in x.ancestors]
        rows = rows.filter(function_id__in=under)
    if f.organisation_code:
        organisation = view.organisation_by_code.get(f.organisation_code)
        if organisation is None:
            raise Invalid(fields={"organisation": _("There is no such organisation.")})
        rows = rows.filter(organisation_id=organisation.id)
    if f.area_code:
        area = view.area_by_code.get(f.area_code)
        if area is None:
            raise Invalid(fields={"area": _("There is no such area.")})
        within = [x.id for x in view.areas.values() if area.id in x.ancestors]
        rows = rows.filter(area_id__in=within)
    if f.overdue:
        rows = rows.filter(state__in=OPEN_STATES, due_at__lt=timezone.now())
    for lookup, moment in (
        ("opened_at__gte", f.opened_after),
        ("opened_at__lt", f.opened_before),
        ("updated_at__gte", f.updated_after),
    ):
        if moment is not None:
            rows = rows.filter(**{lookup: moment})
    if f.box is not None:
        west, south, east, north = f.box
        rows = rows.filter(public_lng__range=(west, east), public_lat__range=(south, north))
    return rows


def _cursor(at: datetime, pk: int) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at, pk = base64.urlsafe_b64decode(cursor.encode()).decode().split("|")
        moment, number = datetime.fromisoformat(at), int(pk)
        if moment.tzinfo is None or not 0 <= number < 2**63:
            raise ValueError
    except (ValueError, binascii.Error) as problem:
        raise Invalid(fields={"cursor": _("Start again from the first page.")}) from problem
    return moment, number
