"""The folder `matters/` of a city pack: what people say there, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gongzhi.registry.packs import documents
from gongzhi.registry.packs.faults import Fault, PackInvalid

_PHRASES, _WHOLE, _REPLIES = "phrases.yaml", "whole.yaml", "replies.yaml"


@dataclass(frozen=True, slots=True)
class Group:
    """What is said about all functions of one group: what follows from it, what is asked for."""

    effects: dict[str, list[str]]
    demands: dict[str, list[str]]
    months: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sayings:
    """How people put one function into words, by language, and how often they come with it.

    `months` names the months in which it comes up more often, repeated as often as it matters.
    """

    weight: int
    zh: list[str]
    en: list[str]
    months: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """A text written as a whole."""

    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Hot:
    """Something that many people report at once.

    It begins `days_ago` days before the end of the demo, or in `month` if that is given.
    """

    function: str
    place: str
    count: int
    spread_days: float
    texts: dict[str, list[str]]
    days_ago: int = 0
    month: int = 0


@dataclass(frozen=True)
class Grammar:
    """Everything from which matters are composed."""

    groups: dict[str, Group]
    functions: dict[str, Sayings]
    phrases: dict[str, Any]
    whole: dict[str, list[Whole]]
    hot: list[Hot]
    replies: dict[str, Any]
    file_of: dict[str, str] = field(default_factory=dict)


def read(folder: Path) -> Grammar:
    """Read the folder `matters/` of a pack.

    Raises:
        PackInvalid: a file is missing, is not valid YAML, or lacks what must be in it.
    """
    faults: list[Fault] = []
    groups: dict[str, Group] = {}
    functions: dict[str, Sayings] = {}
    file_of: dict[str, str] = {}
    special: dict[str, Any] = {}
    paths = sorted(folder.glob("*.yaml"))
    for path in paths or [folder / _PHRASES]:
        name = f"{folder.name}/{path.name}"
        document = documents.read(path, name, faults)
        if document is None:
            continue
        value = document.value if isinstance(document.value, dict) else {}
        if path.name in (_PHRASES, _WHOLE, _REPLIES):
            special[path.name] = value
            continue
        try:
            for code, row in value["groups"].items():
                groups[code] = Group(row["effects"], row["demands"], tuple(row.get("months", ())))
            for code, row in value["functions"].items():
                functions[code] = Sayings(row["weight"], row["zh"], row["en"], tuple(row.get("months", ())))
                file_of[code] = name
        except (KeyError, TypeError, AttributeError) as problem:
            faults.append(Fault(name, 1, "", f"has the wrong form: {problem!r}"))
    faults += [Fault(f"{folder.name}/{n}", 0, "", "the file is missing") for n in (_PHRASES, _WHOLE, _REPLIES) if n not in special and not faults]  # fmt: skip
    if faults:
        raise PackInvalid(faults)
    texts = special[_WHOLE].get("texts", {})
    return Grammar(
        groups=groups,
        functions=functions,
        phrases=special[_PHRASES],
        whole={lang: [Whole(row["f"], row["t"]) for row in rows] for lang, rows in texts.items()},
        hot=[
            Hot(
                function=row["f"],
                place=row["place"],
                count=row["count"],
                spread_days=row["spread_days"],
                texts={"zh": row["zh"], "en": row["en"]},
                days_ago=row.get("days_ago", 0),
                month=row.get("month", 0),
            )
            for row in special[_WHOLE].get("hot", [])
        ],
        replies=special[_REPLIES],
        file_of=file_of,
    )
