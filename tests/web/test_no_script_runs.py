"""Whatever residents write is shown as text: on every page, in every feed, table and pop-up of the map."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.cases import export
from gongzhi.cases.models import Attachment, Case
from tests.conftest import HERE
from tests.web.browser import DESKTOP, City, Resident
from tests.web.payloads import FILE_NAMES, SCRIPTS


class _Seen(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")
        ]


def _shape(html: str) -> tuple[list[str], set[str]]:
    """A page's elements in order and its attributes; words make no difference to it."""
    seen = _Seen()
    seen.feed(html)
    assert not [a for a in seen.attributes if a.startswith("on")], seen.attributes
    assert not [x for x in seen.links if x.strip().lower().startswith(("javascript:", "data:text"))]
    return [tag for tag in seen.tags if tag not in ("br", "span", "p")], seen.attributes - {"class"}


_RISKY = frozenset(
    "script style iframe object embed svg math base meta link video audio source template marquee body title img"
    " form noscript animate".split()
)


def _risky(html: str) -> list[str]:
    """Of a page whose length depends on what is understood: the elements that could do something."""
    return [tag for tag in _shape(html)[0] if tag in _RISKY]


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "PNG")
    return out.getvalue()


def _pages(client: Client, number: str, secret: str) -> list[str]:
    paths = (
        f"/cases/{number}/",
        f"/cases/{number}/join",
        f"/follow/{number}/{secret}/",
        f"/cases/?q={number}",
    )
    return [client.get(path).content.decode() for path in paths]


@pytest.mark.django_db
def test_a_page_keeps_its_shape_whatever_is_written(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    plain = submit("just words that say that the lamp is out", address="somewhere")
    wanted = [_shape(page) for page in _pages(client, plain.number, plain.secret)]
    for payload in SCRIPTS:
        receipt = submit(f"{payload} the lamp is out", address=payload[:300])
        Case.objects.filter(number=receipt.number).update(
            function_id=Case.objects.get(number=plain.number).function_id
        )
        found = [_shape(page) for page in _pages(client, receipt.number, receipt.secret)]
        assert found == wanted, payload


@pytest.mark.django_db
def test_forms_keep_what_was_typed_as_text(client: Client) -> None:
    def shapes(payload: str) -> list[list[str]]:
        typed = {
            "text": payload,
            "address": payload,
            "phone": payload,
            "email": payload,
            "lat": payload,
            "lng": payload,
        }
        return [
            _risky(client.post("/report/", typed).content.decode()),
            _risky(client.post("/follow/", {"number": payload, "phone": payload}).content.decode()),
            _risky(client.post("/verify/", {"receipt": payload}).content.decode()),
            _risky(client.get("/report/", {"text": payload, "address": payload}).content.decode()),
            _risky(client.get("/cases/", {"q": payload}).content.decode()),
            _risky(client.get("/map/", {"q": payload}).content.decode()),
            _risky(client.get(f"/{payload}").content.decode()),
        ]

    wanted = shapes("nothing but words")
    for payload in SCRIPTS:
        assert shapes(payload) == wanted, payload


@pytest.mark.django_db
def test_feeds_and_tables_hold_the_text_as_it_is(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    texts = {}
    for payload in SCRIPTS:
        receipt = submit(f"{payload} the lamp is out")
        texts[receipt.number] = Case.objects.get(number=receipt.number).public_text
    table = client.get("/cases.csv")
    content = b"".join(table.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert table["Content-Type"].startswith("text/csv") and table["X-Content-Type-Options"] == "nosniff"
    rows = {row[0]: row[-1] for row in csv.reader(io.StringIO(content))}
    for number, text in texts.items():
        assert export.read_cell(rows[number]) == text
        feed = client.get(f"/api/v1/cases/{number}")
        assert feed["Content-Type"].startswith("application/json") and feed.json()["text"] == text
    box = f"{HERE[0] - 0.01},{HERE[1] - 0.01},{HERE[0] + 0.01},{HERE[1] + 0.01}"
    here = client.get("/map/here.json", {"bbox": box})
    assert here["Content-Type"].startswith("application/json") and here.json()["matters"]
    listed = client.get("/open311/v2/requests.xml")
    assert listed["Content-Type"].startswith(("text/xml", "application/xml"))
    requests = ElementTree.fromstring(listed.content).findall("request")
    assert len(requests) == len(SCRIPTS)
    for request in requests:
        assert {child.tag for part in request for child in part} == set()
        text = texts[request.findtext("service_request_id") or ""]
        assert (request.findtext("description") or "").split() == _in_xml(text).split()


def _in_xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or c >= " ")


@pytest.mark.django_db
def test_names_of_files_are_names_and_nothing_else(client: Client) -> None:
    form = {"text": "The street lamp is out", "lng": str(HERE[0]), "lat": str(HERE[1]), "step": "check"}
    wanted = None
    for name in FILE_NAMES:
        upload = SimpleUploadedFile("x.png", _photo(), "image/png")
        upload._name = name  # noqa: SLF001 – Django would clean it; a sender need not
        page = client.post("/report/", {**form, "photos": upload})
        if page.status_code != 200:  # a name that no form can carry
            assert page.status_code in (400, 422), name
            continue
        tokens = re.findall(r'name="photo" value="([^"]+)"', page.content.decode())
        if not tokens:  # a browser sends an empty name when no file was chosen
            assert not name.strip(" .\t"), name
            continue
        risky = _risky(page.content.decode())
        wanted = wanted or risky
        assert risky == wanted, name
        sent = client.post("/report/", {**form, "photo": tokens, "step": "send", "key": f"file-{hash(name)}"})
        page = client.get(sent["Location"])
        assert "<script>alert" not in page.content.decode() and _risky(page.content.decode())
        row = Attachment.objects.latest("pk")
        link = f"{sent['Location'].partition('?')[0]}photos/{row.pk}/file"
        file = client.get(link)
        assert file["Content-Type"] == "image/png" and file["X-Content-Type-Options"] == "nosniff"
        assert "\n" not in file["Content-Disposition"] and "/" not in row.name and "\\" not in row.name
        assert len(row.name) <= 100 and row.name not in (".", "..")


def test_a_browser_runs_none_of_it(city: City, resident: Callable[..., Resident]) -> None:
    together = [" ".join(SCRIPTS[n : n + 12]) for n in range(0, len(SCRIPTS), 12)]
    sent = [city.report(text, lng=111.402, lat=30.512, address=text[:300]) for text in together]
    me = resident("en", DESKTOP)
    for (number, secret), text in zip(sent, together, strict=True):
        for path in (f"/cases/{number}/", f"/follow/{number}/{secret}/", f"/cases/{number}/join"):
            me.open(path)
        assert me.page.evaluate("typeof window.x") == "undefined"
        me.open("/report/").locator("#text").fill(text)
        me.page.locator("#understood > *").first.wait_for()
        me.page.locator("button[value=check]").click()
        me.page.locator(".public-view").wait_for()
    me.open("/cases/")
    me.open("/map/?q=alert")
    for _ in range(9):
        me.settled().locator(".bubble").first.click()
        me.page.wait_for_timeout(250)
        if me.page.locator(".here li").count():
            break
    assert "<script>alert(1)</script>" in me.page.locator(".here").inner_text()
    me.open("/").locator("body").press("Tab")
    policy = json.dumps(me.faults)
    assert me.faults == [], policy
