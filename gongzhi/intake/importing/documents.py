"""Open311 GeoReport v2 service requests in XML or JSON as a table, one column an element."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from gongzhi.intake.importing.tables import FileInvalid, Line, Table, opened

COLUMNS = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
)  # fmt: skip
"""The elements of a service request (GeoReport v2, GET Service Requests)."""

_JSON_MOST_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 16
_VALUE_MOST = 1 << 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]").search


def is_document(path: Path) -> str:
    """``xml``, ``json`` or an empty string for what a file holds, told by its first characters."""
    with opened(path) as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "xml"
    return "json" if start[:1] in (b"[", b"{") else ""


def read_document(path: Path) -> Table:
    """The service requests of a GeoReport v2 file.

    Raises:
        FileInvalid: not well-formed, or larger than can be read (JSON only; XML is streamed).
    """
    if is_document(path) == "json":
        return Table(COLUMNS, _from_json(path), "utf-8")
    return Table(COLUMNS, _from_xml(path), "utf-8")


def _line(number: int, fields: dict[str, str]) -> Line:
    values = [fields.get(name, "") for name in COLUMNS]
    if _UNSTORABLE("".join(values)):
        return Line(number, None, "characters that cannot be stored", json.dumps(fields))
    return Line(number, values, "", json.dumps(fields, ensure_ascii=False))


def _from_json(path: Path) -> Iterator[Line]:
    with opened(path) as file:
        data = file.read(_JSON_MOST_BYTES + 1)
    if len(data) > _JSON_MOST_BYTES:
        raise FileInvalid(f"{path} is larger than 256 MB; save it as XML or CSV, which are streamed.")
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise FileInvalid(f"{path} is no JSON: {problem}") from problem
    if isinstance(document, dict):
        lists = [v for v in document.values() if isinstance(v, list)]
        document = lists[0] if lists else [document]
    for number, entry in enumerate(document, 1):
        if not isinstance(entry, dict):
            yield Line(number, None, "not a service request", json.dumps(entry)[:2000])
            continue
        fields = {k: "" if v is None else str(v) for k, v in entry.items() if not isinstance(v, dict)}
        yield _line(number, fields)


class _Requests:
    """Collects the children of every <request>; document types and entities are refused."""

    def __init__(self) -> None:
        self.found: deque[dict[str, str]] = deque()
        self._path: list[str] = []
        self._fields: dict[str, str] = {}
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        if len(self._path) > 20:
            raise FileInvalid("The XML is nested more than 20 deep.")
        if self._path[-1] == "request":
            self._fields = {}
        self._text = []

    def text(self, data: str) -> None:
        self._text.append(data)
        if len(self._text) > _VALUE_MOST // 64 and sum(map(len, self._text)) > _VALUE_MOST:
            raise FileInvalid("An XML element holds more than 1 MB of text.")

    def end(self, name: str) -> None:
        local = self._path.pop()
        if local == "request":
            self.found.append(self._fields)
            self._fields = {}
        elif self._path and self._path[-1] == "request":
            self._fields[local] = "".join(self._text).strip()
        self._text = []

    def refuse(self, *_: object) -> None:
        raise FileInvalid("The XML declares a document type or entities, which are not accepted.")


def _from_xml(path: Path) -> Iterator[Line]:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    requests = _Requests()
    parser.StartElementHandler = requests.start
    parser.EndElementHandler = requests.end
    parser.CharacterDataHandler = requests.text
    parser.StartDoctypeDeclHandler = requests.refuse
    parser.EntityDeclHandler = requests.refuse
    number = 0
    with opened(path) as file:
        ended = False
        while not ended:
            data = file.read(_CHUNK_BYTES)
            ended = not data
            try:
                parser.Parse(data, ended)
            except expat.ExpatError as problem:
                yield Line(-1, None, f"the file ends early or is damaged here ({problem})", "")
                ended = True
            while requests.found:
                number += 1
                yield _line(number, requests.found.popleft())
