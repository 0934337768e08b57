"""Everything an installation owns in one file, taken while it works, and brought back elsewhere.

A backup is a tar archive: the database as one consistent snapshot (`pg_dump`), the attachments, the
keys and the trained models. Attachments are named by what is in them and only ever added, so copying
them after the snapshot gives all that the snapshot refers to.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from gongzhi.database import programs
from gongzhi.ledger import verification

_DUMP: Final = "database.dump"
_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_FOLDERS: Final = ("keys", "attachments", "models")


class BackupUnusable(ValueError):
    """The file is no backup, or this is no place to restore it; one sentence says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: number of cases, size and root of the log, and whether all of it verifies."""

    cases: int
    log_size: int
    root: str
    sound: bool


def back_up(file: Path) -> int:
    """Write a backup to `file` (mode 600: it holds keys and personal data); gives its size in bytes.

    The file appears whole or not at all.

    Raises:
        BackupUnusable: the database cannot be dumped, or `file` cannot be written.
    """
    home = Path(settings.HOME)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".gongzhi-backup-") as folder:
            dump = Path(folder) / _DUMP
            _program("pg_dump", "--format=custom", "--compress=3", f"--file={dump}")
            manifest = Path(folder) / _MANIFEST
            manifest.write_text(json.dumps({"format": _FORMAT, "taken_at": timezone.now().isoformat()}))
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as sink:
                with tarfile.open(fileobj=sink, mode="w") as archive:
                    archive.add(manifest, _MANIFEST)
                    archive.add(dump, _DUMP)
                    _add(archive, (home / name for name in _FOLDERS), home)
                sink.flush()
                os.fsync(sink.fileno())
        unfinished.replace(file)
    except OSError as problem:
        raise BackupUnusable(f"{file} cannot be written: {problem.strerror}") from problem
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore(file: Path) -> Restored:
    """Bring a backup into an empty home and database, migrate it to this version, verify the log.

    Raises:
        BackupUnusable: it is no backup, is damaged, or there is a city here already.
    """
    if "registry_city" in connection.introspection.table_names():
        raise BackupUnusable(
            "there is a city in this database already; set GONGZHI_HOME or DATABASE_URL to an empty one"
        )
    home = Path(settings.HOME)
    with tempfile.TemporaryDirectory(dir=home, prefix=".gongzhi-restore-") as folder:
        unpacked = Path(folder)
        _unpack(file, unpacked)
        connections.close_all()
        _program(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            f"--dbname={settings.DATABASES['default']['NAME']}", str(unpacked / _DUMP),
        )  # fmt: skip
        for name in _FOLDERS:
            if (unpacked / name).is_dir():
                _replace_folder(unpacked / name, home / name)
    call_command("migrate", verbosity=0)
    verdict = verification.verify_all()
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM cases_case), (SELECT count(*) FROM ledger_position)")
        cases, size = cursor.fetchone()
    root = str(asdict(verdict).get("root") or "")
    return Restored(cases=cases, log_size=size, root=root, sound=verdict.is_sound)


def _add(archive: tarfile.TarFile, folders: Iterable[Path], home: Path) -> None:
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink() and not path.name.endswith(".new"):
                archive.add(path, str(path.relative_to(home)), recursive=False)


def _unpack(file: Path, folder: Path) -> None:
    """Unpack `file`; names that lead out of the folder are refused (PEP 706)."""
    try:
        with tarfile.open(file, "r:") as archive:
            archive.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
    except (OSError, tarfile.TarError, ValueError) as problem:
        raise BackupUnusable(f"{file} is no backup of gongzhi, or is damaged") from problem
    if manifest.get("format") != _FORMAT or not (folder / _DUMP).is_file():
        raise BackupUnusable(f"{file} was written by a version that this one cannot read")


def _replace_folder(source: Path, target: Path) -> None:
    """Put restored files where they belong; what was there (a fresh key) is kept aside."""
    if target.exists():
        target.rename(target.with_name(f"{target.name}.before-restore"))
    source.rename(target)
    if target.name == "keys":
        target.chmod(0o700)
        for path in target.iterdir():
            path.chmod(0o600)


def _program(name: str, *words: str) -> None:
    database = settings.DATABASES["default"]
    environment = os.environ | {
        "PGHOST": str(database["HOST"]),
        "PGPORT": str(database["PORT"] or 5432),
        "PGUSER": str(database["USER"]),
        "PGPASSWORD": str(database["PASSWORD"]),
        "PGDATABASE": str(database["NAME"]),
    }
    done = subprocess.run(  # noqa: S603 – a program of ours with words of ours
        [str(programs() / name), *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BackupUnusable(f"{name} failed: {last}")
