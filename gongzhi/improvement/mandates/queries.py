"""The questions about mandates that pages and the command line ask, of the database or of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from gongzhi.improvement.documents import parse
from gongzhi.improvement.mandates import changes, findings, past, replay, table
from gongzhi.improvement.mandates.findings import Finding
from gongzhi.improvement.mandates.past import Past
from gongzhi.improvement.mandates.table import Table
from gongzhi.registry import snapshot
from gongzhi.registry.models import Function

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Situation:
    """The table, the cases to judge it by, and the words of its functions."""

    table: Table
    past: Past
    words: Mapping[str, Sequence[str]]
    since: datetime | None = None


def of_city(days: int = YEAR_DAYS, until: datetime | None = None) -> Situation:
    """This installation with the cases of its last days."""
    registry = snapshot.current()
    end = until or timezone.now()
    since = end - timedelta(days=days)
    words = {
        f.code: [f.name_zh, f.name_en, *f.synonyms_zh, *f.synonyms_en, *f.examples_zh]
        for f in Function.objects.filter(is_active=True)
    }
    return Situation(
        Table(registry, timezone.localdate(end)), past.from_database(registry, since, end), words, since
    )


def of_files(pack: Path, cases: Path | None = None) -> Situation:
    """A city pack, and cases from a file (see `past.from_file`), without a database.

    Raises:
        PackInvalid, TableInvalid, ValueError: a file cannot be used.
    """
    registry, words = table.of_pack(pack)
    happened = past.from_file(cases, registry) if cases else past.nothing()
    return Situation(Table(registry, timezone.localdate()), happened, words)


def check(situation: Situation) -> list[Finding]:
    """Every finding about the mandates."""
    return findings.check(situation.table, situation.past, situation.words)


def what_if(situation: Situation, path: Path) -> dict[str, Any]:
    """The cases under the table as a file of changes has it.

    Raises:
        DocumentInvalid: the file is wrong; names the line.
    """
    return compared(situation, changes.apply(situation.table, path))


def what_if_written(situation: Situation, text: str) -> dict[str, Any]:
    """The same for changes that were typed.

    Raises:
        DocumentInvalid: as `what_if`.
    """
    path = Path("changes")
    return compared(situation, changes.apply_document(situation.table, path, parse(path, text)))


def what_if_proposed(situation: Situation, finding: Finding) -> dict[str, Any]:
    """The cases under the table as a finding proposes it."""
    return compared(situation, changes.apply_proposals(situation.table, finding.changes))


def what_if_listed(situation: Situation, proposals: list[dict[str, Any]]) -> dict[str, Any]:
    """The same for changes as findings write them: `{"move": {"function": …}}`.

    Raises:
        DocumentInvalid: as `what_if`.
    """
    return compared(situation, changes.apply_proposals(situation.table, proposals))


def compared(situation: Situation, changed: changes.Changed) -> dict[str, Any]:
    """The replay with what remains wrong afterwards."""
    result = replay.what_if(situation.table, changed, situation.past)
    after = findings.check(changed.table, situation.past, {})
    before = findings.check(situation.table, situation.past, {})
    for kind in ("overlap", "gap"):
        result[f"{kind}s_before"] = sum(f.kind == kind for f in before)
        result[f"{kind}s_after"] = sum(f.kind == kind for f in after)
    return result


def as_json(situation: Situation, finding: Finding) -> dict[str, Any]:
    """A finding with codes and names instead of ids."""
    registry = situation.table.registry
    return {
        "kind": finding.kind,
        "functions": [_named(registry.functions.get(f)) for f in finding.functions],
        "areas": [_named(registry.areas.get(a)) for a in finding.areas],
        "organisations": [_named(registry.organisations.get(o)) for o in finding.organisations],
        "cases": finding.cases,
        "evidence": finding.evidence,
        "proposed_changes": finding.changes,
    }


def _named(view: Any) -> dict[str, str]:
    if view is None:
        return {"code": "", "name": "", "name_zh": ""}
    return {"code": view.code, "name": view.name_en, "name_zh": view.name_zh}
