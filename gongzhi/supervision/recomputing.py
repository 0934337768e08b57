"""Checking a published draw with nothing but its file: the same result, from a seed that is the log's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from gongzhi.ledger import merkle, notes
from gongzhi.supervision import drawing


def verdict(document: Mapping[str, Any]) -> dict[str, Any]:
    """Recompute a draw as `inspecting.published` writes it; `faults` names all that does not fit.

    Raises:
        ValueError: the document is no draw, or it has not been drawn yet.
    """
    if not isinstance(document, Mapping) or "inputs" not in document:
        raise ValueError("This is not a published draw.")
    inputs = drawing.Inputs.from_json(document["inputs"])
    if not document.get("root") or document.get("result") is None:
        raise ValueError(f"Not drawn yet: the seed will be the root of the log at {inputs.tree_size} acts.")
    faults: list[str] = []
    if document.get("inputs_sha256") != inputs.digest().hex():
        faults.append("the inputs are not those whose digest was recorded at announcement")
    try:
        root = base64.b64decode(str(document["root"]), validate=True)
        proof = [base64.b64decode(str(h), validate=True) for h in document.get("consistency", [])]
    except binascii.Error as problem:
        raise ValueError(f"not base64: {problem}") from problem
    try:
        verifiers = [notes.Verifier.parse(str(key)) for key in document.get("verifier_keys", [])]
        checkpoint = notes.open_checkpoint(str(document.get("checkpoint", "")), verifiers)
        if not merkle.verify_consistency(inputs.tree_size, checkpoint.size, root, checkpoint.root, proof):
            faults.append("the seed is not the root of the signed log at the announced size")
    except ValueError as problem:
        faults.append(f"the checkpoint is not signed by the log: {problem}")
    result = drawing.draw(inputs, root)
    faults += drawing.differences(document["result"], result)
    return {"is_same": not faults, "faults": faults, "result": result, "root": document["root"]}
