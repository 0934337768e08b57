"""Hot issues: groups of matters about the same thing in the same place, and how hot each one is.

Two matters are alike as far as they say the same and name the same place; neither alone is enough.
A group is a star, not a chain: the densest matter gathers those that resemble it, then the mean of the
group decides who belongs, so that two matters are never together only because a third lies between them
(star clustering: Aslam, Pelekhov and Rus 2004; refined by spherical k-means steps: Dhillon and Modha 2001).
A group ends where nobody spoke of it for `GAP_DAYS`; the same complaint next winter is another issue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gongzhi.sensing import features, naming

ALIKE = 0.14
"""Likeness (see `features.likeness`) from which two matters may be about the same thing."""
BELONGS = 0.22
"""Likeness with the mean of a group from which a matter belongs to it."""
SAME = 0.5
"""Likeness of two means from which two groups are one."""
ELSEWHERE = 0.7
"""Likeness counts only so much between two matters that name different areas."""
AGREED = 1.2
"""The places of a group count in full from 1/AGREED of the length that equal ones would have together."""
GAP_DAYS = 60
NEIGHBOUR_FEATURES, MEAN_FEATURES = 60, 120
DAY = 86_400_000_000
"""Microseconds."""
BUSIEST_DAYS = 14


@dataclass(frozen=True, slots=True)
class Matters:
    """What is grouped, in any order.

    Attributes:
        ids: (n,) as the file names them.
        columns: text columns, each (n,); the first is the title where there are several.
        moments: (n,) microseconds since 1970 UTC.
        votes: (n,) how many people support each, or None.
        areas: (n,) name of the area, "" where unknown, or None.
    """

    ids: list[str]
    columns: list[list[str]]
    moments: NDArray[np.int64]
    votes: NDArray[np.float64] | None = None
    areas: list[str] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Issue:
    """One hot issue. `rows` are positions in `Matters`, in order of time."""

    title: str
    place: str
    people: str
    start: int
    end: int
    heat: float
    reach: float
    pace: float
    rows: NDArray[np.int64]


HEAT_FORMULA = (
    "heat = reach x pace; reach = sum over distinct texts of (1 + ln(copies)) x (1 + ln(1 + votes)); "
    f"pace = 1 + share of members within the busiest {BUSIEST_DAYS} days"
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups with what is needed to let a new matter join them.

    Attributes:
        group: (n,) group of each matter, -1 where it stands alone.
        weights: what was learned about words.
        means: mean vectors of each group, length 1; places that do not agree are shorter.
    """

    group: NDArray[np.int32]
    weights: features.Weights
    means: features.Vectors


def hot_issues(matters: Matters, top: int) -> list[Issue]:
    """The `top` hottest issues; an issue has at least two members."""
    return issues_of(matters, group_matters(matters), top)


def group_matters(matters: Matters) -> Grouping:
    """Find the groups. Equal texts are one text in all that follows, however often they were pasted."""
    whole = ["\n".join(parts) for parts in zip(*matters.columns, strict=True)]
    number: dict[str, int] = {}
    distinct = np.array([number.setdefault(text, len(number)) for text in whole], np.int64)
    first = np.full(len(number), -1, np.int64)
    first[distinct[::-1]] = np.arange(len(whole) - 1, -1, -1)
    columns = [[column[i] for i in first.tolist()] for column in matters.columns]
    counts = [features.counted(column) for column in columns]
    weights = features.learn(features.present(counts))
    vectors = weights.vectors(counts)
    del counts
    moments = matters.moments[first]
    area = np.zeros(len(first), np.int32)
    if matters.areas:
        known = {name: i for i, name in enumerate(dict.fromkeys(["", *matters.areas]))}
        area = np.array([known[matters.areas[i]] for i in first.tolist()], np.int32)
    alike = _alike(vectors, moments, area)
    group = _refined(_stars(alike), vectors, alike)
    of_matter = _split_at_gaps(group[distinct], matters.moments)
    if len(first) < len(whole):
        of_matter = _copies_alone(of_matter, distinct, matters.moments)
    kept, renumbered = np.unique(of_matter[of_matter >= 0], return_inverse=True)
    final = np.full(len(of_matter), -1, np.int32)
    final[of_matter >= 0] = renumbered
    return Grouping(final, weights, _means(final[first], vectors, len(kept)))


def _alike(
    vectors: features.Vectors, moments: NDArray[np.int64], area: NDArray[np.int32]
) -> sparse.csr_matrix:
    """(n, n) likeness of each pair from ALIKE up."""
    row, col = features.candidates(vectors)
    near_in_time = np.abs(moments[row] - moments[col]) <= GAP_DAYS * 3 * DAY
    row, col = row[near_in_time], col[near_in_time]
    few = _heaviest(vectors, NEIGHBOUR_FEATURES)
    likeness = features.likeness(few, few, row, col)
    apart = (area[row] != area[col]) & (area[row] > 0) & (area[col] > 0)
    likeness = np.where(apart, likeness * np.float32(ELSEWHERE), likeness)
    keep = likeness >= ALIKE
    row, col, likeness = row[keep], col[keep], likeness[keep]
    both = (np.concatenate((row, col)), np.concatenate((col, row)))
    return sparse.csr_matrix((np.concatenate((likeness, likeness)), both), shape=(len(vectors),) * 2)


