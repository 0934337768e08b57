"""One verb on many cases: each in a transaction of its own, so that one refusal stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gongzhi.cases.models import Case
from gongzhi.errors import GongzhiError, Text

MOST = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """A case on which the verb was not possible, and why."""

    number: str
    why: Text


@dataclass(frozen=True, slots=True)
class Outcome:
    """Numbers of the cases that were done, and those that were refused."""

    done: list[str]
    refused: list[Refused]


def each(cases: Sequence[Case], verb: Callable[[Case], object]) -> Outcome:
    """Run `verb` on every case; what is refused is told, not raised.

    Raises:
        GongzhiError: the first case fails because of the input that all share (`Invalid`) or the
            service is down: then nothing further is tried.
    """
    done: list[str] = []
    refused: list[Refused] = []
    for case in cases[:MOST]:
        try:
            verb(case)
        except GongzhiError as problem:
            if problem.status >= 500 or (problem.status == 422 and not done):
                raise
            refused.append(Refused(case.number, problem.message))
        else:
            done.append(case.number)
    return Outcome(done, refused)
