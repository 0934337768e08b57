"""A row of a table into a matter and what happened to it, by a map; or the reason why not."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gongzhi.intake.importing.maps import ColumnMap
from gongzhi.intake.importing.naming import area_code, function_code, organisation_code
from gongzhi.intake.importing.times import read_time
from gongzhi.intake.submission import TEXT_MAX_CHARACTERS, History, Submission

_A_DAY = timedelta(days=1)
_ENDED = frozenset({"fixed", "will_not", "not_ours", "cannot_verify", "duplicate", "withdrawn"})
_NULLS = frozenset({"", "null", "none", "nan", "n/a", "na", "-", "--", "\\n"})


class RowUnusable(ValueError):
    """A row cannot become a matter; the sentence is the reason in the list of rejected rows."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a row names of the city, in the file's own words (empty: nothing).

    `areas` runs from the largest to the smallest; each entry is (level, name).
    """

    function: str
    function_parent: str
    organisation: str
    organisation_name: str
    areas: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """One row, translated; `notes` name what was left out of it and why."""

    submission: Submission
    history: History
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Codes that exist in the city: a row may only refer to these."""

    functions: Mapping[str, str]
    """Codes of leaves and their names in lower case → code."""
    organisations: Mapping[str, str]
    areas: Mapping[str, str]


