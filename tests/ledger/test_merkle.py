from __future__ import annotations

import hashlib

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.ledger import merkle, notes, tiles
from gongzhi.ledger.canonical import canonical


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 word for word, as the oracle."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def leaves(n: int) -> list[bytes]:
    return [merkle.leaf_hash(i.to_bytes(4, "big")) for i in range(n)]


def node_of(all_leaves: list[bytes]) -> merkle.Node:
    return lambda level, index: plain_root(all_leaves[index << level : (index + 1) << level])


@given(st.integers(0, 700))
@settings(max_examples=40, deadline=None)
def test_the_root_is_the_one_of_the_rfc_however_it_is_computed(n: int) -> None:
    all_leaves = leaves(n)
    frontier = merkle.Frontier()
    for leaf in all_leaves:
        frontier.append(leaf)
    assert frontier.root() == merkle.root_of(all_leaves) == plain_root(all_leaves)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_an_inclusion_proof_holds_for_its_leaf_and_for_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    all_leaves = leaves(size)
    root = plain_root(all_leaves)
    proof = merkle.inclusion_proof(node_of(all_leaves), index, size)
    assert merkle.verify_inclusion(all_leaves[index], index, size, proof, root)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"other"), index, size, proof, root)
    if size > 1:
        assert not merkle.verify_inclusion(all_leaves[index], (index + 1) % size, size, proof, root)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_consistency_proof_holds_only_for_a_log_that_has_grown(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    all_leaves = leaves(new)
    roots = plain_root(all_leaves[:old]), plain_root(all_leaves)
    proof = merkle.consistency_proof(node_of(all_leaves), old, new)
    assert merkle.verify_consistency(old, new, *roots, proof)
    forked = plain_root([merkle.leaf_hash(b"x"), *all_leaves[1:old]])
    assert not merkle.verify_consistency(old, new, forked, roots[1], proof)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_json)
@settings(max_examples=200, deadline=None)
def test_canonical_json_equals_an_independent_implementation_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.integers(0, 10**12), st.integers(0, 63), st.none() | st.integers(1, 255))
def test_a_tile_path_is_read_as_it_is_written(index: int, level: int, width: int | None) -> None:
    name = tiles.parse(tiles.path(level, index, width).removeprefix("tile/"))
    assert name == tiles.TileName(level, index, width)


def test_the_path_of_the_specification() -> None:
    assert tiles.path(0, 1234067) == "tile/0/x001/x234/067"


def test_a_note_with_a_changed_character_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    verifier = notes.Verifier("city/log", key.public_key().public_bytes_raw())
    checkpoint = notes.Checkpoint("city/log", 7, bytes(32))
    note = notes.sign(checkpoint.text(), "city/log", key)
    assert notes.open_checkpoint(note, [notes.Verifier.parse(str(verifier))]) == checkpoint
    other = "B" if note[-6] == "A" else "A"
    for changed in (note.replace("7", "8", 1), note[:-6] + other + note[-5:]):
        try:
            notes.open_checkpoint(changed, [verifier])
        except notes.NoteInvalid:
            continue
        raise AssertionError("a changed note was accepted")
