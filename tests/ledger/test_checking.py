"""A receipt against a log that anybody can ask: every lie of the log is noticed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from gongzhi.cli.main import app
from gongzhi.ledger import checking, keys, merkle, receipts, sequencer, tree
from gongzhi.ledger.checking import PublicLog, Unreachable, check_receipt

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(submit) -> dict[str, Any]:  # type: ignore[no-untyped-def]
    found: dict[str, Any] = submit().document
    sequencer.sequence()
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def failed(steps: list[tuple[str, bool]]) -> str:
    return next((name for name, ok in steps if not ok), "")


def test_a_receipt_is_proved_and_the_log_has_grown_since(document: dict[str, Any], submit) -> None:  # type: ignore[no-untyped-def]
    head = tree.head()
    assert head is not None
    for _ in range(3):
        submit()
    sequencer.sequence()
    steps = check_receipt(document, receipts.OwnLog(), old_note=head.note)
    assert [name for name, _ in steps] == ["commitment", "known_key", "included", "old_checkpoint", "grown"]
    assert not failed(steps)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda d: d["act"].update(verb="case.close"), "commitment"),
        (lambda d: d.update(number="1"), "commitment"),
        (lambda d: d.update(salt="AA=="), "commitment"),
        (lambda d: d.update(commitment="00"), "commitment"),
        (lambda d: d.pop("act"), "commitment"),
        (lambda d: d.update(act=[]), "commitment"),
        (lambda d: d.update(vkey="x"), "commitment"),
        (lambda d: d.update(act_id=10**15), "included"),
        (lambda d: d.update(act_id=d["act_id"] - 1), "included"),
    ],
)
def test_a_changed_receipt_fails_at_its_step(document: dict[str, Any], change: Any, step: str) -> None:
    change(document)
    assert failed(check_receipt(document, receipts.OwnLog())) == step


class Lying(receipts.OwnLog):
    """A log that answers with something else."""

    def __init__(self, **lies: Any) -> None:
        self.lies = lies

    def proof(self, act_id: int) -> dict[str, Any] | None:
        found = super().proof(act_id)
        return {**found, **self.lies} if found else None


@pytest.mark.parametrize(
    ("lie", "step"),
    [
        ({"position": 0}, "included"),
        ({"hashes": []}, "included"),
        ({"hashes": ["%%%"]}, "included"),
        ({"hashes": None}, "included"),
        ({"checkpoint": ""}, "known_key"),
        ({"position": None}, "included"),
    ],
)
def test_a_lying_log_is_noticed(document: dict[str, Any], lie: dict[str, Any], step: str) -> None:
    assert failed(check_receipt(document, Lying(**lie))) == step


def test_a_log_signed_by_a_key_that_does_not_follow_the_receipts_is_noticed(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gongzhi.ledger import notes

    stranger = Ed25519PrivateKey.generate()
    head = tree.head()
    assert head is not None
    text = head.note.partition("\n\n")[0] + "\n"
    note = notes.sign(text, keys.verifiers()[0].name, stranger)

    class Foreign(Lying):
        def verifier_keys(self) -> list[str]:
            public = stranger.public_key().public_bytes_raw()
            return [str(notes.Verifier(keys.verifiers()[0].name, public))]

    assert failed(check_receipt(document, Foreign(checkpoint=note))) == "known_key"


def test_a_log_that_forgot_an_earlier_checkpoint_is_noticed(document: dict[str, Any]) -> None:
    from django.conf import settings

    from gongzhi.ledger import notes

    forked = notes.Checkpoint(settings.LEDGER_ORIGIN, 3, merkle.leaf_hash(b"other"))
    note = notes.sign(forked.text(), settings.LEDGER_ORIGIN, keys.signing_key())
    assert failed(check_receipt(document, receipts.OwnLog(), old_note=note)) == "grown"
    longer = notes.Checkpoint(settings.LEDGER_ORIGIN, 10**6, bytes(32))
    note = notes.sign(longer.text(), settings.LEDGER_ORIGIN, keys.signing_key())
    assert failed(check_receipt(document, receipts.OwnLog(), old_note=note)) == "grown"
    assert failed(check_receipt(document, receipts.OwnLog(), old_note="x")) == "old_checkpoint"


def test_the_public_addresses_are_enough(document: dict[str, Any], live_log: str) -> None:
    head = tree.head()
    assert head is not None
    assert not failed(check_receipt(document, PublicLog(live_log), old_note=head.note))
    document["act_id"] = 10**15
    assert failed(check_receipt(document, PublicLog(live_log))) == "included"


@pytest.fixture
def live_log(db: None, client: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The site's own views behind `urllib`, without a socket."""
    import io
    import urllib.error
    from urllib.parse import urlsplit

    def urlopen(address: str, timeout: float) -> Any:
        parts = urlsplit(address)
        answer = client.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        if answer.status_code != 200:
            raise urllib.error.HTTPError(address, answer.status_code, "", {}, None)  # type: ignore[arg-type]
        return io.BytesIO(answer.content)

    monkeypatch.setattr(checking.urllib.request, "urlopen", urlopen)
    return "http://city.example"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "http://127.0.0.1:1"])
def test_a_log_that_cannot_be_asked_is_told_so(document: dict[str, Any], url: str) -> None:
    with pytest.raises(Unreachable):
        check_receipt(document, PublicLog(url))


def test_the_command_proves_a_receipt(document: dict[str, Any], tmp_path) -> None:  # type: ignore[no-untyped-def]
    receipt, old = tmp_path / "receipt.json", tmp_path / "old.txt"
    receipt.write_text(json.dumps(document), encoding="utf-8")
    head = tree.head()
    assert head is not None
    old.write_text(head.note, encoding="utf-8")
    run = CliRunner().invoke
    good = run(app, ["ledger", "verify", str(receipt), "--checkpoint", str(old), "--json"])
    assert (good.exit_code, json.loads(good.stdout)["sound"]) == (0, True)
    document["salt"] = base64.b64encode(bytes(16)).decode()
    receipt.write_text(json.dumps(document), encoding="utf-8")
    bad = run(app, ["ledger", "verify", str(receipt), "--json"])
    said = json.loads(bad.stdout)
    assert (bad.exit_code, said["sound"], said["commitment"]) == (1, False, False)
    receipt.write_text("[" * 100_000)
    assert run(app, ["ledger", "verify", str(receipt)]).exit_code == 2
