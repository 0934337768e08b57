"""The log's tree as it lies in the database: hashes read from tiles, proofs, published tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from gongzhi.ledger import merkle, tiles
from gongzhi.ledger.models import Checkpoint, Tile

ENTRIES = -1


def head() -> Checkpoint | None:
    """The newest signed checkpoint."""
    return Checkpoint.objects.order_by("-size").first()


@lru_cache(maxsize=1024)
def _expanded(data: bytes) -> tuple[bytes, ...]:
    """All levels of hashes inside a tile, from its own up to its root; 16 kB for a full tile."""
    levels = [data]
    while len(levels[-1]) >= 64:
        levels.append(merkle.parents_of_bytes(levels[-1]))
    return tuple(levels)


def reader_of(tile_of: Callable[[int, int], bytes | None]) -> merkle.Node:
    """A `merkle.Node` over tiles; `tile_of(level, index)` gives the newest bytes of a tile.

    Raises (the node, when asked):
        LookupError: a tile is missing or too short.
    """
    seen: dict[tuple[int, int], tuple[bytes, ...]] = {}
    # Names of this function's own: a proof asks twenty times, and its whole time is looking up.
    height, item = tiles.HEIGHT, tiles.HASH_BYTES

    def read(level: int, index: int) -> bytes:
        within = level % height
        bits = height - within  # of `index` that say where in the tile
        key = (level // height, index >> bits)
        levels = seen.get(key)
        if levels is None:
            data = tile_of(*key)
            if data is None:
                raise LookupError(f"tile {key[0]}/{key[1]} is missing")
            levels = seen[key] = _expanded(data)
        start = (index & (1 << bits) - 1) * item
        found = levels[within][start : start + item] if within < len(levels) else b""
        if len(found) != item:
            raise LookupError(f"tile {key[0]}/{key[1]} is too short")
        return found

    return read


def hash_reader() -> merkle.Node:
    """A `merkle.Node` over the stored tiles; each tile is read once per reader."""
    return reader_of(_stored)


def _stored(level: int, index: int) -> bytes | None:
    data = Tile.objects.filter(level=level, index=index).values_list("data", flat=True).first()
    return bytes(data) if data is not None else None


def published(name: tiles.TileName) -> bytes | None:
    """The bytes of a published tile, None when the log is not that large."""
    level = ENTRIES if name.level is None else name.level
    tile = Tile.objects.filter(level=level, index=name.index).first()
    wanted = name.width or tiles.WIDTH
    if tile is None or tile.width < wanted:
        return None
    item = 34 if name.level is None else 32
    return bytes(tile.data)[: wanted * item]


def extend(size: int, commitments: list[bytes]) -> tuple[list[Tile], merkle.Frontier]:
    """The tiles that appending changes or adds, and the new right edge.

    Args:
        size: leaves already in the log.
        commitments: 32-byte entries to append, in order.
    """
    changed: list[Tile] = _grown(ENTRIES, size, _entries(commitments), 34)
    level, start, hashes = 0, size, b"".join(merkle.leaf_hashes(commitments))
    while hashes:
        grown = _grown(level, start, hashes, 32)
        changed += grown
        hashes = b"".join(_tile_root(bytes(t.data)) for t in grown if t.width == tiles.WIDTH)
        start //= tiles.WIDTH
        level += 1
    return changed, _frontier(size + len(commitments), changed)


def _entries(commitments: list[bytes]) -> bytes:
    return b"\x00\x20" + b"\x00\x20".join(commitments) if commitments else b""


def store(changed: list[Tile]) -> None:
    """Write tiles: new ones are added, grown ones replaced, in one statement each 500."""
    Tile.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["level", "index"],
        update_fields=["width", "data"],
        batch_size=500,
    )


def _grown(level: int, start: int, items: bytes, item_bytes: int) -> list[Tile]:
    index, offset = divmod(start, tiles.WIDTH)
    held = b""
    if offset:
        tile = Tile.objects.get(level=level, index=index)
        held = bytes(tile.data)[: offset * item_bytes]
        if len(held) != offset * item_bytes:
            raise LookupError(f"tile {level}/{index} is shorter than the log")
    data = held + items if held else items
    step = tiles.WIDTH * item_bytes
    return [
        Tile(level=level, index=index + n, width=len(chunk) // item_bytes, data=chunk)
        for n, chunk in enumerate(data[i : i + step] for i in range(0, len(data), step))
    ]


def _tile_root(data: bytes) -> bytes:
    while len(data) > tiles.HASH_BYTES:
        data = merkle.parents_of_bytes(data)
    return data


def _frontier(size: int, changed: Iterable[Tile]) -> merkle.Frontier:
    fresh = {(t.level, t.index): bytes(t.data) for t in changed}
    read = reader_of(lambda level, index: fresh.get((level, index)) or _stored(level, index))
    roots, start = [], 0
    for bit in range(size.bit_length() - 1, -1, -1):
        if size >> bit & 1:
            roots.append(read(bit, start >> bit))
            start += 1 << bit
    return merkle.Frontier(size, roots)