class Translator:
    """Translates rows of one file.

    Args:
        bound: the map, bound to the file's columns.
        now: rows cannot have been opened after it.
    """

    def __init__(self, bound: ColumnMap, now: datetime) -> None:
        self.map = bound
        self._latest = now + _A_DAY
        self._now = now
        self._says_nothing = _NULLS | frozenset(bound.unknown)
        self._longest_nothing = max(map(len, self._says_nothing), default=0)
        self._times: dict[str, datetime | None] = {}

    def value(self, row: Sequence[str], column: int | None) -> str:
        """The trimmed value, empty when it says that nothing is known."""
        if column is None:
            return ""
        text = row[column].strip()
        if len(text) > self._longest_nothing or text.casefold() not in self._says_nothing:
            return text
        return ""

    def named(self, row: Sequence[str]) -> Named:
        """What a row names of the city."""
        m = self.map
        parent, child = self.value(row, m.function_parent), self.value(row, m.function)
        areas = []
        for column in m.areas:
            name = self.value(row, column.column)
            if name:
                areas.append((column.level, f"{column.prefix}{name}"[:200]))
        return Named(
            (child or parent)[:200],
            parent[:200] if child else "",
            self.value(row, m.organisation)[:200],
            self.value(row, m.organisation_name)[:200],
            tuple(areas),
        )

    def opened_at(self, row: Sequence[str]) -> datetime:
        """When the matter was opened.

        Raises:
            RowUnusable: no date, or one in the future.
        """
        at = self.time(row, self.map.opened, "opened")
        if at is None:
            if self.map.opened_is_required:
                raise RowUnusable("it does not say when it was opened")
            return self._now
        if at > self._latest:
            raise RowUnusable("it was opened in the future")
        return at

    def source_id(self, row: Sequence[str]) -> str:
        """What makes a repeated import harmless: the row's own id, else a digest of its content."""
        own = self.value(row, self.map.identifier)
        if own:
            return own if len(own) <= 100 else hashlib.sha256(own.encode()).hexdigest()
        return "row-" + hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:40]

    def matter(self, row: Sequence[str], known: Known) -> Matter:
        """The matter in a row.

        Raises:
            RowUnusable: see the sentence.
        """
        m = self.map
        notes: list[str] = []
        text = self._joined(row, m.text, m.text_between)
        if len(text) < 2:
            raise RowUnusable("it has no text")
        if len(text) > TEXT_MAX_CHARACTERS:
            raise RowUnusable(f"its text is longer than {TEXT_MAX_CHARACTERS} characters")
        opened = self.opened_at(row)
        lng, lat, place_note = self._point(row)
        if place_note:
            notes.append(place_note)
        named = self.named(row)
        function = _code(
            known.functions, function_code(named.function, named.function_parent), named.function
        )
        organisation = _code(known.organisations, organisation_code(named.organisation), named.organisation)
        area = ""
        for level, name in reversed(named.areas):
            area = area or _code(known.areas, area_code(level, name), name)
        history = self._history(row, opened, organisation, notes)
        attributes: dict[str, Any] = {
            name: value for column, name in m.keep if (value := self.value(row, column))
        }
        if named.function and not function:
            attributes["said_function"] = named.function
        if named.organisation and not organisation:
            attributes["said_organisation"] = named.organisation
        submission = Submission(
            text=text,
            channel=self._channel(row),
            language=m.language,
            lng=lng,
            lat=lat,
            address=self._joined(row, m.address, ", ")[:300],
            function_code=function,
            attributes=attributes,
            at=opened,
            source=m.source,
            source_id=self.source_id(row),
            area_code=area,
        )
        return Matter(submission, history, tuple(notes))

    def point(self, row: Sequence[str]) -> tuple[float, float] | None:
        """(lng, lat) of a row, None without a usable place.

        Raises:
            RowUnusable: not numbers.
        """
        lng, lat, _note = self._point(row)
        return (lng, lat) if lng is not None and lat is not None else None

    def _joined(self, row: Sequence[str], parts: tuple[tuple[int, ...], ...], between: str) -> str:
        found = []
        for part in parts:
            for column in part:
                value = self.value(row, column)
                if value:
                    found.append(value)
                    break
        return between.join(dict.fromkeys(found))

    def time(self, row: Sequence[str], column: int | None, what: str = "date") -> datetime | None:
        """The moment in a column, None when it is empty.

        Raises:
            RowUnusable: it is no date.
        """
        written = self.value(row, column)
        if not written:
            return None
        known = self._times.get(written)
        if known is not None:
            return known
        moment = read_time(written, self.map.time_zone, day_first=self.map.day_first)
        if moment is None:
            raise RowUnusable(f"{written[:40]!r} ({what}) is no date")
        if len(self._times) > 50_000:
            self._times.clear()
        self._times[written] = moment
        return moment

    def _point(self, row: Sequence[str]) -> tuple[float | None, float | None, str]:
        x, y = self.value(row, self.map.lng), self.value(row, self.map.lat)
        if not x or not y:
            return None, None, ""
        try:
            lng, lat = float(x), float(y)
        except ValueError:
            raise RowUnusable(f"{y[:20]!r}, {x[:20]!r} is no latitude and longitude") from None
        if not (math.isfinite(lng) and math.isfinite(lat)):
            raise RowUnusable("latitude and longitude must be numbers")
        if abs(lng) < 1e-6 and abs(lat) < 1e-6:
            return None, None, "no_place"
        if abs(lat) > 90 and abs(lng) <= 90 and abs(lat) <= 180:
            return lat, lng, "swapped"
        if abs(lat) > 90 or abs(lng) > 180:
            return None, None, "impossible_place"
        return lng, lat, ""

    def _channel(self, row: Sequence[str]) -> str:
        said = self.value(row, self.map.channel).casefold()
        return self.map.channels.get(said, "import")

    def _history(self, row: Sequence[str], opened: datetime, organisation: str, notes: list[str]) -> History:
        m = self.map
        closed = self.time(row, m.closed, "closed")
        due = self.time(row, m.due, "due")
        accepted = self.time(row, m.accepted, "accepted")
        said = self.value(row, m.status).casefold()
        outcome = m.statuses.get(said, "")
        if said and not outcome:
            notes.append("unknown_status")
        if not outcome:
            outcome = "fixed" if closed is not None else "open"
        if due is not None and due < opened:
            due = None
        if accepted is not None and accepted < opened:
            accepted = opened
        resolution = self.value(row, m.resolution)[:TEXT_MAX_CHARACTERS]
        if outcome not in _ENDED:
            if outcome == "accepted" and accepted is None:
                accepted = self._not_before(self.time(row, m.updated, "updated"), opened)
            return History(organisation, due, accepted)
        if closed is None:
            closed = self.time(row, m.updated, "updated")
        if closed is None:
            notes.append("end_unknown")
            closed = opened
        if closed < opened:
            closed = self._mended_end(closed, opened)
        if closed > self._latest:
            raise RowUnusable("it was closed in the future")
        is_answered = outcome not in ("duplicate", "withdrawn")
        return History(
            organisation_code=organisation,
            due_at=due,
            accepted_at=min(accepted, closed) if accepted is not None else None,
            resolved_at=closed if is_answered else None,
            closed_at=closed,
            closure=outcome,
            resolution=resolution if is_answered else "",
        )

    def _not_before(self, moment: datetime | None, opened: datetime) -> datetime:
        return max(moment, opened) if moment is not None else opened

    def _mended_end(self, closed: datetime, opened: datetime) -> datetime:
        """Systems that record only the day write midnight; anything else contradicts itself.

        Raises:
            RowUnusable: it ended before it began.
        """
        zone = self._zone()
        end, start = closed.astimezone(zone), opened.astimezone(zone)
        if end.date() == start.date() and (end.hour, end.minute, end.second) == (0, 0, 0):
            return opened
        raise RowUnusable("it was closed before it was opened")

    def _zone(self) -> Any:
        from gongzhi.intake.importing.times import zone

        return zone(self.map.time_zone) if self.map.time_zone else UTC


def _code(known: Mapping[str, str], code: str, name: str) -> str:
    return known.get(code) or known.get(name.casefold(), "")
