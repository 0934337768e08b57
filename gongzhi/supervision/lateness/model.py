"""Learning how likely a case is to be late: what is usual for its kind, and what has been so lately.

Two steps, both plain weighted sums, so that every probability can be taken apart into reasons:

1. *Usual*: late rates and time used, shrunk towards the wider group (street lights in Eastern
   towards street lights, those towards the organisation; empirical Bayes), old cases counting less.
2. *Lately*: by how much the same group has been later than usual in the last weeks and months, from
   the outcomes that were known by then. It fades when nothing new is heard, so that a model without
   fresh outcomes falls back to what is usual.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gongzhi.supervision.lateness.history import DAY_S, History

Array = NDArray[np.float64]
LEAST_CASES: Final = 200
"""Fewer decided cases teach nothing that holds."""
LEAST_LATE: Final = 20
_HALF_LIFE_DAYS: Final = 1500.0
_FOLDS: Final = 8
_FREEDOM_OF_USUAL: Final = 0.003
_FREEDOM_OF_LATELY: Final = 0.01
"""Scikit-learn's C of the two steps: the smaller, the closer the weights stay to zero."""

_GROUPS: Final[tuple[tuple[tuple[str, ...], int, float], ...]] = (
    ((), -1, 0.0),
    (("organisation",), 0, 10.0),
    (("function_parent",), 0, 10.0),
    (("function",), 1, 5.0),
    (("function", "channel"), 3, 8.0),
    (("function", "district"), 3, 12.0),
    (("function", "weekday"), 3, 12.0),
    (("function", "urgency"), 3, 8.0),
    (("function", "street"), 3, 8.0),
    (("district",), 0, 20.0),
    (("street",), 9, 15.0),
    (("organisation", "street"), 1, 10.0),
    (("organisation", "weekday"), 1, 20.0),
    (("channel",), 0, 10.0),
)
"""What a case is compared with: factors, which earlier group it is shrunk to, and how many cases that counts as."""

_LATELY: Final[tuple[tuple[str, ...], ...]] = (
    (), ("organisation",), ("function",), ("function", "district"), ("street",),
)  # fmt: skip
_LATELY_HALF_LIVES_DAYS: Final = (30.0, 150.0)
_LATELY_SHRINK: Final = 2.0


class TooLittle(ValueError):
    """The history does not hold enough decided cases, or none that was late."""


@dataclass
class Weights:
    """A logistic model on standardised features."""

    mean: Array
    scale: Array
    coefficients: Array
    intercept: float

    def contributions(self, features: Array) -> Array:
        """(n, k) by how much each feature moves the log odds away from the average case."""
        moved: Array = (features - self.mean) / self.scale * self.coefficients
        return moved

    def logits(self, features: Array) -> Array:
        found: Array = self.contributions(features).sum(axis=1) + self.intercept
        return found


