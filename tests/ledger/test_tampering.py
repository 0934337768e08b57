"""R9: whatever is changed, removed, inserted, swapped, truncated or forked is found, the first named.

In small size here; ``R9_ENTRIES=1000 R9_PROOFS=10000`` runs it in full.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, connections, transaction

from gongzhi.ledger import acts, keys, merkle, notes, sequencer, tree, verification
from gongzhi.ledger.models import Act, Checkpoint, Pending, Position, Tile
from gongzhi.registry.authority import SYSTEM

pytestmark = pytest.mark.django_db
ENTRIES = int(os.environ.get("R9_ENTRIES", "4"))
PROOFS = int(os.environ.get("R9_PROOFS", "400"))


def record(n: int, *, sequence: bool = True) -> list[int]:
    with transaction.atomic():
        ready = [acts.prepared(SYSTEM, "t.act", "t", i, f"t{i}", {"n": i, "s": "灯"}) for i in range(n)]
        ids = acts.record_many(ready)
    if sequence:
        sequencer.sequence()
    return ids


@pytest.fixture
def empty_log(db: None) -> Iterator[None]:
    """A log without the acts that loading the demo city left."""
    with unguarded() as cursor:
        for model in (Act, Pending, Position, Tile, Checkpoint):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    yield


@contextmanager
def unguarded() -> Iterator[object]:
    """What somebody can do who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_act DISABLE TRIGGER USER")
        yield cursor
        cursor.execute("ALTER TABLE ledger_act ENABLE TRIGGER USER")


@contextmanager
def tampered(sql: str, *values: object) -> Iterator[verification.Fault]:
    """The fault that is found after `sql`; everything is put back at the end."""
    point = transaction.savepoint()
    with unguarded() as cursor:
        cursor.execute(sql, values)  # type: ignore[attr-defined]
    fault = verification._verify().fault  # noqa: SLF001 – the test's transaction is already open
    transaction.savepoint_rollback(point)
    assert fault is not None, sql
    yield fault


def test_every_flipped_byte_of_every_published_entry_and_hash_is_named(empty_log: None) -> None:
    ids = record(ENTRIES)
    for level, item, kind in ((tree.ENTRIES, 34, "entry"), (0, 32, "tile")):
        for place in range(ENTRIES * item):
            with tampered(
                "UPDATE ledger_tile SET data = set_byte(data, %s, get_byte(data, %s) # 1)"
                " WHERE level = %s AND index = 0",
                place,
                place,
                level,
            ) as fault:
                n = place // item
                assert (fault.kind, fault.position, fault.act_id) == (kind, n, ids[n])


@pytest.mark.parametrize("column", ["salt", "commitment"])
def test_every_flipped_byte_of_salt_and_commitment_is_named(empty_log: None, column: str) -> None:
    ids = record(3)
    for place in range(16 if column == "salt" else 32):
        with tampered(
            f"UPDATE ledger_act SET {column} = set_byte({column}, %s, get_byte({column}, %s) # 128)"
            " WHERE id = %s",
            place,
            place,
            ids[1],
        ) as fault:
            assert (fault.kind, fault.act_id, fault.position) == ("content", ids[1], 1)


@pytest.mark.parametrize(
    "change",
    ["recorded_at = recorded_at + interval '1 microsecond'", "verb = verb || 'x'", "actor_kind = 'person'", "actor_id = 7", "post_id = 0", "mandate_id = 1", "organisation_id = 2", "subject_kind = 'case'", "subject_id = subject_id + 1", "subject_key = ''", "reason = ' '", "details = details || '{\"x\": null}'", "details = details - 's'", "details = jsonb_set(details, '{n}', '1.5')", "details = jsonb_set(details, '{n}', '\"1\"')"],
)  # fmt: skip
def test_every_changed_field_is_named(empty_log: None, change: str) -> None:
    ids = record(5)
    with tampered(f"UPDATE ledger_act SET {change} WHERE id = %s", ids[3]) as fault:
        assert (fault.kind, fault.act_id, fault.position) == ("content", ids[3], 3)


def test_of_several_faults_the_first_is_named(empty_log: None) -> None:
    ids = record(300)
    with tampered(
        "UPDATE ledger_act SET verb = 'x' WHERE id = ANY(%s)", [ids[270], ids[258], ids[299]]
    ) as fault:
        assert fault.act_id == ids[258]
    with tampered(
        "WITH a AS (UPDATE ledger_act SET verb = 'x' WHERE id = %s)"
        " UPDATE ledger_tile SET data = set_byte(data, 70, get_byte(data, 70) # 1) WHERE level = 0 AND index = 1",
        ids[290],
    ) as fault:
        assert (fault.kind, fault.position, fault.act_id) == ("tile", 258, ids[258])


def test_a_removed_act_is_named(empty_log: None) -> None:
    ids = record(10)
    for n in (0, 4, 9):
        with tampered("DELETE FROM ledger_act WHERE id = %s", ids[n]) as fault:
            assert (fault.kind, fault.act_id, fault.position) == ("missing", ids[n], n)


