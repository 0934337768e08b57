"""One file of named arrays that can be mapped into memory instead of being read.

Layout: eight bytes of magic, the length of a JSON header as uint64, the header, then the arrays,
each at a multiple of 64 bytes. NumPy's own .npz cannot be mapped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"gongzhi1"
_ALIGN = 64


class Damaged(ValueError):
    """The file is not one that `write` made."""


def write(path: Path, facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Write `facts` (JSON) and `arrays` to `path`; the file appears whole or not at all."""
    shapes: dict[str, list[Any]] = {}
    at = 0
    for name, array in arrays.items():
        at = -(-at // _ALIGN) * _ALIGN
        shapes[name] = [array.dtype.str, list(array.shape), at]
        at += array.nbytes
    header = json.dumps({"facts": facts, "arrays": shapes}, ensure_ascii=False).encode()
    start = _start(len(header))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as file:
        file.write(_MAGIC + len(header).to_bytes(8, "little") + header)
        for name, array in arrays.items():
            file.seek(start + shapes[name][2])
            file.write(np.ascontiguousarray(array).tobytes())
        file.truncate(start + at)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Facts and read-only mapped arrays of a file.

    Raises:
        Damaged: another or a broken file.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        if file.read(8) != _MAGIC:
            raise Damaged(f"{path} is not a model of gongzhi")
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length < 1 << 30 else b""
    try:
        described = json.loads(header)
        start = _start(length)
        whole = np.asarray(np.memmap(path, np.uint8, "r"))
        arrays = {
            name: _part(whole, np.dtype(kind), shape, start + at)
            for name, (kind, shape, at) in described["arrays"].items()
        }
    except (ValueError, KeyError, TypeError) as problem:
        raise Damaged(f"{path} is damaged: {problem}") from problem
    return described["facts"], arrays


def _part(whole: NDArray[np.uint8], kind: np.dtype[Any], shape: list[int], start: int) -> NDArray[Any]:
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if start + size > len(whole):
        raise ValueError("it ends too early")
    return whole[start : start + size].view(kind).reshape(shape)


def _start(header: int) -> int:
    return -(-(16 + header) // _ALIGN) * _ALIGN
