"""The ledger's figures: appending, proofs, size, and durable sequencing in bulk."""

from __future__ import annotations

import hashlib
import os
import random
import time

from benchmarks import figures

LEAVES = int(os.environ.get("LEAVES", "1000000"))
ACTS = int(os.environ.get("ACTS", "200000"))


def append_and_sign() -> list[dict[str, object]]:
    """One million leaves into tiles up to a signed checkpoint, in memory; SHA-256 is the reference."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gongzhi.ledger import merkle, notes, tree

    entries = [os.urandom(32) for _ in range(LEAVES)]
    key = Ed25519PrivateKey.generate()

    def bare() -> None:
        sha256 = hashlib.sha256
        for entry in entries:
            sha256(entry).digest()

    def ours() -> None:
        nonlocal changed
        changed, frontier = tree.extend(0, entries)
        text = notes.Checkpoint("bench/log", frontier.size, frontier.root()).text()
        notes.sign(text, "bench/log", key)

    changed: list[object] = []
    reference, mine = [], []
    for _ in range(3):
        reference.append(LEAVES / figures.seconds(bare))
        mine.append(LEAVES / figures.seconds(ours))
    leaves, calls = figures.median(mine), figures.median(reference)
    by_hash = figures.median([2 * m / r for m, r in zip(mine, reference, strict=True)])
    tile_bytes = sum(len(t.data) for t in changed)  # type: ignore[attr-defined]
    stored = {(t.level, t.index): t.data for t in changed}  # type: ignore[attr-defined]
    chance = random.Random(1)
    frontier_root = merkle.root_of(merkle.leaf_hashes(entries))
    places = [chance.randrange(min(LEAVES, 200_000)) for _ in range(2_000)]
    cold, warm = [], []
    for times in (cold, warm):
        for place in places:
            start = time.perf_counter()
            path = merkle.inclusion_proof(tree.reader_of(lambda lv, ix: stored.get((lv, ix))), place, LEAVES)
            times.append((time.perf_counter() - start) * 1e6)
            leaf = merkle.leaf_hash(entries[place])
            if not merkle.verify_inclusion(leaf, place, LEAVES, path, frontier_root):
                raise SystemExit("a proof does not hold")
    return [
        {
            "what": f"append {LEAVES} leaves and sign, leaves/s; reference: SHA-256 digests/s of as many leaves",
            "ours": round(leaves),
            "reference": round(calls),
            "ratio": round(leaves / calls, 3),
            "goal": "at least 350,000/s",
            "met": leaves >= 350_000,
        },
        {
            "what": "the same, by hashes: the tree needs two for every leaf",
            "ours": round(2 * leaves),
            "reference": round(calls),
            "ratio": round(by_hash, 3),
            "goal": "ratio at least 0.5",
            "met": by_hash >= 0.5,
        },
        {
            "what": "inclusion proof in µs, median of 2000, tiles in memory and expanded; reference: not expanded yet",
            "ours": round(figures.median(warm), 1),
            "reference": round(figures.median(cold), 1),
            "ratio": None,
            "goal": "at most 30 µs",
            "met": figures.median(warm) <= 30,
        },
        {
            "what": "bytes an entry in tiles and entry bundles; reference: the entry itself",
            "ours": round(tile_bytes / LEAVES, 2),
            "reference": 32,
            "ratio": round(tile_bytes / LEAVES / 32, 3),
            "goal": "at most 70",
            "met": tile_bytes / LEAVES <= 70,
        },
    ]


def durable() -> list[dict[str, object]]:
    """Acts that are recorded already go into tiles, positions and a signed checkpoint, committed."""
    from django.db import connection, transaction

    from gongzhi.ledger import acts, sequencer, verification
    from gongzhi.registry.authority import SYSTEM

    ready = [acts.prepared(SYSTEM, "bench.act", "bench", n, str(n), {"n": n}) for n in range(ACTS)]
    start = time.perf_counter()
    with transaction.atomic():
        acts.record_many(ready)
    recorded = ACTS / (time.perf_counter() - start)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("CREATE TABLE bench_plain (entry bytea)")
    start = time.perf_counter()
    with transaction.atomic(), connection.connection.cursor() as cursor:
        with cursor.copy("COPY bench_plain FROM STDIN") as copy:
            for act in ready:
                copy.write_row((act.commitment,))
    plain = ACTS / (time.perf_counter() - start)
    start = time.perf_counter()
    while sequencer.sequence() is not None:
        pass
    rate = ACTS / (time.perf_counter() - start)
    start = time.perf_counter()
    verdict = verification.verify_all()
    verified = verdict.checked / (time.perf_counter() - start)
    if not verdict.is_sound:
        raise SystemExit(f"the log is not sound: {verdict.fault}")
    return [
        {
            "what": f"sequence {ACTS} recorded acts durably, acts/s; reference: COPY of their commitments into a plain table",
            "ours": round(rate),
            "reference": round(plain),
            "ratio": round(rate / plain, 3),
            "goal": "at least 100,000/s",
            "met": rate >= 100_000,
        },
        {
            "what": "record prepared acts by COPY, acts/s",
            "ours": round(recorded),
            "reference": round(plain),
            "ratio": round(recorded / plain, 3),
            "goal": "",
            "met": None,
        },
        {
            "what": "verify everything anew, acts/s",
            "ours": round(verified),
            "reference": None,
            "ratio": None,
            "goal": "",
            "met": None,
        },
    ]


def main() -> None:
    with figures.home():
        figures.write("ledger", [*append_and_sign(), *durable()])


if __name__ == "__main__":
    main()
