"""Bringing a file in, chunk by chunk: interrupted it goes on, repeated it changes nothing.

A chunk of rows, with everything that belongs to them and the note of how far the file has come, is
one transaction. Rows whose source and id are known already are skipped.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from gongzhi.errors import GongzhiError, Unavailable
from gongzhi.intake import batches
from gongzhi.intake.importing import documents, guessing, learning, maps, tables
from gongzhi.intake.importing.maps import ColumnMap
from gongzhi.intake.importing.tables import FileInvalid, Line, Table
from gongzhi.intake.importing.translating import Known, Matter, RowUnusable, Translator
from gongzhi.intake.models import ImportProgress
from gongzhi.intake.submission import check
from gongzhi.registry import authority, learned, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import City
from gongzhi.registry.snapshot import AreaView, Snapshot

CHUNK_ROWS = 4_000


@dataclass(frozen=True)
class Request:
    """What to bring in, and how.

    Attributes:
        map_name: a built-in map, ``generic``, or the path of a map.
        learn: whether areas, organisations, functions and mandates that the file shows are added.
        limit: at most so many rows; None: all.
        dry_run: read and understand everything, write nothing.
        rejected: where rejected rows go; None: beside the file, else in the present folder.
        city_name: name of the city, if `learn` describes it for the first time.
        password: for the accounts of a city described for the first time.
    """

    path: Path
    map_name: str
    learn: bool = False
    limit: int | None = None
    dry_run: bool = False
    rejected: Path | None = None
    city_name: str = ""
    password: str = ""


@dataclass
class Outcome:
    """What came of it. `rejected`, `imported` and `skipped` add up to the rows of the file.

    Attributes:
        notes: what was left out of imported rows, and how often.
        learned: how much was added to the registry.
        words: which column was taken for what.
        damaged: why the file could not be read to its end, else empty.
        interrupted: whether it was stopped; the same command goes on from there.
    """

    imported: int = 0
    rejected: int = 0
    skipped: int = 0
    seconds: float = 0.0
    rows_this_time: int = 0
    rejected_file: str = ""
    notes: Counter[str] = field(default_factory=Counter)
    learned: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    damaged: str = ""
    interrupted: bool = False

    @property
    def rows_per_second(self) -> float:
        return self.rows_this_time / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "imported": self.imported,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_per_second, 1),
            "rejected_file": self.rejected_file or None,
            "notes": dict(self.notes),
            "learned": self.learned,
            "columns": self.words,
            "damaged": self.damaged or None,
            "interrupted": self.interrupted,
        }


Progress = Callable[[Outcome, float], None]
"""Called after every chunk with the outcome so far and the share of the file that has been read."""


def open_table(path: Path) -> Table:
    """A file as a table, whatever it is.

    Raises:
        FileInvalid: see `tables.read_table` and `documents.read_document`.
    """
    if documents.is_document(path):
        return documents.read_document(path)
    return tables.read_table(path)


def bind(request: Request, table: Table) -> ColumnMap:
    """The map of a request for the columns of its file; ``generic`` looks at some rows first.

    Raises:
        MapInvalid, FileInvalid: the map is wrong or does not fit the file.
    """
    zone = City.objects.values_list("timezone", flat=True).first() or "UTC"
    if request.map_name == "generic":
        sample = open_table(request.path)
        rows = [x.values for x in itertools.islice(sample.lines, guessing.SAMPLE_ROWS) if x.values]
        document = guessing.guess(table.columns, rows)
    else:
        document = maps.read_map(request.map_name)
    if request.city_name:
        city = {"code": "city", **document.get("city", {}), "name_en": request.city_name}
        document = {**document, "city": {**city, "name_zh": request.city_name}}
    bound = maps.bind(document, table.columns, city_zone=zone)
    maps.required_columns_are_there(bound, table.columns)
    return bound


def bring_in(request: Request, actor: Actor, progress: Progress | None = None) -> Outcome:
    """Bring a file in.

    Raises:
        NotAllowed: the actor may not import.
        FileInvalid, MapInvalid: nothing was changed.
        Unavailable: no city is described and `learn` is off, or the file is being brought in
            elsewhere at this moment.
    """
    authority.require(actor, "case.import")
    table = open_table(request.path)
    bound = bind(request, table)
    started = time.perf_counter()
    outcome = Outcome(words=bound.words)
    with _alone(request.path):
        if request.learn and not request.dry_run:
            outcome.learned = _learn(request, bound, actor)
        if not City.objects.exists():
            raise Unavailable(
                "No city has been described yet: load one with `gongzhi city load DIR`, or let the "
                "file describe it with --learn."
            )
        digest = _digest(request)
        run = _Run(request, bound, actor, outcome, digest)
        try:
            run.all(table, progress)
        except KeyboardInterrupt:
            outcome.interrupted = True
        finally:
            outcome.seconds = time.perf_counter() - started
            run.rejected.close()
    return outcome


def _learn(request: Request, bound: ColumnMap, actor: Actor) -> dict[str, int]:
    translator = Translator(bound, timezone.now())
    lines: Iterator[Line] = open_table(request.path).lines
    if request.limit is not None:
        lines = itertools.islice(lines, request.limit)
    found = learning.survey(lines, translator)
    facts = bound.city
    if not facts.code:
        facts = replace(facts, code="city", name_en="City", name_zh="城市", country="CN")
    return learned.learn(actor, learning.lesson(found, facts), password=request.password)


def _digest(request: Request) -> str:
    with request.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(f"|{request.map_name}".encode())
    if request.map_name not in (*maps.BUILT_IN, "generic"):
        digest.update(Path(request.map_name).read_bytes())
    return digest.hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else brings in a file of this name at the same time."""
    key = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise Unavailable(f"{path.name} is being brought in by another process.")
        cursor.execute("SET statement_timeout = '10min'")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
            cursor.execute("RESET statement_timeout")


