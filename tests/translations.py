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
_IN_TEMPLATE = re.compile(
    r"""\b(?:n?gettext|_)\(\s*u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\"\"\".*?\"\"\"|'''.*?''')""", re.S
)


def _in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in _MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _in_template(path: Path) -> Iterator[str]:
    from django.utils.translation.template import templatize

    for match in _IN_TEMPLATE.finditer(templatize(path.read_text(encoding="utf-8"))):
        yield ast.literal_eval(match[1])


def said() -> dict[str, Path]:
    """Every English sentence of the product, with a file where it stands."""
    found: dict[str, Path] = {}
    for path in sorted(ROOT.rglob("*.py")):
        found |= dict.fromkeys(_in_python(path), path)
    for path in sorted(ROOT.rglob("*.html")):
        found |= dict.fromkeys(_in_template(path), path)
    found.pop("", None)
    return found


def faults() -> list[str]:
    """Sentences without a translation, translations that are uncertain or name other values."""
    entries = {e.msgid: e for e in polib.pofile(str(CATALOGUE)) if not e.obsolete}
    wrong = [
        f"{path.relative_to(ROOT.parent)}: not translated: {text!r}"
        for text, path in said().items()
        if text not in entries or not entries[text].translated()
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