@dataclass
class Model:
    """What was learned. Made by `learn`; all of it can be written as JSON (`as_json`)."""

    usual: Weights
    lately: Weights
    tables: list[dict[str, tuple[float, float, float]]]
    """For each of `_GROUPS`: key → weighted cases, late ones, sum of time used."""
    state: Lately
    names: list[str]
    base_rate: float
    cases: int
    learned_until: float
    still_open: list[float]
    """Share of the punctual cases that were still open after 0, 1/20 … 20/20 of their time."""

    def usual_features(self, history: History) -> Array:
        """(n, k) features of the first step."""
        return np.column_stack([*_encoded(self.tables, _keys(history)), _calendar(history)])

    def probabilities(self, history: History, lately: Array) -> Array:
        """(n,) probability of being late; `lately` as `Lately.features` gives it."""
        base = self.usual.logits(self.usual_features(history))
        found: Array = _sigmoid(self.lately.logits(np.column_stack([base, lately])))
        return found

    def while_open(self, probability: Array, share_used: Array) -> Array:
        """(n,) the probability given that a case is still open after a share of its time (Bayes).

        A case that is late stays open throughout; of the punctual ones fewer and fewer are. Past the
        deadline it is certain.
        """
        grid = np.linspace(0, 1, len(self.still_open))
        punctual = (1 - probability) * np.interp(share_used, grid, self.still_open)
        found: Array = probability / np.maximum(probability + punctual, 1e-12)
        return np.where(share_used >= 1, 1.0, np.clip(found, probability, 1.0))

    def as_json(self) -> dict[str, Any]:
        def weights(w: Weights) -> dict[str, Any]:
            return {
                "mean": w.mean.tolist(),
                "scale": w.scale.tolist(),
                "coefficients": w.coefficients.tolist(),
                "intercept": w.intercept,
            }

        return {
            "usual": weights(self.usual),
            "lately": weights(self.lately),
            "tables": self.tables,
            "state": self.state.sums,
            "coming": self.state.coming,
            "names": self.names,
            "base_rate": self.base_rate,
            "cases": self.cases,
            "learned_until": self.learned_until,
            "still_open": self.still_open,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Model:
        def weights(w: dict[str, Any]) -> Weights:
            return Weights(
                np.array(w["mean"]), np.array(w["scale"]), np.array(w["coefficients"]), float(w["intercept"])
            )

        return cls(
            weights(document["usual"]),
            weights(document["lately"]),
            [{k: (v[0], v[1], v[2]) for k, v in table.items()} for table in document["tables"]],
            Lately(
                {k: list(v) for k, v in document["state"].items()},
                [(float(moment), list(keys), float(excess)) for moment, keys, excess in document["coming"]],
            ),
            list(document["names"]),
            float(document["base_rate"]),
            int(document["cases"]),
            float(document["learned_until"]),
            [float(share) for share in document["still_open"]],
        )


@dataclass
class Lately:
    """By how much groups have been later than usual, fading with time.

    `sums`: group and key → for each half-life weighted cases and excess, and the day of the last one.
    """

    sums: dict[str, list[float]] = field(default_factory=dict)
    coming: list[tuple[float, list[str], float]] = field(default_factory=list)
    """Outcomes that are not yet counted: when each becomes known, its groups, its excess (a heap)."""

    def hear(self, moment: float, keys: list[str], excess: float) -> None:
        """Take in an outcome that becomes known at `moment` (seconds)."""
        heapq.heappush(self.coming, (moment, keys, excess))

    def count_until(self, now: float) -> None:
        """Count what has become known before `now` (seconds).

        Not at `now`: what is ended in the second it came in would else be told its own outcome.
        """
        while self.coming and self.coming[0][0] < now:
            moment, keys, excess = heapq.heappop(self.coming)
            self.add(keys, excess, moment)

    def copy(self) -> Lately:
        """Another one that can be changed by itself."""
        return Lately({k: list(v) for k, v in self.sums.items()}, list(self.coming))

    def add(self, keys: list[str], excess: float, moment: float) -> None:
        """Count an outcome that became known at `moment` (seconds)."""
        day = moment / DAY_S
        for key in keys:
            held = self.sums.get(key)
            if held is None:
                self.sums[key] = [v for _ in _LATELY_HALF_LIVES_DAYS for v in (1.0, excess)] + [day]
                continue
            gone = max(0.0, day - held[-1])
            for n, half in enumerate(_LATELY_HALF_LIVES_DAYS):
                fade = 0.5 ** (gone / half)
                held[2 * n] = held[2 * n] * fade + 1.0
                held[2 * n + 1] = held[2 * n + 1] * fade + excess
            held[-1] = max(day, held[-1])

    def features(self, keys: list[str], moment: float) -> list[float]:
        """Excess of each group for each half-life as seen at `moment` (seconds)."""
        day, found = moment / DAY_S, []
        for key in keys:
            held = self.sums.get(key)
            for n, half in enumerate(_LATELY_HALF_LIVES_DAYS):
                if held is None:
                    found.append(0.0)
                    continue
                fade = 0.5 ** (max(0.0, day - held[-1]) / half)
                found.append(held[2 * n + 1] * fade / (held[2 * n] * fade + _LATELY_SHRINK))
        return found


def learn(history: History) -> Model:
    """Learn from the decided cases of a history.

    Raises:
        TooLittle: fewer than `LEAST_CASES` decided cases, or nearly all of one kind.
    """
    is_decided = ~np.isnan(history.is_late)
    decided = history.rows(np.flatnonzero(is_decided))
    late = decided.is_late
    n = len(decided)
    if n < LEAST_CASES or min(late.sum(), n - late.sum()) < LEAST_LATE:
        raise TooLittle(
            f"{n} cases with a deadline that has passed, {int(late.sum())} of them late: at least "
            f"{LEAST_CASES} cases and {LEAST_LATE} of either kind are needed"
        )
    age_days = (decided.opened.max() - decided.opened) / DAY_S
    weight = 0.5 ** (age_days / _HALF_LIFE_DAYS)
    used = _time_used(decided)
    keys = _keys(decided)
    fold = np.random.default_rng(0).integers(0, _FOLDS, n)
    tables = _tables(keys, weight, late, used)
    features = np.column_stack([*_held_out(keys, weight, late, used, fold), _calendar(decided)])
    usual = _fit(features, late, weight, _FREEDOM_OF_USUAL)
    expected = np.empty(n)
    for k in range(4):
        out = fold % 4 == k
        part = _fit(features[~out], late[~out], weight[~out], _FREEDOM_OF_USUAL)
        expected[out] = part.logits(features[out])
    state = Lately()
    logits = usual.logits(np.column_stack([*_encoded(tables, _keys(history)), _calendar(history)]))
    logits[is_decided] = expected
    seen = np.array(list(replay(history, state, logits, history.is_late_heard)))[is_decided]
    began = int(0.1 * n)
    both = np.column_stack([expected, seen])[began:]
    lately = _straightened(
        _fit(both, late[began:], weight[began:], _FREEDOM_OF_LATELY), both, late[began:], weight[began:]
    )
    return Model(
        usual, lately, tables, state, _feature_names(), float(np.average(late, weights=weight)), n,
        history.observed_until, _still_open(decided, late, weight),
    )  # fmt: skip


def _still_open(decided: History, late: Array, weight: Array) -> list[float]:
    punctual = late == 0
    used = (decided.closed - decided.opened)[punctual] / np.maximum(
        1.0, (decided.due - decided.opened)[punctual]
    )
    heavy = weight[punctual]
    return [
        float(((heavy * (used > share)).sum() + 0.5) / (heavy.sum() + 1)) for share in np.linspace(0, 1, 21)
    ]


def replay(
    history: History, state: Lately, expected: Array, late: Array, *, since: int = 0
) -> Iterator[list[float]]:
    """The features of `Lately` for each case at its intake, counting outcomes when they became known.

    What becomes known after the last intake stays with the state, which counts it when its time comes.

    Args:
        history: cases by time of intake.
        expected: (n,) log odds that were usual.
        late: (n,) outcome, NaN where it is not to be used.
        since: the first case whose features are wanted.
    """
    usual = _sigmoid(expected)
    groups = lately_keys(history)
    known = history.known_at
    for j in np.flatnonzero(~np.isnan(late)).tolist():
        state.hear(float(known[j]), groups[j], float(late[j] - usual[j]))
    for i, now in enumerate(history.opened.tolist()[since:], since):
        state.count_until(now)
        yield state.features(groups[i], now)


def lately_keys(history: History) -> list[list[str]]:
    """For each case the groups whose recent outcomes count."""
    columns = [[f"{n}|{k}" for k in _joined(history, names)] for n, names in enumerate(_LATELY)]
    return [list(row) for row in zip(*columns, strict=True)]


def _sigmoid(x: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return found


def _time_used(history: History) -> Array:
    """(n,) log of time used over time allotted; for late cases only that they were late."""
    took = (history.closed - history.opened) / DAY_S
    ratio = np.log((np.maximum(np.nan_to_num(took, nan=0.0), 0) + 0.05) / (history.allotted_days + 0.05))
    return np.where(history.is_late == 1, np.clip(ratio, 0.2, 2.5), np.clip(ratio, -4, 0))


def _joined(history: History, names: tuple[str, ...]) -> list[str]:
    n = len(history)
    columns = []
    for name in names:
        if name == "weekday":
            columns.append([str(d) for d in history.weekday.tolist()])
        else:
            words = history.factors.get(name)
            columns.append(words.tolist() if words is not None else [""] * n)
    if not columns:
        return [""] * n
    return ["\x1f".join(row) for row in zip(*columns, strict=True)]


def _keys(history: History) -> list[list[str]]:
    return [_joined(history, names) for names, _, _ in _GROUPS]


def _tables(
    keys: list[list[str]], weight: Array, late: Array, used: Array
) -> list[dict[str, tuple[float, float, float]]]:
    tables = []
    for column in keys:
        words, place = np.unique(np.array(column), return_inverse=True)
        sums = [np.bincount(place, w, len(words)).tolist() for w in (weight, weight * late, weight * used)]
        tables.append({str(w): (a, b, c) for w, a, b, c in zip(words, *sums, strict=True)})
    return tables


def _encoded(tables: list[dict[str, tuple[float, float, float]]], keys: list[list[str]]) -> list[Array]:
    nothing = (0.0, 0.0, 0.0)
    sums = [
        np.array([table.get(k, nothing) for k in column]) for table, column in zip(tables, keys, strict=True)
    ]
    return _shrunk(sums)


def _held_out(
    keys: list[list[str]], weight: Array, late: Array, used: Array, fold: NDArray[np.int64]
) -> list[Array]:
    """As `_encoded`, for the cases learned from: each is told what the other parts say of its groups."""
    sums = []
    for column in keys:
        words, place = np.unique(np.array(column), return_inverse=True)
        values = np.stack([weight, weight * late, weight * used], axis=1)
        whole = np.zeros((len(words), 3))
        np.add.at(whole, place, values)
        own = np.zeros((len(words) * _FOLDS, 3))
        slot = place * _FOLDS + fold
        np.add.at(own, slot, values)
        sums.append(whole[place] - own[slot])
    return _shrunk(sums)


def _shrunk(sums: list[Array]) -> list[Array]:
    rates: list[tuple[Array, Array]] = []
    columns: list[Array] = []
    for (names, parent, strength), held in zip(_GROUPS, sums, strict=True):
        cases, late, used = held[:, 0], held[:, 1], held[:, 2]
        if parent < 0:
            rates.append(((late + 0.5) / (cases + 2.5), used / (cases + 1e-9)))
            continue
        above = rates[parent]
        rate = (late + strength * above[0]) / (cases + strength)
        time = (used + strength * above[1]) / (cases + strength)
        rates.append((rate, time))
        columns += [np.log(rate / (1 - rate)), time]
        if names == ("function",):
            columns.append(np.log1p(cases))
    return columns


def _calendar(history: History) -> Array:
    angle = 2 * np.pi * history.season
    hours = (np.nan_to_num(history.local_hour) // 4).astype(int).clip(0, 5)
    return np.column_stack(
        [
            np.log1p(np.nan_to_num(history.allotted_days)),
            np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle),
            np.eye(7)[history.weekday], np.eye(8)[history.due_weekday], np.eye(6)[hours],
        ]
    )  # fmt: skip


def _feature_names() -> list[str]:
    names = []
    for factors, parent, _ in _GROUPS:
        if parent >= 0:
            joined = "+".join(factors)
            names += [joined, joined]
            if factors == ("function",):
                names.append("rare")
    return [*names, "allotted", *["season"] * 4, *["weekday"] * 7, *["due_weekday"] * 8, *["hour"] * 6]


def _fit(features: Array, late: Array, weight: Array, freedom: float) -> Weights:
    from sklearn.linear_model import LogisticRegression

    mean = np.average(features, axis=0, weights=weight)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weight))
    scale[scale < 1e-6] = 1.0
    model = LogisticRegression(C=freedom, max_iter=400)
    model.fit((features - mean) / scale, late, sample_weight=weight)
    return Weights(mean, scale, model.coef_[0].astype(float), float(model.intercept_[0]))


def _straightened(weights: Weights, features: Array, late: Array, weight: Array) -> Weights:
    """The same order of cases, with probabilities stretched to what happened (Platt 1999)."""
    logits = weights.logits(features)[:, None]
    line = _fit(logits, late, weight, 1000.0)
    slope = float(line.coefficients[0] / line.scale[0])
    shift = line.intercept + slope * (weights.intercept - float(line.mean[0]))
    return Weights(weights.mean, weights.scale, weights.coefficients * slope, shift)