def _stars(alike: sparse.csr_matrix) -> NDArray[np.int32]:
    """Each matter's star, -1 where nothing resembles it: the densest one not yet taken gathers its own."""
    density = np.asarray(alike.sum(axis=1)).ravel()
    star = np.full(alike.shape[0], -1, np.int32)
    closeness = np.zeros(alike.shape[0], np.float32)
    centre = np.zeros(alike.shape[0], bool)
    number = 0
    for seed in np.argsort(-density, kind="stable").tolist():
        if density[seed] <= 0:
            break
        if star[seed] >= 0:
            continue
        begin, end = alike.indptr[seed], alike.indptr[seed + 1]
        near, likeness = alike.indices[begin:end], alike.data[begin:end]
        # A matter goes to the centre it resembles most, unless it is a centre itself.
        mine = (likeness > closeness[near]) & ~centre[near]
        star[near[mine]], closeness[near[mine]] = number, likeness[mine]
        star[seed], closeness[seed], centre[seed] = number, 2, True
        number += 1
    return star


def _heaviest(vectors: features.Vectors, most: int) -> features.Vectors:
    """Their heaviest features only, length 1 again."""
    return features.Vectors(
        features.unit_rows(features.heaviest(vectors.topic, most)),
        features.unit_rows(features.heaviest(vectors.place, most)),
    )


def _means(group: NDArray[np.int32], vectors: features.Vectors, groups: int) -> features.Vectors:
    """Mean vectors of each group, their heaviest features, length 1."""
    inside = np.flatnonzero(group >= 0)
    chooser = sparse.csr_matrix(
        (np.ones(len(inside), np.float32), (group[inside], inside)), shape=(groups, len(group))
    )
    summed = features.Vectors((chooser @ vectors.topic).tocsr(), (chooser @ vectors.place).tocsr())
    means = _heaviest(summed, MEAN_FEATURES)
    agreed = _lengths(summed.place) / np.maximum(chooser @ _lengths(vectors.place), 1e-9)
    scale = sparse.diags(np.minimum(1, AGREED * agreed).astype(np.float32))
    return features.Vectors(means.topic, (scale @ means.place).tocsr())


def _lengths(matrix: sparse.csr_matrix) -> NDArray[np.float64]:
    return np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), np.float64).ravel())


def _refined(
    star: NDArray[np.int32], vectors: features.Vectors, alike: sparse.csr_matrix
) -> NDArray[np.int32]:
    """Means decide who belongs, twice; then groups whose means agree become one; then once more."""
    group = star
    for step in range(3):
        kept, renumbered = np.unique(group[group >= 0], return_inverse=True)
        if not len(kept):
            break
        group = group.copy()
        group[group >= 0] = renumbered
        sizes = np.bincount(group[group >= 0], minlength=len(kept))
        means = _means(group, vectors, len(kept))
        if step == 1:
            group = _united(group, means, sizes, alike)
            kept, renumbered = np.unique(group[group >= 0], return_inverse=True)
            group[group >= 0] = renumbered
            sizes = np.bincount(group[group >= 0], minlength=len(kept))
            means = _means(group, vectors, len(kept))
        lasting = np.append(sizes >= 2, False)[group]
        group = _nearest_mean(vectors, means, np.where(lasting, group, -1), alike)
    return group


def _united(
    group: NDArray[np.int32],
    means: features.Vectors,
    sizes: NDArray[np.int64],
    alike: sparse.csr_matrix,
) -> NDArray[np.int32]:
    """Let each group join the largest one whose mean agrees with its own; never in a chain."""
    edges = alike.tocoo()
    one, other = group[edges.row].astype(np.int64), group[edges.col].astype(np.int64)
    met = (one >= 0) & (other >= 0) & (one != other)
    key = features.distinct(one[met] * len(sizes) + other[met])
    row, col = key // len(sizes), key % len(sizes)
    likeness = features.likeness(means, means, row, col)
    same = likeness >= SAME
    agree = sparse.csr_matrix((likeness[same], (row[same], col[same])), shape=(len(sizes),) * 2)
    joined = np.arange(len(sizes))
    for at in np.argsort(-sizes, kind="stable").tolist():
        begin, end = agree.indptr[at], agree.indptr[at + 1]
        near = agree.indices[begin:end]
        near = near[(sizes[near] <= sizes[at]) & (joined[near] == near) & (near != at)]
        if joined[at] == at:
            joined[near] = at
    into = joined.copy()
    into[joined[joined] != joined] = joined[joined[joined[joined] != joined]]
    result = group.copy()
    result[group >= 0] = into[group[group >= 0]]
    return result


