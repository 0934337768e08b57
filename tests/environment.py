"""Before Django reads its settings: a home of the tests' own, and translations as they are now."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gongzhi.launch import compile_translations

os.environ |= {
    "GONGZHI_HOME": tempfile.mkdtemp(prefix="gongzhi-test-"),
    "GONGZHI_TESTING": "1",
    "GONGZHI_RATE_LIMITS": "off",
    "GONGZHI_LOG_LEVEL": "ERROR",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
}

compile_translations(Path(__file__).parent.parent / "gongzhi")
