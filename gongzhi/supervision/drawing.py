"""The random draw (双随机): from published inputs and a seed to the same result for anybody.

Subjects are drawn without replacement with chances by their weight of risk (Efraimidis and Spirakis,
"Weighted random sampling with a reservoir", 2006): each gets -ln(u) / weight with u from a hash of
the seed and its id, the smallest are drawn. For each subject, in the order of the draw, those
inspectors are taken who have no conflict of interest, who have fewest so far, and of these the ones
whose hash is smallest. Numbers are decimal with 40 digits, so that every machine finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from hashlib import sha256
from typing import Any, Final

_EXACT: Final = Context(prec=40)
_LABEL: Final = b"gongzhi draw 1\n"


@dataclass(frozen=True, slots=True)
class Subject:
    """What can be drawn: id, name, and weight of risk above 0 (a decimal as text keeps it exact)."""

    id: str
    name: str
    weight: str = "1"


@dataclass(frozen=True, slots=True)
class Inspector:
    """Who can be drawn, and which subjects this person must not inspect."""

    id: str
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that decides a draw beside the seed; fixed when the draw is announced."""

    subjects: tuple[Subject, ...]
    inspectors: tuple[Inspector, ...]
    count: int
    inspectors_each: int
    tree_size: int

    def as_json(self) -> dict[str, Any]:
        return {
            "subjects": [{"id": s.id, "name": s.name, "weight": s.weight} for s in self.subjects],
            "inspectors": [{"id": i.id, "conflicts": list(i.conflicts)} for i in self.inspectors],
            "count": self.count,
            "inspectors_each": self.inspectors_each,
            "tree_size": self.tree_size,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Inputs:
        """Read inputs.

        Raises:
            ValueError: something is missing or of the wrong kind; the sentence says what.
        """
        try:
            made = cls(
                tuple(
                    Subject(str(s["id"]), str(s.get("name", "")), str(s.get("weight", "1")))
                    for s in document["subjects"]
                ),
                tuple(
                    Inspector(str(i["id"]), tuple(str(c) for c in i.get("conflicts", ())))
                    for i in document["inspectors"]
                ),
                int(document["count"]),
                int(document["inspectors_each"]),
                int(document["tree_size"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ValueError(f"not the inputs of a draw: {problem}") from problem
        made.check()
        return made

    def check(self) -> None:
        """Pass silently or raise.

        Raises:
            ValueError: doubled ids, a weight that is not above 0, or counts that cannot be.
        """
        for what, ids in (
            ("subject", [s.id for s in self.subjects]),
            ("inspector", [i.id for i in self.inspectors]),
        ):
            if len(set(ids)) != len(ids):
                raise ValueError(f"a {what} is listed twice")
        for subject in self.subjects:
            try:
                weight = Decimal(subject.weight)
            except ArithmeticError:
                weight = Decimal(0)
            if not weight.is_finite() or not 0 < weight <= 10**6:
                raise ValueError(f"the weight of {subject.id} must lie above 0 and be at most 1000000")
        if not 0 < self.count <= len(self.subjects) or not 0 < self.inspectors_each <= len(self.inspectors):
            raise ValueError("more is to be drawn than there is, or nothing")

    def digest(self) -> bytes:
        """SHA-256 over the inputs as canonical JSON; recorded when the draw is announced."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256(text.encode()).digest()


def seed_of(root: bytes, inputs: Inputs) -> bytes:
    """The seed: root hash of the log at `tree_size`, and the inputs that were fixed before."""
    return sha256(_LABEL + root + inputs.digest()).digest()


def draw(inputs: Inputs, root: bytes) -> list[dict[str, Any]]:
    """The result: subjects in the order of the draw, each with its inspectors.

    `inspectors` is shorter than wanted where too few are without a conflict.

    Raises:
        ValueError: see `Inputs.check`, or `root` is not 32 bytes.
    """
    inputs.check()
    if len(root) != 32:
        raise ValueError("a root hash has 32 bytes")
    seed = seed_of(root, inputs)
    order = sorted(inputs.subjects, key=lambda s: (_wait(seed, s), s.id))
    load = {i.id: 0 for i in inputs.inspectors}
    result = []
    for subject in order[: inputs.count]:
        free = [i.id for i in inputs.inspectors if subject.id not in i.conflicts]
        free.sort(key=lambda i: (load[i], _hash(seed, "inspector", subject.id, i), i))
        chosen = free[: inputs.inspectors_each]
        for inspector in chosen:
            load[inspector] += 1
        result.append({"subject": subject.id, "inspectors": chosen})
    return result


def _wait(seed: bytes, subject: Subject) -> Decimal:
    number = int.from_bytes(_hash(seed, "subject", subject.id), "big")
    share = _EXACT.divide(Decimal(2 * number + 1), Decimal(2**257))
    return _EXACT.divide(-_EXACT.ln(share), Decimal(subject.weight))


def _hash(seed: bytes, *parts: str) -> bytes:
    lengths = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
    return sha256(seed + lengths).digest()


def differences(published: Sequence[Mapping[str, Any]], recomputed: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs between a published result and the recomputed one, in words; empty when nothing does."""
    found = []
    for n in range(max(len(published), len(recomputed))):
        given = published[n] if n < len(published) else None
        right = recomputed[n] if n < len(recomputed) else None
        if given is None or right is None:
            found.append(f"place {n + 1} is {'missing' if given is None else 'too many'}")
        elif dict(given) != dict(right):
            found.append(
                f"place {n + 1}: published {given.get('subject')} with {given.get('inspectors')}, "
                f"recomputed {right['subject']} with {right['inspectors']}"
            )
    return found
