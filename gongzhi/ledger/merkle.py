"""Merkle tree hashes and proofs (RFC 6962 §2.1, RFC 9162 §2.1), free of storage.

A hash is 32 bytes of SHA-256; leaves are hashed with a 0x00 prefix and nodes with 0x01.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a log entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Hashes of many entries."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above: one node for every complete pair (a last odd one is left out)."""
    left, right = hashes[0::2], hashes[1::2]
    prefix = b"\x01"
    return [sha256(prefix + a + b).digest() for a, b in zip(left, right, strict=False)]


def parents_of_bytes(level: bytes) -> bytes:
    """`parents` for hashes that lie one behind the other, 32 bytes each."""
    prefix = b"\x01"
    return b"".join([sha256(prefix + level[i : i + 64]).digest() for i in range(0, len(level) - 63, 64)])


class Frontier:
    """The right edge of a tree: the roots of its perfect subtrees, largest first.

    Appending needs nothing else; `size` says how many leaves lie behind it.
    """

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        if len(roots) != size.bit_count():
            raise ValueError("a frontier holds one root for every bit set in its size")
        self.size = size
        self.roots = list(roots)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        carry = self.size
        node = leaf
        while carry & 1:
            node = node_hash(self.roots.pop(), node)
            carry >>= 1
        self.roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root hash."""
        if not self.roots:
            return EMPTY_ROOT
        node = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            node = node_hash(left, node)
        return node


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level, tail = list(leaves), b""
    while len(level) > 1 or tail:
        odd = level[-1] if len(level) % 2 else b""
        above = parents(level)
        if odd:
            tail = node_hash(odd, tail) if tail else odd
        level = above
        if not level:
            return tail
    return level[0]


Node = Callable[[int, int], bytes]
"""(level, index) → hash of the perfect subtree over leaves index·2^level … (index+1)·2^level - 1."""


def range_root(node: Node, start: int, end: int) -> bytes:
    """Root of the leaves start … end-1, where the range is one that a proof can ask for."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0 and start % size == 0:
        return node(size.bit_length() - 1, start // size)
    split = 1 << (size - 1).bit_length() - 1
    return node_hash(range_root(node, start, start + split), range_root(node, start + split, end))


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """Audit path for leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1).

    Raises:
        ValueError: `index` is not within the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    level, place, last = 0, index, size - 1
    while last:
        sibling = place ^ 1
        if sibling < last or (sibling == last and (sibling + 1) << level <= size):
            path.append(node(level, sibling))
        elif sibling == last:
            path.append(range_root(node, sibling << level, size))
        level, place, last = level + 1, place >> 1, last >> 1
    return path


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 6962 §2.1.2).

    Raises:
        ValueError: not 0 < old ≤ new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")

    def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
        if m == end - start:
            return [] if whole else [range_root(node, start, end)]
        split = 1 << (end - start - 1).bit_length() - 1
        if m <= split:
            left = subproof(m, start, start + split, whole)
            return [*left, range_root(node, start + split, end)]
        right = subproof(m - split, start + split, end, False)
        return [*right, range_root(node, start, start + split)]

    return subproof(old, 0, new, True)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `leaf` is number `index` of the tree with `root` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the log has only grown from `old` to `new` (RFC 9162 §2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new:
        return old == 0 and not proof
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first = node_hash(node, first)
            second = node_hash(node, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, node)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root
