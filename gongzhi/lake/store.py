"""The lake on disk: Parquet files by month, and a manifest that says which of them count.

A file is written under another name, flushed, and renamed; then the manifest is replaced in one rename.
That is the only moment at which anything changes for a reader: a crash before it leaves files that nobody
reads and that the next export removes, a crash after it loses nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from gongzhi.lake import schemas

MANIFEST = "MANIFEST.json"
RETIRED_FOR_S = 600
"""So long a file that is no longer listed is kept for readers that have just opened it."""
ROW_GROUP = 122_880
MOST_PARTS = 24
"""Files of one month of acts, above which they are made one."""


class LakeInvalid(ValueError):
    """The folder is no lake, or not the lake of this log."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file: path within the lake, month, rows, smallest and largest key."""

    path: str
    month: str
    rows: int
    first: int
    last: int


@dataclass(slots=True)
class Manifest:
    """What counts.

    Attributes:
        log: name of the ledger that the acts come from.
        acts_until: acts with a smaller position in the log are in the lake, each exactly once.
        cases_until: changes by acts with a smaller position are in the table of cases.
        parts: files per dataset.
        retired: files no longer listed → when they were dropped (Unix time).
    """

    log: str = ""
    version: int = schemas.VERSION
    acts_until: int = 0
    cases_until: int = 0
    parts: dict[str, list[Part]] = field(default_factory=dict)
    retired: dict[str, float] = field(default_factory=dict)


class Lake:
    """A folder with a manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self) -> Manifest:
        """What counts now; an empty one where nothing has been exported.

        Raises:
            LakeInvalid: the manifest is damaged or of a newer form.
        """
        try:
            text = (self.folder / MANIFEST).read_text(encoding="utf-8")
        except FileNotFoundError:
            return Manifest()
        try:
            raw = json.loads(text)
            raw["parts"] = {name: [Part(**p) for p in parts] for name, parts in raw["parts"].items()}
            found = Manifest(**raw)
        except (ValueError, TypeError, KeyError) as problem:
            raise LakeInvalid(f"{self.folder / MANIFEST}: not a manifest of a lake ({problem})") from problem
        if found.version > schemas.VERSION:
            raise LakeInvalid(f"{self.folder}: written by a newer version ({found.version})")
        return found

    def files(self, table: str, *, masked: bool = True) -> list[Path]:
        """The files of a table that count now."""
        name = schemas.dataset(table, masked=masked)
        return [self.folder / part.path for part in self.manifest().parts.get(name, [])]

    @contextmanager
    def writing(self) -> Iterator[Manifest]:
        """The manifest, for the one process that may write now.

        Raises:
            LakeInvalid: another process is writing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as problem:
                raise LakeInvalid(f"{self.folder}: another export is writing to it") from problem
            manifest = self.manifest()
            if manifest.version < schemas.VERSION:
                manifest = Manifest(
                    retired={p.path: time.time() for parts in manifest.parts.values() for p in parts}
                )
            self._sweep(manifest)
            yield manifest

    def write(
        self, connection: duckdb.DuckDBPyConnection, source: str, table: str, *, masked: bool
    ) -> list[Part]:
        """Write the rows of `source` (a table in `connection`) as files by month; nobody reads them yet."""
        name = schemas.dataset(table, masked=masked)
        staging = self.folder / f".staging-{uuid.uuid4().hex}"
        picked = ", ".join(f'"{c.name}"' for c in schemas.columns(table, masked=masked))
        key, month = schemas.KEY[table], schemas.MONTH_OF[table]
        months = connection.execute(
            f"SELECT strftime(m, '%Y-%m'), m, count(*), min(k), max(k) FROM "
            f'(SELECT CAST(date_trunc(\'month\', "{month}") AS DATE) m, "{key}" k FROM {source}) GROUP BY m ORDER BY m'
        ).fetchall()
        staging.mkdir(parents=True)
        try:
            parts = []
            for number, (named, begin, rows, first, last) in enumerate(months):
                file = staging / f"{number}.parquet"
                # A month at a time: rows of a month lie together, and dividing them while writing is slower.
                where = (
                    ""
                    if len(months) == 1
                    else (
                        f" WHERE \"{month}\" >= DATE '{begin:%Y-%m-%d}' AND \"{month}\" < DATE '{begin:%Y-%m-%d}' + INTERVAL 1 MONTH"
                    )
                )
                connection.execute(
                    f"COPY (SELECT {picked} FROM {source}{where}) TO '{_quoted(file)}' "
                    f"(FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP}, COMPRESSION snappy)"
                )
                parts.append(self._placed(file, name, Part("", named, rows, first, last)))
            return parts
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _placed(self, file: Path, name: str, part: Part) -> Part:
        """Move a finished file to its place, durably."""
        relative = (
            f"{name}/v{schemas.VERSION}/month={part.month}/"
            f"{part.first:012d}-{part.last:012d}-{uuid.uuid4().hex[:8]}.parquet"
        )
        target = self.folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        _flush(file)
        file.rename(target)
        _flush(target.parent)
        return replace(part, path=relative)

    def commit(self, manifest: Manifest) -> None:
        """Make a manifest the one that counts, in one rename."""
        target = self.folder / MANIFEST
        draft = self.folder / f".{MANIFEST}.{os.getpid()}"
        document: dict[str, Any] = asdict(manifest)
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        _flush(draft)
        draft.rename(target)
        _flush(self.folder)

    def retire(self, manifest: Manifest, parts: list[Part]) -> None:
        """Note files that are to go; readers that have just opened them may finish."""
        manifest.retired |= {part.path: time.time() for part in parts}

    def compact(self, connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
        """Make one file of months of acts that have become many."""
        for masked in (True, False):
            name = schemas.dataset("acts", masked=masked)
            by_month: dict[str, list[Part]] = {}
            for part in manifest.parts.get(name, []):
                by_month.setdefault(part.month, []).append(part)
            for parts in by_month.values():
                if len(parts) <= MOST_PARTS:
                    continue
                listed = ", ".join(f"'{_quoted(self.folder / p.path)}'" for p in parts)
                connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE whole AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false) ORDER BY seq"
                )
                merged = self.write(connection, "whole", "acts", masked=masked)
                gone = {p.path for p in parts}
                manifest.parts[name] = [p for p in manifest.parts[name] if p.path not in gone] + merged
                self.retire(manifest, parts)
                self.commit(manifest)

    def _sweep(self, manifest: Manifest) -> None:
        """Remove what an interrupted export left, and what has been retired long enough."""
        for left in self.folder.glob(".staging-*"):
            shutil.rmtree(left, ignore_errors=True)
        now = time.time()
        manifest.retired = {p: at for p, at in manifest.retired.items() if now - at <= RETIRED_FOR_S}
        listed = {p.path for parts in manifest.parts.values() for p in parts} | set(manifest.retired)
        for form in ("masked", "unmasked"):
            for file in (self.folder / form).glob("**/*.parquet"):
                if file.relative_to(self.folder).as_posix() not in listed:
                    file.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
