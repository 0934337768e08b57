"""Texts as sparse vectors in which what names a matter weighs most: hashed n-grams with TF-IDF.

Units are single Chinese characters and whole words or numbers of other scripts. Features are runs of
two and three units, and single words. A run never crosses punctuation. (Salton and Buckley 1988)
Runs inside the name of a place are kept apart from all others: an issue is one thing in one place, and
neither alone makes two matters the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gongzhi.sensing import place_names

BITS = 22
"""Buckets of the hash: 4 million; a month of a large city has about as many different runs."""
CHUNK = 4000
"""Texts handled at a time, so that memory grows with what is kept and not with characters."""
COMMON = 0.2
"""A run in more than this share of texts is a turn of phrase and says nothing about the matter."""
COMMON_PLACE = 0.2
FEW, FEW_PLACE = 50, 200
"""So many texts may hold a run, or a run of a place, in a small collection."""
TITLE_SHARE = 0.6
"""Of the title in a text of several columns."""
ALONE = 0.6
"""Weight of a run that only one text has, relative to its rarity."""
BODY_CHARACTERS = 320
"""Of each column so many characters count: people say what is wrong first, and petitions are long."""
SHARED_BY, FINDERS = 150, 24
"""Texts that may share a run by which they find each other, and such runs of a text, the heaviest."""
FOUND_BY_TOPIC, FOUND_BY_PLACE = 0.08, 0.2
"""Cosines by such runs alone from which a pair is looked at."""
MOST_FOUND = 40
"""Others that a text is compared with in full, by each kind of run."""
BLOCK, PAIRS = 1000, 50_000
SATED = 0.3
"""More likeness of words adds nothing: forms and campaigns repeat each other about different places."""
ELSEWHERE, SHARED, SHARP = 0.05, 4.0, 2
"""How far places agree: other names; and SHARED times their cosine to the power SHARP."""
ONE_SAYS, NONE_SAYS = 0.35, 0.7
"""How far they agree where only one of two says where, or none does; then likeness of words is not sated."""
ENDING = 0.4
"""Weight of a run with the ending of a name (…小区), which many names share."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4))
"""Chinese characters and Korean syllables, which no folding changes."""


def _kinds() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """(65536,) 0 for a break, 1 for a letter or digit, 2 for a character that is a unit; and its folded form."""
    kind = np.zeros(0x10000, np.uint8)
    fold = np.arange(0x10000, dtype=np.uint32)
    for begin, end in _IDEOGRAPHS:
        kind[begin:end] = 2
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0xD800), *range(0xE000, 0x10000)):
        character = unicodedata.normalize("NFKC", chr(code)).lower()
        if len(character) != 1:
            continue
        fold[code] = ord(character)
        if ord(character) >= 0x2E80 and unicodedata.category(character) == "Lo":
            kind[code] = 2
        elif character.isalnum() or unicodedata.category(character) in ("Mn", "Mc"):
            kind[code] = 1
    return kind, fold


_KIND: NDArray[np.uint8] | None = None
_FOLD: NDArray[np.uint32] | None = None


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    global _KIND, _FOLD
    if _KIND is None or _FOLD is None:
        _KIND, _FOLD = _kinds()
    return _KIND, _FOLD


@dataclass(frozen=True, slots=True)
class Vectors:
    """What some texts are about and where, a row each, both of length 1 or empty.

    Attributes:
        topic: (texts, 2^BITS).
        place: (texts, 2^BITS) the names of places that they hold.
    """

    topic: sparse.csr_matrix
    place: sparse.csr_matrix

    def __getitem__(self, rows: Any) -> Vectors:
        return Vectors(self.topic[rows], self.place[rows])

    def __len__(self) -> int:
        return int(self.topic.shape[0])


