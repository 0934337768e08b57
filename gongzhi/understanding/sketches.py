"""A text as 512 bits that can be compared inside the database: alike texts share bits.

Features are pairs of Chinese characters and the stems of words, without the phrases that every
letter to an office holds. A long text keeps the features with the smallest hashes, so that two
texts choose alike (bottom-k sketch, Cohen & Kaplan 2007); each sets the bit that its hash names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gongzhi.understanding import ngrams, short_texts

BITS = 512
MOST_FEATURES = 72
MOST_CHARACTERS = 300
_STEM = 5
_BATCH = 4000
_MIX, _SPREAD = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_WORD, _PAIR = np.uint32(0x51ED270B), np.uint32(0xB5297A4D)

_COMMON_ZH = (
    "你好 您好 尊敬 敬的 领导 希望 望有 有关 关部 部门 门能 尽快 快处 处理 理一 谢谢 请问 我们 这个 一个 没有 现在 已经 什么 怎么 可以 不知 知道 反映"
    " 反应 问题 解决 政府 市民 居民 麻烦 请有 请相 相关 一下 帮忙 多次 一直 好多 非常 严重 影响 我家 附近 这里 那里 因为 所以 但是 而且 就是 还是 不是 他们"
    " 大家 时候 每天 很多 的问 能够 真的 今天 昨天 好几 几天 天了 来处 快来 修理 投诉 举报 求助 咨询 建议"
).split()
_COMMON_EN = (
    "the and are was were has have had this that there here with from for not but you your our please can could would "
    "will been being they them their its also very just still again since after before when what who why how all any "
    "hello dear thanks thank sir madam city government department help need want like get got more some about out into"
).split()


def of(text: str) -> bytes:
    """The sketch of one text, 64 bytes; plain Python, equal to `of_many` to the bit."""
    folded = short_texts.folded(text[:MOST_CHARACTERS])
    found: set[int] = set()
    for run in _IDEOGRAPHS.findall(folded):
        found.update(_hash_of_pair(run[at : at + 2]) for at in range(len(run) - 1))
    found.update(map(_hash_of_stem, _STEMS.findall(folded)))
    found.discard(_SAYS_NOTHING)
    bits = 0
    for hashed in sorted(found)[:MOST_FEATURES]:
        bits |= 1 << (BITS - 1 - hashed % BITS)
    return bits.to_bytes(BITS // 8, "big")


def of_many(texts: Sequence[str]) -> NDArray[np.uint8]:
    """(len(texts), 64) sketches of many texts in one pass."""
    if len(texts) == 1:
        return np.frombuffer(of(texts[0]), np.uint8)[None, :]
    parts = [_of_batch(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, BITS // 8), np.uint8)


def literal(sketch: bytes | NDArray[np.uint8]) -> str:
    """The sketch as PostgreSQL reads a `bit(512)`: x and hexadecimal digits."""
    return "x" + bytes(sketch).hex()


def _of_batch(texts: Sequence[str]) -> NDArray[np.uint8]:
    owner, hashes = features([text[:MOST_CHARACTERS] for text in texts])
    keys = np.unique((owner.astype(np.uint64) << np.uint64(32)) | hashes)
    owner = (keys >> np.uint64(32)).astype(np.int64)
    rank = np.arange(len(keys)) - np.searchsorted(owner, owner)
    chosen = rank < MOST_FEATURES
    bits = np.zeros((len(texts), BITS), bool)
    bits[owner[chosen], (keys[chosen] & np.uint64(BITS - 1)).astype(np.int64)] = True
    return np.packbits(bits, axis=1)


def features(texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Which text has which telling features: (text index, hash) in parallel arrays, with repeats."""
    owner, hashes = _features(texts)
    common = _common()
    place = np.minimum(np.searchsorted(common, hashes), len(common) - 1)
    known = common[place] == hashes
    return owner[~known], hashes[~known]


def _features(texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Which text has which features: (text index, hash) in parallel arrays."""
    folded = ngrams.fold_many(texts)
    codes, text = folded.codes, folded.text
    ideograph = (codes >= 0x3400) & (codes < 0xA000)
    pair = np.flatnonzero(ideograph[:-1] & ideograph[1:])
    pairs = mixed((codes[pair] * _MIX + codes[pair + 1]) * _MIX + _PAIR)
    letter = ((codes >= 0x61) & (codes <= 0x7A)) | ((codes >= 0xC0) & (codes < 0x2000))
    letter |= (codes >= 0xAC00) & (codes < 0xD7A4)
    begins = np.flatnonzero(letter[1:] & ~letter[:-1]) + 1
    words = np.full(len(begins), _WORD)
    inside = np.ones(len(begins), bool)
    length = np.zeros(len(begins), np.int64)
    for step in range(_STEM):
        at = np.minimum(begins + step, len(codes) - 1)
        inside &= letter[at]
        words = np.where(inside, (words + codes[at]) * _MIX, words)
        length += inside
    told = length >= 3
    return (
        np.concatenate((text[pair], text[begins[told]])),
        np.concatenate((pairs, mixed(words[told]))),
    )


def mixed(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Hashes whose every bit depends on every bit of the given ones."""
    hashes = (hashes ^ (hashes >> np.uint32(15))) * _SPREAD
    return hashes ^ (hashes >> np.uint32(13))


_common_hashes: NDArray[np.uint32] | None = None


def _common() -> NDArray[np.uint32]:
    """Sorted hashes of what every text says."""
    global _common_hashes
    if _common_hashes is None:
        _common_hashes = np.unique(_features([*_COMMON_ZH, *_COMMON_EN])[1])
    return _common_hashes


_LETTER = "[a-z\u00c0-\u1fff\uac00-\ud7a3]"
_STEMS = re.compile(f"(?<!{_LETTER}){_LETTER}{{3,{_STEM}}}")
_IDEOGRAPHS = re.compile("[\u3400-\u9fff]{2,}")
_SAYS_NOTHING = -1
_WIDTH = 0xFFFFFFFF


@functools.lru_cache(maxsize=20_000)
def _hash_of_pair(pair: str) -> int:
    """The feature of two Chinese characters, `_SAYS_NOTHING` for a common one."""
    mix = int(_MIX)
    return _telling(((ord(pair[0]) * mix + ord(pair[1])) * mix + int(_PAIR)) & _WIDTH)


@functools.lru_cache(maxsize=20_000)
def _hash_of_stem(stem: str) -> int:
    """The feature of the stem of a word, `_SAYS_NOTHING` for a common one."""
    hashed = int(_WORD)
    for letter in stem:
        hashed = (hashed + ord(letter)) * int(_MIX) & _WIDTH
    return _telling(hashed)


def _telling(hashed: int) -> int:
    hashed = (hashed ^ (hashed >> 15)) * int(_SPREAD) & _WIDTH
    hashed ^= hashed >> 13
    return _SAYS_NOTHING if hashed in _common_set() else hashed


@functools.cache
def _common_set() -> frozenset[int]:
    return frozenset(_common().tolist())
