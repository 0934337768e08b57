"""Papers: documents to print and sign, set by Typst from a template and data.

Text comes in as data and never as markup, so that nothing in it can change the document. The same
data and date give the same bytes.
"""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import typst
from django.utils.translation import gettext as _

from gongzhi.errors import Unavailable

FAMILIES: Final = ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Noto Sans CJK TC")
"""Fonts with every letter that a paper needs, the best first."""
_FONT_PACKAGE: Final = "cvttf_NotoSansCJK_Regular"


class NoFont(Unavailable):
    """This machine has no font with Chinese letters; a paper full of boxes helps nobody."""


def compiled(template: Path, data: dict[str, Any], *, at: datetime) -> bytes:
    """The PDF of a template, which reads `data` from ``sys.inputs.data`` as JSON.

    Raises:
        NoFont: see there; the sentence says what to install.
    """
    fonts, family = _fonts()
    given = json.dumps({**data, "font": family}, ensure_ascii=False)
    made = typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=fonts,
        format="pdf",
        sys_inputs={"data": given},
        pdf_standards=["ua-1"],
        timestamp=int(at.timestamp()),
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made more than one document")
    return made


@lru_cache(maxsize=1)
def _fonts() -> tuple[Any, str]:
    """Fonts of the system and of the font package, and the family that papers are set in."""
    package = importlib.util.find_spec(_FONT_PACKAGE)
    folders = [str(Path(folder)) for folder in (package.submodule_search_locations or [])] if package else []
    fonts = typst.Fonts(include_system_fonts=True, font_paths=folders)
    present = set(fonts.families())
    family = next((name for name in FAMILIES if name in present), None)
    if family is None:
        raise NoFont(
            _(
                "No PDF can be made: this machine has no font with Chinese letters. Install fonts-noto-cjk, or run: pip install -r requirements/fonts.lock"
            )
        )
    return fonts, family