def test_an_act_removed_with_its_place_is_named_by_the_gap(empty_log: None) -> None:
    ids = record(10)
    with tampered(
        "WITH a AS (DELETE FROM ledger_act WHERE id = %s) DELETE FROM ledger_position WHERE act_id = %s",
        ids[4],
        ids[4],
    ) as fault:
        assert (fault.kind, fault.position, fault.act_id) == ("order", 5, ids[5])


def test_truncation_is_found_and_the_first_act_behind_the_cut_named(empty_log: None) -> None:
    ids = record(10)
    with tampered("DELETE FROM ledger_position WHERE position >= 7") as fault:
        assert (fault.kind, fault.position, fault.act_id) == ("truncated", 7, ids[7])


def test_truncation_of_everything_but_an_older_checkpoint_is_found(empty_log: None) -> None:
    record(5)
    record(5)
    with tampered(
        "WITH a AS (DELETE FROM ledger_position WHERE position >= 5) DELETE FROM ledger_checkpoint WHERE size = 5"
    ) as fault:
        assert fault.kind == "truncated"


def test_an_inserted_act_is_named_wherever_it_is_put(empty_log: None) -> None:
    record(10)
    with transaction.atomic():
        smuggled = acts.record_many([acts.prepared(SYSTEM, "t.act", "t", 99, "smuggled", {})])[0]
    Pending.objects.filter(act_id=smuggled).delete()
    fault = verification._verify().fault  # noqa: SLF001
    assert fault is not None
    assert (fault.kind, fault.act_id, fault.subject_key) == ("never_sequenced", smuggled, "smuggled")
    with tampered("INSERT INTO ledger_position VALUES (%s, 10)", smuggled) as fault:
        assert (fault.kind, fault.act_id, fault.position) == ("inserted", smuggled, 10)
    with tampered("UPDATE ledger_position SET act_id = %s WHERE position = 3", smuggled) as fault:
        assert (fault.kind, fault.act_id, fault.position) == ("entry", smuggled, 3)


def test_swapped_acts_are_named(empty_log: None) -> None:
    ids = record(10)
    with swapped(ids[2], ids[6]) as fault:
        assert (fault.kind, fault.act_id, fault.position) == ("entry", ids[6], 2)


@contextmanager
def swapped(first: int, second: int) -> Iterator[verification.Fault]:
    """Two acts exchange their places in the log."""
    point = transaction.savepoint()
    places = dict(Position.objects.filter(act_id__in=[first, second]).values_list("act_id", "position"))
    Position.objects.filter(act_id__in=[first, second]).delete()
    Position.objects.create(act_id=first, position=places[second])
    Position.objects.create(act_id=second, position=places[first])
    fault = verification._verify().fault  # noqa: SLF001
    transaction.savepoint_rollback(point)
    assert fault is not None
    yield fault


def test_contents_exchanged_between_two_acts_are_named(empty_log: None) -> None:
    ids = record(4)
    with tampered(
        "UPDATE ledger_act a SET details = b.details, salt = b.salt, commitment = b.commitment"
        " FROM ledger_act b WHERE a.id = %s AND b.id = %s",
        ids[0],
        ids[2],
    ) as fault:
        assert (fault.kind, fault.act_id) == ("content", ids[0])


def test_a_rewritten_history_with_fitting_tiles_is_a_fork(empty_log: None) -> None:
    """Somebody with the database but without the key rewrites an act and all hashes above it."""
    ids = record(10)
    point = transaction.savepoint()
    other = acts.prepared(SYSTEM, "t.act", "t", 3, "t3", {"n": 3, "s": "改"})
    with unguarded() as cursor:
        cursor.execute(  # type: ignore[attr-defined]
            "UPDATE ledger_act SET details = %s, salt = %s, commitment = %s, recorded_at = %s WHERE id = %s",
            [other.details_text, other.salt, other.commitment, other.recorded_at, ids[3]],
        )
    commitments = [bytes(c) for c in Act.objects.order_by("pk").values_list("commitment", flat=True)]
    Tile.objects.all().delete()
    changed, _ = tree.extend(0, commitments)
    tree.store(changed)
    fault = verification._verify().fault  # noqa: SLF001
    transaction.savepoint_rollback(point)
    assert fault is not None and fault.kind == "fork" and fault.position == 9


def test_a_checkpoint_signed_by_another_key_or_changed_is_found(empty_log: None) -> None:
    record(6)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from django.conf import settings

    head = Checkpoint.objects.get(size=6)
    text = notes.Checkpoint(settings.LEDGER_ORIGIN, 6, bytes(head.root)).text()
    foreign = notes.sign(text, settings.LEDGER_ORIGIN, Ed25519PrivateKey.generate())
    for note in (foreign, head.note.replace("\n6\n", "\n5\n"), head.note[:-9], ""):
        with tampered("UPDATE ledger_checkpoint SET note = %s WHERE size = 6", note) as fault:
            assert fault.kind == "signature"
    with tampered("UPDATE ledger_checkpoint SET root = %s WHERE size = 6", bytes(32)) as fault:
        assert fault.kind == "fork"


