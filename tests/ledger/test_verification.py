from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from gongzhi.ledger import acts, receipts, sequencer, verification
from gongzhi.ledger.models import Act, Position, Tile
from gongzhi.registry.authority import SYSTEM

pytestmark = pytest.mark.django_db


def _record(n: int) -> list[Act]:
    with transaction.atomic():
        made = [acts.record(SYSTEM, "test.act", "test", i, f"t{i}", {"n": i}) for i in range(n)]
    sequencer.sequence()
    return made


def _tamper(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_act DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE ledger_act ENABLE TRIGGER USER")


def _verify() -> verification.Verdict:
    return verification._verify()  # noqa: SLF001 – the tests' own transaction is already open


def test_an_untouched_log_is_sound_beyond_one_tile() -> None:
    _record(300)
    _record(300)
    verdict = _verify()
    assert verdict.is_sound and verdict.checked >= 600


@pytest.mark.parametrize(
    "change",
    ["details = '{\"n\": 99}'", "verb = 'test.other'", "reason = 'x'", "actor_id = 5", "subject_key = 'z'", "recorded_at = recorded_at + interval '1 microsecond'", "salt = set_byte(salt, 3, (get_byte(salt, 3) + 1) %% 256)", "commitment = set_byte(commitment, 0, (get_byte(commitment, 0) + 1) %% 256)"],
)  # fmt: skip
def test_a_changed_act_is_named(change: str) -> None:
    made = _record(20)
    _tamper(f"UPDATE ledger_act SET {change} WHERE id = %s", made[7].pk)
    fault = _verify().fault
    assert fault is not None and (fault.kind, fault.act_id) == ("content", made[7].pk)


def test_a_removed_act_is_named() -> None:
    made = _record(5)
    _tamper("DELETE FROM ledger_act WHERE id = %s", made[2].pk)
    fault = _verify().fault
    assert fault is not None and (fault.kind, fault.act_id) == ("missing", made[2].pk)


def test_swapped_truncated_and_smuggled_acts_are_found() -> None:
    made = _record(6)
    first, second = (Position.objects.get(act_id=made[i].pk) for i in (1, 2))
    places = first.position, second.position
    Position.objects.filter(act_id=first.act_id).update(position=10**9)
    Position.objects.filter(act_id=second.act_id).update(position=places[0])
    Position.objects.filter(act_id=first.act_id).update(position=places[1])
    fault = _verify().fault
    assert fault is not None and fault.kind == "entry" and fault.position == places[0]


def test_a_truncated_log_is_found() -> None:
    made = _record(6)
    Position.objects.filter(act_id=made[-1].pk).delete()
    fault = _verify().fault
    assert fault is not None and fault.kind == "truncated"


def test_a_flipped_byte_in_a_tile_is_found() -> None:
    _record(6)
    tile = Tile.objects.get(level=0, index=0)
    data = bytearray(tile.data)
    data[33] ^= 1
    tile.data = bytes(data)
    tile.save()
    fault = _verify().fault
    assert fault is not None and (fault.kind, fault.position) == ("tile", 1)


def test_the_database_refuses_to_change_or_remove_an_act() -> None:
    act = _record(1)[0]
    for sql in ("UPDATE ledger_act SET verb = 'x'", "DELETE FROM ledger_act", "TRUNCATE ledger_act"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    assert Act.objects.get(pk=act.pk).verb == "test.act"


def test_a_receipt_is_proved_and_a_changed_one_is_not(submit) -> None:  # type: ignore[no-untyped-def]
    document = submit().document
    assert receipts.proof_for(document["act_id"]).status == "pending"  # type: ignore[union-attr]
    sequencer.sequence()
    proof = receipts.proof_for(document["act_id"])
    assert all(ok for _, ok in receipts.check(document, proof))
    changed = {**document, "act": {**document["act"], "verb": "case.close"}}
    assert not all(ok for _, ok in receipts.check(changed, proof))
