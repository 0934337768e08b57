"""Reference programs in an environment of their own, so that the product never imports them.

They are installed with `python -m venv .venv-oracles && .venv-oracles/bin/pip install -r requirements/oracles.in`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
PYTHON = Path(os.environ.get("ORACLES_PYTHON", ROOT / ".venv-oracles" / "bin" / "python"))


def data(name: str) -> Path:
    """A file of real data, or a skip that says what is missing."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real data not present: {name}")
    return path


def ask(script: str, *arguments: object) -> Any:
    """Run a script in the environment of the references; its last line is JSON."""
    if not PYTHON.exists():
        pytest.skip("references not installed: see requirements/oracles.in")
    done = subprocess.run(
        [str(PYTHON), "-c", script, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    return json.loads(lines[-1])