@dataclass(frozen=True, slots=True)
class _Units:
    """Chinese characters, and words or numbers of other scripts, in order.

    Attributes:
        value: (n,) hash.
        at: (n,) where it begins among the texts joined by line ends.
        text: (n,) which text it stands in.
        first, written: (n,) its first character, folded and as written.
        is_word: (n,) whether it is a word or number.
        length: (n,) characters up to the next one.
        to_next: (n-1,) whether it is joined to the next one.
    """

    value: NDArray[np.uint64]
    at: NDArray[np.int64]
    text: NDArray[np.int32]
    first: NDArray[np.uint32]
    written: NDArray[np.uint32]
    is_word: NDArray[np.bool_]
    length: NDArray[np.int64]
    to_next: NDArray[np.bool_]


def _units(texts: Sequence[str]) -> _Units | None:
    """The units of some texts; None where there are none."""
    kind, fold = _tables()
    joined = "\n".join(texts) + "\n"
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    low = np.minimum(codes, 0xFFFF)
    kinds = np.where(codes < 0x10000, kind[low], np.uint8(2))
    folded = np.where(codes < 0x10000, fold[low], codes).astype(np.uint64)
    text = np.repeat(
        np.arange(len(texts), dtype=np.int32), np.fromiter((len(t) + 1 for t in texts), np.int64, len(texts))
    )
    # A unit begins at every character of kind 2 and at the first letter of a word.
    word = kinds == 1
    begins = (kinds == 2) | (word & ~np.concatenate(([False], word[:-1])))
    at = np.flatnonzero(begins)
    if not len(at):
        return None
    seen = np.cumsum(kinds != 0)
    power = seen - seen[at][np.cumsum(begins).clip(1) - 1]
    spread = (folded + np.uint64(1)) * _MIX * (power.astype(np.uint64) * np.uint64(2) + np.uint64(1))
    unit = np.add.reduceat(np.where(kinds != 0, spread, np.uint64(0)), at)
    unit = (unit ^ (unit >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    is_word = word[at]
    owner = text[at]
    # Units are joined when only spaces lie between words, and nothing between characters.
    space = (codes == 0x20) | (kinds != 0)
    gaps = np.cumsum(~space)
    to_next = (gaps[at[1:]] == gaps[at[:-1]]) & (owner[1:] == owner[:-1])
    lengths = np.diff(np.append(at, len(codes)))
    return _Units(unit, at, owner, folded[at].astype(np.uint32), codes[at], is_word, lengths, to_next)


def _street_words() -> NDArray[np.uint64]:
    units = _units([word.title() for word in place_names.ENDINGS_EN])
    return np.zeros(0, np.uint64) if units is None else units.value


def hashed(texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """All features of some texts.

    Returns:
        (n,) index of the text and (n,) bucket, with repetitions, in order of the texts: below 2^BITS
        for what a text is about, from there on for the names of places.
    """
    units = _units(texts)
    if units is None:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    unit, owner, is_word, to_next = units.value, units.text, units.is_word, units.to_next
    street = is_word & np.isin(unit, _street_words())
    names = place_names.found(units.first, units.written, is_word, to_next, street)
    three = to_next[:-1] & to_next[1:]
    pairs = unit[:-1] * np.uint64(31) + unit[1:] * np.uint64(1_000_003)
    triples = pairs[:-1] * np.uint64(31) + unit[2:] * np.uint64(69_069)
    single = is_word & (units.length > 3)
    # A run that is part of a name says where; all others, and the kind of an establishment, say what.
    about = ~names.place | _kind_of_establishment(names)
    inside = names.name[:-1] == names.name[1:]
    inside &= names.place[:-1]
    within = inside[:-1] & inside[1:]
    what = (
        (owner, unit, single & about),
        (owner[:-1], pairs, to_next & about[:-1] & about[1:]),
        (owner[:-2], triples, three & about[:-2] & about[1:-1] & about[2:]),
    )
    where = (
        (owner, unit, is_word & names.place),
        (owner[:-1], pairs, to_next & inside),
        (owner[:-2], triples, three & within),
    )
    entire, entire_owner = _entire(units, names)
    values, owners = [entire, entire], [entire_owner, entire_owner]
    for owned, value, chosen in what:
        values.append(_bucket(value[chosen]))
        owners.append(owned[chosen])
    for order, (owned, value, chosen) in enumerate(where):
        vague = names.ending[order : order + len(chosen)][chosen]
        values.append((_bucket(value[chosen]) & ~np.int32(1)) + np.int32(1 << BITS) + vague)
        owners.append(owned[chosen])
    return np.concatenate(owners), np.concatenate(values)


def _kind_of_establishment(names: place_names.Names) -> NDArray[np.bool_]:
    """The last two units of the name of an establishment (…中学, …医院) say of what kind it is."""
    last = names.establishment & np.concatenate((names.name[1:] != names.name[:-1], [True]))
    return last | np.concatenate((last[1:], [False]))


def _entire(units: _Units, names: place_names.Names) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """One feature for each exact name without its ending, so that sharing a syllable is not sharing a name."""
    inside = np.flatnonzero(names.place & ~names.ending)
    if not len(inside):
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    begins = np.flatnonzero(np.concatenate(([True], np.diff(names.name[inside]) != 0)))
    rank = np.arange(len(inside)) - np.repeat(begins, np.diff(np.append(begins, len(inside))))
    mixed = (units.value[inside] + np.uint64(7)) * (_MIX * (2 * rank.astype(np.uint64) + np.uint64(1)))
    bucket = _bucket(np.add.reduceat(mixed, begins)) & ~np.int32(1)
    return bucket + np.int32(1 << BITS), units.text[inside[begins]]


def _bucket(value: NDArray[np.uint64]) -> NDArray[np.int32]:
    mixed = (value ^ (value >> np.uint64(31))) * _MIX
    return (mixed >> np.uint64(64 - BITS)).astype(np.int32)


def names_in(texts: Sequence[str]) -> list[list[tuple[str, bool, bool]]]:
    """Names of places in each text: the name, whether it follows the one before without a gap, whether a region."""
    found: list[list[tuple[str, bool, bool]]] = [[] for _ in texts]
    units = _units(texts)
    if units is None:
        return found
    street = units.is_word & np.isin(units.value, _street_words())
    names = place_names.found(units.first, units.written, units.is_word, units.to_next, street)
    changes = np.diff(names.name, prepend=-1, append=-1) != 0
    begins = np.flatnonzero(changes[:-1] & (names.name >= 0))
    ends = np.flatnonzero(changes[1:] & (names.name >= 0))
    start = np.cumsum([0, *(len(text) + 1 for text in texts)])
    owners = units.text[begins]
    at = (units.at[begins] - start[owners]).tolist()
    until = (units.at[ends] + units.length[ends] - start[owners]).tolist()
    follows = np.zeros(len(begins), bool)
    follows[1:] = (begins[1:] == ends[:-1] + 1) & (owners[1:] == owners[:-1])
    regions = names.region[begins].tolist()
    for i, owner in enumerate(owners.tolist()):
        name = texts[owner][at[i] : until[i]].rstrip()
        found[owner].append((_trimmed(name), bool(follows[i]), regions[i]))
    return found


def _trimmed(name: str) -> str:
    """Without the signs that follow it up to the next unit."""
    while name and not name[-1].isalnum():
        name = name[:-1]
    return name


def counted(texts: Sequence[str]) -> sparse.csr_matrix:
    """(texts, 2^(BITS+1)) sublinear counts, 1 + ln(times), of the first BODY_CHARACTERS of each text."""
    parts = []
    for begin in range(0, len(texts), CHUNK):
        some = [t[:BODY_CHARACTERS] for t in texts[begin : begin + CHUNK]]
        owner, bucket = hashed(some)
        key = owner.astype(np.int64) << (BITS + 1) | bucket
        key.sort()
        new = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else key
        times = np.diff(np.append(new, len(key)))
        key = key[new]
        begins = np.searchsorted(key >> (BITS + 1), np.arange(len(some) + 1))
        parts.append(
            sparse.csr_matrix(
                (
                    (1 + np.log(times)).astype(np.float32),
                    (key & ((1 << (BITS + 1)) - 1)).astype(np.int32),
                    begins,
                ),
                shape=(len(some), 1 << (BITS + 1)),
            )
        )
    return sparse.vstack(parts, format="csr")


def present(columns: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    """(texts, 2^(BITS+1)) which features a text has in any of its columns."""
    total = columns[0]
    for column in columns[1:]:
        total = total.maximum(column)
    return total


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each bucket says; learned from one collection and kept for what comes later.

    Attributes:
        rarity: (2^(BITS+1),) float32 logarithm of texts per text with the bucket; 0 for what is not used.
        texts: how many texts it was learned from.
        common: (2^(BITS+1),) whether it is in too many texts to say anything.
    """

    rarity: NDArray[np.float32]
    texts: int
    common: NDArray[np.bool_]

    def vectors(self, columns: Sequence[sparse.csr_matrix]) -> Vectors:
        """Weighted rows.

        Each column is brought to length 1 before they are added, the first of several counting
        TITLE_SHARE, so that a long petition does not drown what its title says.
        """
        weighted = [self._weighted(c) for c in columns]
        topic, place = (
            _added([w[:, begin : begin + (1 << BITS)].tocsr() for w in weighted]) for begin in (0, 1 << BITS)
        )
        return Vectors(topic, place)

    def with_unseen(self) -> Weights:
        """For matters to come: a run that history has once or never may be the name of something new."""
        rarest = np.float32(np.log(self.texts + 1))
        known = (self.rarity > 0) & (self.rarity != np.float32(ALONE) * rarest)
        return Weights(np.where(known | self.common, self.rarity, rarest), self.texts, self.common)

    def _weighted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        weighted = counts.copy()
        weighted.data = (counts.data * self.rarity[counts.indices]).astype(np.float32)
        weighted.data[(counts.indices >= 1 << BITS) & (counts.indices & 1 == 1)] *= np.float32(ENDING)
        weighted.eliminate_zeros()
        return weighted


def _added(columns: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    whole = unit_rows(columns[0])
    if len(columns) > 1:
        rest = sum((unit_rows(c) for c in columns[2:]), unit_rows(columns[1]))
        whole = TITLE_SHARE * whole + (1 - TITLE_SHARE) * unit_rows(rest.tocsr())
    return unit_rows(whole.tocsr())


def learn(counts: sparse.csr_matrix) -> Weights:
    """Rarity of each bucket.

    What only one text has joins it to no other, yet it says that the text is about something else: left
    out, two complaints of one kind about different places would look equal. It counts by `ALONE`.
    """
    texts = counts.shape[0]
    found = np.bincount(counts.indices, minlength=1 << (BITS + 1))
    seen = np.flatnonzero(found)
    times = found[seen]
    is_topic = seen < 1 << BITS
    most = np.where(is_topic, max(COMMON * texts, FEW), max(COMMON_PLACE * texts, FEW_PLACE))
    rarity, common = np.zeros(len(found), np.float32), np.zeros(len(found), bool)
    rarity[seen] = np.where(times <= most, np.log((texts + 1) / times), 0)
    rarity[seen[times == 1]] = np.float32(ALONE) * np.float32(np.log(texts + 1))
    common[seen] = (times > 1) & (times > most)
    return Weights(rarity, texts, common)


def likeness(
    some: Vectors, others: Vectors, row: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(len(row),) how far `some[row]` and `others[column]` are the same thing in the same place.

    The cosine of what they are about, up to SATED, times how far their places agree: the same words
    in another place count ELSEWHERE, a shared name up to ELSEWHERE + SHARED. Where a place is missing,
    all of the cosine counts, times ONE_SAYS or NONE_SAYS.
    """
    result = np.zeros(len(row), np.float32)
    says, others_say = (np.diff(v.place.indptr) > 0 for v in (some, others))
    for begin in range(0, len(row), PAIRS):
        one, other = row[begin : begin + PAIRS], column[begin : begin + PAIRS]
        about = _products(some.topic, others.topic, one, other)
        there = _products(some.place, others.place, one, other)
        known, known_other = says[one], others_say[other]
        silent = np.where(known | known_other, ONE_SAYS, NONE_SAYS)
        result[begin : begin + PAIRS] = np.where(
            known & known_other, np.minimum(about, SATED) * agreement(there), about * silent
        )
    return result


def _products(
    a: sparse.csr_matrix, b: sparse.csr_matrix, row: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.float32]:
    return np.asarray(a[row].multiply(b[column]).sum(axis=1), np.float32).ravel()


def candidates(vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs that share rare words or rare names enough to be worth a look, the smaller number first.

    A run that more than SHARED_BY texts have finds nobody, so that the work grows with the texts and not
    with their square; what is said that often is found by the rarer words beside it.
    """
    rare = [_rare(heaviest(_rare(m), FINDERS)) for m in (vectors.topic, vectors.place)]
    firsts, seconds = [], []
    for matrix, least in zip(rare, (FOUND_BY_TOPIC, FOUND_BY_PLACE), strict=True):
        other = matrix.T.tocsr()
        for begin in range(0, matrix.shape[0], BLOCK):
            near = (matrix[begin : begin + BLOCK] @ other).tocoo()
            keep = (near.data >= least) & (near.col != near.row + begin)
            row, column, worth = near.row[keep], near.col[keep], near.data[keep]
            order = np.lexsort((-worth, row))
            row, column = row[order], column[order]
            place = np.arange(len(row)) - np.searchsorted(row, row)
            row, column = row[place < MOST_FOUND].astype(np.int64) + begin, column[place < MOST_FOUND]
            firsts.append(np.minimum(row, column))
            seconds.append(np.maximum(row, column))
    size = np.int64(max(1, len(vectors)))
    found = np.concatenate([np.zeros(0, np.int64), *firsts]) * size
    key = distinct(found + np.concatenate([np.zeros(0, np.int64), *seconds]))
    return key // size, key % size


def distinct(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different values in order; several times faster than `numpy.unique` on long arrays."""
    key = np.sort(key)
    return key[np.concatenate(([True], key[1:] != key[:-1]))] if len(key) else key


def _rare(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Without the features that only one or too many rows have."""
    found = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = matrix.copy()
    times = found[kept.indices]
    kept.data = np.where((times > 1) & (times <= SHARED_BY), kept.data, 0)
    kept.eliminate_zeros()
    return kept


def agreement(place: Any) -> Any:
    """How much the likeness of words counts when the cosine of the places is `place`."""
    return ELSEWHERE + SHARED * place**SHARP


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows scaled to length 1."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scaled = matrix.copy()
    scaled.data = (matrix.data / np.repeat(np.maximum(length, 1e-9), np.diff(matrix.indptr))).astype(
        np.float32
    )
    return scaled


def heaviest(matrix: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Only the `most` heaviest entries of each row: enough to find who resembles whom."""
    size = np.diff(matrix.indptr)
    if not (size > most).any():
        return matrix
    # Row and weight in one integer, the heaviest first: positive floats order like their bits.
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.uint64), size)
    key = row << np.uint64(32)
    key |= ~matrix.data.astype(np.float32).view(np.uint32) & np.uint32(0xFFFFFFFF)
    order = np.argsort(key, kind="stable")
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], size)
    keep = np.sort(order[place < most])
    begins = np.concatenate(([0], np.cumsum(np.minimum(size, most))))
    return sparse.csr_matrix((matrix.data[keep], matrix.indices[keep], begins), shape=matrix.shape)
