"""Whatever file an analyst gives to whatever command: a sentence and exit code 2, or an answer, never a traceback."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gongzhi.cli.main import app

COLUMNS = "case,activity,time,number,function,lat,lng,due,closed,title,text,reply"
ROW = "N1,open,2026-03-01 08:00:00,3,f1,30.5,111.3,2026-03-05 08:00:00,2026-03-04 08:00:00,灯,路灯不亮,已修好"


def _rows(*rows: str, heading: str = COLUMNS) -> bytes:
    return ("\n".join((heading, *rows)) + "\n").encode()


FILES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n\n",
    "binary": bytes(range(256)) * 64,
    "utf_16": _rows(ROW).decode().encode("utf-16"),
    "zeros": b"\0" * 4096,
    "wrong_encoding": COLUMNS.encode() + b"\nN1,\xff\xfe\xfa,2026-03-01 08:00:00\n",
    "missing_columns": b"a,b\n1,2\n",
    "no_rows": _rows(),
    "too_few_cells": _rows("N1,open"),
    "too_many_cells": _rows(ROW + ",more,more"),
    "open_quote": _rows('"N1,open,2026-03-01'),
    "mixed_zones": _rows(ROW, ROW.replace("08:00:00", "08:00:00+08:00"), ROW),
    "no_times": _rows(ROW.replace("2026-03-01 08:00:00", "yesterday")),
    "far_times": _rows(ROW.replace("2026-03-01", "290000-01-01"), ROW),
    "broken_archive.gz": b"\x1f\x8b\x08\x00broken",
    "cut_archive.gz": gzip.compress(_rows(*[ROW] * 500))[:-40],
    "not_really.parquet": b"PAR1 no",
    "empty.parquet": b"",
    "empty.xes": b"",
    "other.xes": b"<html><body>no log</body></html>",
}
"""No command can do anything with these but say what is wrong."""
ODD: dict[str, bytes] = {
    "one_row": _rows(ROW),
    "huge_numbers": _rows(*[ROW.replace(",3,", ",9e300,")] * 30),
    "endless_numbers": _rows(ROW.replace(",3,", ",1e400,"), ROW.replace(",3,", ",nan,")),
    "twice_the_same_column": _rows("1,2,3", heading="time,time,case"),
}
"""Some commands answer these and others refuse them; both is well when it is said in words."""

COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "process-map": lambda f: ["process-map", f, "--case", "case", "--activity", "activity", "--time", "time"],
    "hot-issues": lambda f: ["hot-issues", f, "--text", "title,text", "--time", "time"],
    "forecast": lambda f: ["forecast", f, "--time", "time", "--by", "function", "--value", "number"],
    "anomalies": lambda f: ["anomalies", f, "--time", "time", "--by", "function", "--value", "number"],
    "needs": lambda f: ["needs", f, "--time", "time", "--function", "function", "--text", "text"],
    "grid by place": lambda f: ["grid", f, "--time", "time", "--lat", "lat", "--lng", "lng"],
    "grid by name": lambda f: ["grid", f, "--time", "time", "--by", "function"],
    "allocate": lambda f: ["allocate", f, "--area", "case", "--demand", "number"],
    "simulate": lambda f: ["simulate", f, "--case", "case", "--activity", "activity", "--time", "time"],
    "tariff simulate": lambda f: ["tariff", "simulate", f, f, "--usage", "number"],
    "mandates check": lambda f: ["mandates", "check", "--pack", f],
    "mandates what-if": lambda f: ["mandates", "what-if", f, "--pack", f],
    "lake query": lambda f: ["lake", "query", f, "steps"],
    "lake export": lambda f: ["lake", "export", f],
    "evaluate lateness": lambda f: [
        "evaluate", "lateness", f, f, "--opened", "time", "--due", "due", "--closed", "closed",
    ],
    "evaluate lateness, rolling": lambda f: [
        "evaluate", "lateness", f, "--opened", "time", "--due", "due", "--closed", "closed",
    ],
    "evaluate answers": lambda f: ["evaluate", "answers", f],
    "inspect recompute": lambda f: ["inspect", "recompute", f],
}  # fmt: skip
DATABASE = {"mandates check", "mandates what-if", "lake export"}


def _asked(command: str, name: str, content: bytes, folder: Path) -> tuple[int, str]:
    path = folder / (name if "." in name else f"{name}.csv")
    path.write_bytes(content)
    done = CliRunner().invoke(app, COMMANDS[command](str(path)))
    fault = done.exception
    if fault is not None and not isinstance(fault, SystemExit):
        return 1, f"Traceback: {fault!r}"
    return done.exit_code, done.output


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_used_is_refused_in_words(command: str, tmp_path: Path) -> None:
    faults = []
    for name, content in FILES.items():
        if name in {"no_times", "mixed_zones", "far_times"} and "time" not in COMMANDS[command](""):
            continue
        code, said = _asked(command, name, content, tmp_path)
        if code != 2 or not said.strip() or "Traceback" in said or len(said) > 1500:
            faults.append((name, code, said[-200:]))
    assert not faults


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS)
def test_odd_but_sound_files_get_an_answer_or_a_reason(command: str, tmp_path: Path) -> None:
    for name, content in ODD.items():
        code, said = _asked(command, name, content, tmp_path)
        assert code in (0, 2), f"{command} on {name}: exit code {code}: {said[-300:]}"
        assert said.strip() and "Traceback" not in said, f"{command} on {name} says nothing"


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - DATABASE))
def test_a_file_that_is_not_there_is_named(command: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere.csv")
    done = CliRunner().invoke(app, COMMANDS[command](missing))
    assert done.exit_code == 2 and "nowhere.csv" in done.output.replace("\n", ""), done.output
