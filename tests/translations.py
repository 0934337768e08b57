"""Every sentence that a person sees has a Chinese translation, and none is marked as uncertain."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).parent.parent / "gongzhi"
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
_MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
_MARKS_IN_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\"\"\".*?\"\"\"|'''.*?''')"""
_IN_TEMPLATE = re.compile(rf"\b(n?p?gettext|_)\(\s*{_STRING}(?:\s*,\s*{_STRING})?", re.S)

Sentence = tuple[str | None, str]
"""The context that tells apart what is one word in English, and the English."""


def _in_python(path: Path) -> Iterator[Sentence]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name in _MARKS and texts:
            yield None, texts[0]
        elif name in _MARKS_IN_CONTEXT and len(texts) > 1:
            yield texts[0], texts[1]


def _in_template(path: Path) -> Iterator[Sentence]:
    from django.utils.translation.template import templatize

    for mark, first, second in _IN_TEMPLATE.findall(templatize(path.read_text(encoding="utf-8"))):
        if "p" in mark:
            yield ast.literal_eval(first), ast.literal_eval(second)
        else:
            yield None, ast.literal_eval(first)


def said() -> dict[Sentence, Path]:
    """Every English sentence of the product, with a file where it stands."""
    found: dict[Sentence, Path] = {}
    for path in sorted(ROOT.rglob("*.py")):
        found |= dict.fromkeys(_in_python(path), path)
    for path in sorted(ROOT.rglob("*.html")):
        found |= dict.fromkeys(_in_template(path), path)
    found.pop((None, ""), None)
    return found


def faults() -> list[str]:
    """Sentences without a translation, translations that are uncertain or name other values."""
    entries = {(e.msgctxt, e.msgid): e for e in polib.pofile(str(CATALOGUE)) if not e.obsolete}
    wrong = [
        f"{path.relative_to(ROOT.parent)}: not translated: {text!r}"
        + (f" in the context {context!r}" if context else "")
        for (context, text), path in said().items()
        if (context, text) not in entries or not entries[context, text].translated()
    ]
    for entry in entries.values():
        if entry.fuzzy:
            wrong.append(f"uncertain: {entry.msgid!r}")
        named = set(re.findall(r"%\((\w+)\)", entry.msgid + entry.msgid_plural))
        for told in (entry.msgstr, *entry.msgstr_plural.values()):
            if told and not set(re.findall(r"%\((\w+)\)", told)) <= named:
                wrong.append(f"names other values than the English: {told!r}")
    return wrong


if __name__ == "__main__":
    missing = faults()
    sys.exit("\n".join(missing) if missing else 0)