class _Rejected:
    """The file of rejected rows, made when the first one is written."""

    def __init__(self, request: Request, columns: tuple[str, ...], *, go_on: bool) -> None:
        self._columns = columns
        name = request.path.name
        for ending in (".gz", ".csv", ".xml", ".json", ".txt", ".tsv"):
            name = name.removesuffix(ending)
        if request.rejected is not None:
            self._places = [request.rejected]
        else:
            self._places = [request.path.parent / f"{name}.rejected.csv", Path(f"{name}.rejected.csv")]
        self._go_on = go_on
        self._file: Any = None
        self._is_off = request.dry_run
        self.path = ""

    def write(self, rows: list[tuple[Line, str]]) -> None:
        if not rows or self._is_off:
            return
        if self._file is None:
            self._open()
        writer = csv.writer(self._file)
        width = len(self._columns)
        for line, reason in rows:
            values = line.values if line.values is not None else [line.raw.rstrip("\r\n")]
            writer.writerow([*(values + [""] * width)[:width], reason, line.number])
        self._file.flush()

    def _open(self) -> None:
        for place in self._places:
            mode = "a" if self._go_on and place.exists() else "w"
            try:
                self._file = place.open(mode, encoding="utf-8", errors="surrogateescape", newline="")
            except OSError:
                continue
            self.path = str(place)
            if mode == "w":
                csv.writer(self._file).writerow([*self._columns, "reason", "row"])
            return
        raise FileInvalid(f"{self._places[-1]} cannot be written: give another place with --rejected.")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Run:
    """One pass over a file, chunk by chunk."""

    def __init__(
        self, request: Request, bound: ColumnMap, actor: Actor, outcome: Outcome, digest: str
    ) -> None:
        self.request, self.bound, self.actor, self.outcome = request, bound, actor, outcome
        self.translator = Translator(bound, timezone.now())
        self.digest = digest
        self.progress = ImportProgress.objects.filter(pk=digest, is_finished=False).first()
        if self.progress is None or request.dry_run:
            self.progress = ImportProgress(file_digest=digest, source=bound.source)
        outcome.imported = self.progress.imported
        outcome.rejected = self.progress.rejected
        outcome.skipped = self.progress.skipped
        self.rejected: Any = None

    def all(self, table: Table, progress: Progress | None) -> None:
        done = self.progress.rows if self.progress else 0
        self.rejected = _Rejected(self.request, table.columns, go_on=done > 0)
        lines: Iterator[Line] = itertools.islice(table.lines, done, self.request.limit)
        collecting = gc.isenabled()
        gc.disable()
        try:
            while chunk := list(itertools.islice(lines, CHUNK_ROWS)):
                self._chunk(chunk)
                if progress is not None:
                    progress(self.outcome, table.share_read())
        finally:
            if collecting:
                gc.enable()
        if not self.request.dry_run and not self.outcome.damaged:
            self._note_progress(is_finished=True)

    def _chunk(self, chunk: list[Line]) -> None:
        if chunk[-1].number < 0:
            self.outcome.damaged = chunk.pop().reason
        registry = snapshot.current()
        rejected: list[tuple[Line, str]] = []
        notes: Counter[str] = Counter()
        matters = self._translated(chunk, known_in(registry), rejected, notes)
        skipped = len(chunk) - len(rejected) - len(matters)
        with transaction.atomic():
            present = self._present(list(matters))
            fresh = [matter for key, matter in matters.items() if key not in present]
            skipped += len(matters) - len(fresh)
            areas = self._areas(fresh, registry, notes)
            prepared = batches.prepare(
                [m.submission for m in fresh],
                [m.history for m in fresh],
                areas,
                registry,
                self.actor,
                imported=True,
            )
            if not self.request.dry_run:
                batches.write(prepared)
                self._count(len(chunk), len(fresh), len(rejected), skipped)
        if self.request.dry_run:
            self._count(len(chunk), len(fresh), len(rejected), skipped)
        for matter in fresh:
            notes.update(matter.notes)
        notes["sent_to_a_person"] += sum(p.route.rule == "unclear" for p in prepared)
        self.outcome.notes += notes
        self.rejected.write(rejected)
        self.outcome.rejected_file = self.rejected.path

    def _translated(
        self,
        chunk: list[Line],
        known: Known,
        rejected: list[tuple[Line, str]],
        notes: Counter[str],
    ) -> dict[str, Matter]:
        """Matters by source id; what stands twice is taken once."""
        matters: dict[str, Matter] = {}
        for line in chunk:
            if line.values is None:
                rejected.append((line, line.reason))
                continue
            try:
                matter = self.translator.matter(line.values, known)
                check(matter.submission)
            except RowUnusable as problem:
                rejected.append((line, str(problem)))
                continue
            except GongzhiError as problem:
                sentences = [str(v) for v in problem.fields.values()] or [str(problem.message)]
                rejected.append((line, " ".join(sentences)))
                continue
            key = matter.submission.source_id
            if key in matters:
                notes["twice_in_the_file"] += 1
            else:
                matters[key] = matter
        return matters

    def _present(self, keys: list[str]) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT source_id FROM cases_case WHERE source = %s AND source_id = ANY(%s)",
                [self.bound.source, keys],
            )
            return {row[0] for row in cursor.fetchall()}

    def _areas(self, fresh: list[Matter], registry: Snapshot, notes: Counter[str]) -> list[AreaView | None]:
        """Areas of matters; a place outside a city whose outline is known is left out of the matter."""
        submissions = [m.submission for m in fresh]
        located = [
            s.lng is None or area is not None
            for s, area in zip(
                submissions,
                batches.areas_of([replace(s, area_code="") for s in submissions], registry)
                if registry.has_boundary()
                else [None] * len(submissions),
                strict=True,
            )
        ]
        if registry.has_boundary():
            for i, is_located in enumerate(located):
                if not is_located:
                    notes["place_outside_the_city"] += 1
                    fresh[i] = replace(fresh[i], submission=replace(submissions[i], lng=None, lat=None))
        return batches.areas_of([m.submission for m in fresh], registry)

    def _count(self, rows: int, imported: int, rejected: int, skipped: int) -> None:
        self.outcome.imported += imported
        self.outcome.rejected += rejected
        self.outcome.skipped += skipped
        self.outcome.rows_this_time += rows
        if self.progress is not None:
            self.progress.rows += rows
        if not self.request.dry_run:
            self._note_progress(is_finished=False)

    def _note_progress(self, *, is_finished: bool) -> None:
        if self.progress is None:
            return
        self.progress.imported = self.outcome.imported
        self.progress.rejected = self.outcome.rejected
        self.progress.skipped = self.outcome.skipped
        self.progress.is_finished = is_finished
        self.progress.save()


def known_in(registry: Snapshot) -> Known:
    """What rows may refer to: codes, and names in either language."""
    functions = {}
    for f in registry.functions.values():
        if f.is_leaf:
            functions[f.name_zh.casefold()] = functions[f.name_en.casefold()] = f.code
    organisations = {}
    for o in registry.organisations.values():
        organisations[o.name_zh.casefold()] = organisations[o.name_en.casefold()] = o.code
    areas = {}
    for a in registry.areas.values():
        areas[a.name_zh.casefold()] = areas[a.name_en.casefold()] = a.code
    leaves = (f for f in registry.functions.values() if f.is_leaf)
    return Known(
        functions | {f.code: f.code for f in leaves},
        organisations | {code: code for code in registry.organisation_by_code},
        areas | {code: code for code in registry.area_by_code},
    )
