"""A tree of series whose forecasts add up: total, groups of the first column, groups of both.

Every node is forecast by itself; what they say is then reconciled by weighted least squares with each
node's own variance (WLS, Wickramasuriya, Athanasopoulos and Hyndman 2019), which a tree allows in one
pass up and one pass down instead of a matrix inversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gongzhi.sensing.series import Counts


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes from the root down; a child stands after its parent.

    Attributes:
        parent: (n,) index of the parent, -1 for the root.
        labels: words of each node; () is the total.
        leaf_of: (k,) node of each row of the counts.
        values, known: (n, t) as in `Counts`.
        depths: nodes of each depth, from the root.
    """

    parent: NDArray[np.int64]
    labels: list[tuple[str, ...]]
    leaf_of: NDArray[np.int64]
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    depths: list[NDArray[np.int64]]

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        found = np.zeros(len(self.parent), np.bool_)
        found[self.leaf_of] = True
        return found


def tree(counts: Counts) -> Tree:
    """The tree over the groups of `counts`: one level for each column."""
    width = len(counts.by)
    labels: list[tuple[str, ...]] = []
    index: dict[tuple[str, ...], int] = {}
    for depth in range(width + 1):
        for label in counts.labels:
            if label[:depth] not in index:
                index[label[:depth]] = len(labels)
                labels.append(label[:depth])
    parent = np.array([index[label[:-1]] if label else -1 for label in labels], np.int64)
    values = np.zeros((len(labels), counts.periods))
    known = np.zeros(values.shape, np.bool_)
    leaf_of = np.array([index[label] for label in counts.labels], np.int64)
    for depth in range(width + 1):
        at = np.array([index[label[:depth]] for label in counts.labels])
        np.add.at(values, at, counts.values)
        np.logical_or.at(known, at, counts.known)
        if depth == 0:
            # A gap of the whole file is a gap of the total; a group that is silent alone is not.
            known[0] = counts.known.any(axis=0)
    depths = [
        np.array([i for i, label in enumerate(labels) if len(label) == d], np.int64) for d in range(width + 1)
    ]
    return Tree(parent, labels, leaf_of, values, known, depths)


def reconcile(found: Tree, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means (n, ...) of all nodes, changed as little as their variances allow so that children add up.

    Never below zero. A tree of one node is given back as it is.
    """
    if len(found.depths) == 1:
        return np.maximum(mean, 0.0)
    best, spread = mean.copy(), np.maximum(variance, 1e-9)
    for nodes in reversed(found.depths[1:]):
        parents, groups = np.unique(found.parent[nodes], return_inverse=True)
        total, total_spread = (
            _sums(best[nodes], groups, len(parents)),
            _sums(spread[nodes], groups, len(parents)),
        )
        own, own_spread = best[parents], spread[parents]
        best[parents] = (own * total_spread + total * own_spread) / (own_spread + total_spread)
        spread[parents] = own_spread * total_spread / (own_spread + total_spread)
    leaf_spread = np.maximum(variance, 1e-9)
    for depth, nodes in enumerate(found.depths[1:], 1):
        parents, groups = np.unique(found.parent[nodes], return_inverse=True)
        share = spread[nodes] if depth < len(found.depths) - 1 else leaf_spread[nodes]
        missing = best[parents] - _sums(best[nodes], groups, len(parents))
        best[nodes] += missing[groups] * share / _sums(share, groups, len(parents))[groups]
    return add_up(found, np.maximum(best, 0.0))


def add_up(found: Tree, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (n, ...) in which each parent is the sum of its children, the leaves as given."""
    result = values.copy()
    for nodes in reversed(found.depths[1:]):
        parents, groups = np.unique(found.parent[nodes], return_inverse=True)
        result[parents] = _sums(result[nodes], groups, len(parents))
    return result


def across(counts: Counts, column: int) -> tuple[list[str], NDArray[np.int64]]:
    """The words of one column alone and, for each row of the counts, which of them it has."""
    words = list(dict.fromkeys(label[column] for label in counts.labels))
    place = {word: i for i, word in enumerate(words)}
    return words, np.array([place[label[column]] for label in counts.labels], np.int64)


def _sums(values: NDArray[np.float64], groups: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    result = np.zeros((size, *values.shape[1:]))
    np.add.at(result, groups, values)
    return result


def ancestors_first(labels: Sequence[tuple[str, ...]]) -> list[int]:
    """Indices of labels so that a group stands before its parts, in the order of their words."""
    return sorted(range(len(labels)), key=lambda i: labels[i])