def _nearest_mean(
    vectors: features.Vectors,
    means: features.Vectors,
    group: NDArray[np.int32],
    alike: sparse.csr_matrix,
) -> NDArray[np.int32]:
    """(n,) of its own group and those of its neighbours the one whose mean it resembles most, or -1."""
    edges = alike.tocoo()
    row = np.concatenate((edges.row, np.arange(len(group)))).astype(np.int64)
    near = np.concatenate((group[edges.col], group)).astype(np.int64)
    row, near = row[near >= 0], near[near >= 0]
    key = features.distinct(row * max(1, len(means)) + near)
    row, near = key // max(1, len(means)), key % max(1, len(means))
    likeness = features.likeness(vectors, means, row, near)
    keep = likeness >= BELONGS
    row, near, likeness = row[keep], near[keep], likeness[keep]
    order = np.argsort(likeness, kind="stable")
    nearest = np.full(len(group), -1, np.int32)
    nearest[row[order]] = near[order]
    return nearest


def _split_at_gaps(group: NDArray[np.int32], moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut each group where nobody spoke of it for GAP_DAYS; what is left alone stands alone."""
    order = np.lexsort((moments, group))
    ranked, when = group[order], moments[order]
    cut = np.ones(len(order), bool)
    cut[1:] = (ranked[1:] != ranked[:-1]) | (np.diff(when) > GAP_DAYS * DAY)
    part = np.cumsum(cut) - 1
    sizes = np.bincount(part)
    part = np.where((sizes[part] >= 2) & (ranked >= 0), part, -1)
    result = np.empty(len(order), np.int64)
    result[order] = part
    return result


def _copies_alone(
    group: NDArray[np.int64], distinct: NDArray[np.int64], moments: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A text pasted several times that belongs to no group is a group of its copies."""
    copies = np.bincount(distinct)
    lonely = (group < 0) & (copies[distinct] >= 2)
    own = np.where(lonely, distinct, -1).astype(np.int32)
    parts = _split_at_gaps(own, moments)
    return np.where(parts >= 0, parts + group.max(initial=-1) + 1, group)


def issues_of(matters: Matters, grouping: Grouping, top: int | None = None) -> list[Issue]:
    """Describe the groups, the hottest first; only the `top` of them are named."""
    order = np.lexsort((matters.moments, grouping.group))
    ranked = grouping.group[order]
    ends = np.searchsorted(ranked, np.arange(-1, int(ranked.max(initial=-1)) + 1), side="right")
    groups = [order[begin:end] for begin, end in zip(ends[:-1], ends[1:], strict=True)]
    heats = [_heat(matters, rows) for rows in groups]
    hottest = sorted(range(len(groups)), key=lambda i: (-heats[i][0], matters.moments[groups[i][0]]))[:top]
    titles = [[matters.columns[0][row] for row in groups[i].tolist()] for i in hottest]
    names = iter(features.names_in([title for some in titles for title in some]))
    return [
        _issue(matters, groups[i], heats[i], some, [next(names) for _ in some])
        for i, some in zip(hottest, titles, strict=True)
    ]


def _heat(matters: Matters, rows: NDArray[np.int64]) -> tuple[float, float, float]:
    """Heat, reach and pace of one group, see `HEAT_FORMULA`."""
    copies: dict[tuple[str, ...], list[float]] = {}
    for row in rows.tolist():
        text = tuple(column[row] for column in matters.columns)
        copies.setdefault(text, []).append(0.0 if matters.votes is None else float(matters.votes[row]))
    reach = sum(
        (1 + math.log(len(votes))) * (1 + math.log1p(max(0.0, sum(votes)))) for votes in copies.values()
    )
    when = matters.moments[rows]
    busiest = np.searchsorted(when, when + BUSIEST_DAYS * DAY, side="right") - np.arange(len(when))
    pace = 1 + float(busiest.max()) / len(when)
    return round(reach * pace, 3), round(reach, 3), round(pace, 3)


def _issue(
    matters: Matters,
    rows: NDArray[np.int64],
    heat: tuple[float, float, float],
    titles: list[str],
    names: list[list[tuple[str, bool, bool]]],
) -> Issue:
    areas = [matters.areas[row] for row in rows.tolist()] if matters.areas else []
    texts = dict.fromkeys("\n".join(column[row] for column in matters.columns) for row in rows.tolist())
    return Issue(
        naming.title_of(titles),
        naming.place_of(titles, areas, names),
        naming.people_of(list(texts)),
        int(matters.moments[rows[0]]),
        int(matters.moments[rows[-1]]),
        *heat,
        rows,
    )