def test_a_changed_tile_above_the_leaves_is_found(empty_log: None) -> None:
    record(600)
    with tampered(
        "UPDATE ledger_tile SET data = set_byte(data, 40, get_byte(data, 40) # 1) WHERE level = 1"
    ) as fault:
        assert (fault.kind, fault.position) == ("tile", 256)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_logs_of_awkward_sizes_are_sound_and_prove_every_leaf(empty_log: None, size: int) -> None:
    record(size)
    assert verification._verify().is_sound  # noqa: SLF001
    read, head = tree.hash_reader(), tree.head()
    assert head is not None
    leaves = [
        merkle.leaf_hash(bytes(c)) for c in Act.objects.order_by("pk").values_list("commitment", flat=True)
    ]
    for n in {0, size // 2, size - 1}:
        assert small_verifier(leaves[n], n, size, merkle.inclusion_proof(read, n, size)) == bytes(head.root)
    for old in {1, size // 2 or 1, size}:
        proof = merkle.consistency_proof(read, old, size)
        assert merkle.verify_consistency(old, size, merkle.root_of(leaves[:old]), bytes(head.root), proof)


def test_a_log_that_grew_in_many_steps_equals_one_that_grew_at_once(empty_log: None) -> None:
    for n in (1, 254, 1, 1, 255, 2, 300):
        record(n)
    commitments = [bytes(c) for c in Act.objects.order_by("pk").values_list("commitment", flat=True)]
    stored = {(t.level, t.index): bytes(t.data) for t in Tile.objects.all()}
    Tile.objects.all().delete()
    changed, frontier = tree.extend(0, commitments)
    assert {(t.level, t.index): bytes(t.data) for t in changed} == stored
    head = tree.head()
    assert head is not None and frontier.root() == bytes(head.root)


def small_verifier(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an audit path gives, straight from the recursion of RFC 6962 §2.1.1."""
    if size == 1:
        return leaf
    split = 1
    while split * 2 < size:
        split *= 2
    *lower, top = path
    if index < split:
        return hashlib.sha256(b"\x01" + small_verifier(leaf, index, split, lower) + top).digest()
    right = small_verifier(leaf, index - split, size - split, lower)
    return hashlib.sha256(b"\x01" + top + right).digest()


def test_random_proofs_hold_in_a_separate_small_verifier() -> None:
    chance = random.Random(9)
    entries = [chance.randbytes(32) for _ in range(5_000)]
    changed, _ = tree.extend(0, entries)
    stored = {(t.level, t.index): bytes(t.data) for t in changed}
    read = tree.reader_of(lambda level, index: stored.get((level, index)))
    leaves = merkle.leaf_hashes(entries)
    roots: dict[int, bytes] = {}
    for _ in range(PROOFS):
        size = chance.choice((5_000, chance.randrange(1, 5_001)))
        index = chance.randrange(size)
        root = roots.setdefault(size, merkle.root_of(leaves[:size]))
        path = merkle.inclusion_proof(read, index, size)
        assert small_verifier(leaves[index], index, size, path) == root
        assert merkle.verify_inclusion(leaves[index], index, size, path, root)


def test_of_two_writers_from_one_head_only_one_moves_it(committed: None, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Even without the lock that keeps sequencers apart, positions admit only one of them."""
    record(20)
    with transaction.atomic():
        acts.record_many([acts.prepared(SYSTEM, "t.act", "t", i, f"u{i}", {}) for i in range(50)])
    head = tree.head()
    assert head is not None
    monkeypatch.setattr(sequencer, "_LOCKED", "SELECT true", raising=True)
    monkeypatch.setattr(tree, "head", lambda: head)
    gate, outcomes = threading.Barrier(2), []

    def write() -> None:
        try:
            gate.wait()
            outcomes.append(sequencer.sequence(batch=30))
        except IntegrityError:
            outcomes.append(None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    assert sum(outcome is not None for outcome in outcomes) == 1
    while sequencer.sequence() is not None:
        pass
    assert verification.verify_all().is_sound


def test_sequencers_at_work_together_leave_a_sound_log(committed: None) -> None:
    stop = threading.Event()
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                sequencer.sequence(batch=7)
        except BaseException as problem:  # noqa: BLE001 – reported by the test
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        record(5, sequence=False)
    stop.set()
    for thread in threads:
        thread.join()
    while sequencer.sequence() is not None:
        pass
    verdict = verification.verify_all()
    assert not problems and verdict.is_sound and not Pending.objects.exists()


def test_a_rotated_key_leaves_former_checkpoints_valid(empty_log: None) -> None:
    record(3)
    before = keys.verifiers()[0]
    keys.rotate()
    record(3)
    assert keys.verifiers()[0] != before and before in keys.verifiers()
    assert verification._verify().is_sound  # noqa: SLF001
