"""A tariff of either kind from its file."""

from __future__ import annotations

from pathlib import Path

from gongzhi.improvement.documents import DocumentInvalid, read
from gongzhi.improvement.tariffs import owrs, schedules
from gongzhi.improvement.tariffs.inputs import Tariff


def load(path: Path) -> Tariff:
    """Read a tariff: OWRS where the file has a rate_structure, the project's own format where it says `tariff: 1`.

    Raises:
        DocumentInvalid: neither, or wrong; names the line.
    """
    document = read(path)
    if document.kind != "map":
        raise DocumentInvalid(path, document.line, "not a tariff: expected fields with values")
    if document.get("rate_structure") is not None:
        return owrs.load(path, document)
    if document.get("tariff") is not None or document.get("classes") is not None:
        return schedules.load(path, document)
    raise DocumentInvalid(path, document.line, "neither rate_structure (OWRS) nor tariff: 1 (see the format)")
