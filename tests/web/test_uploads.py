"""Files that residents add: known by content, made harmless, refused at once when they are a trap."""

from __future__ import annotations

import gzip
import io
import re
import resource
import struct
import time
import zipfile
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.cases import attachments
from gongzhi.cases.models import Attachment
from tests.conftest import HERE

pytestmark = pytest.mark.django_db
FORM = {"text": "The street lamp is out", "lng": str(HERE[0]), "lat": str(HERE[1]), "step": "check"}


def _picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *more: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + _chunk(b"IEND", b"")


def _zip(name: str, body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


def _send(client: Client, data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg"):  # type: ignore[no-untyped-def]
    return client.post("/report/", {**FORM, "photos": SimpleUploadedFile(name, data, kind)})


SCRIPT = b"<script>alert(1)</script>"
NOT_PICTURES = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg with a declaration": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'aaaaaaaa'>]><svg>&a;</svg>",
    "html": b"<!doctype html><html>" + SCRIPT + b"</html>",
    "html that starts like a gif": b"GIF89a/*" + SCRIPT + b"*/=1;",
    "javascript in a bitmap": b"BM" + SCRIPT + b"\x00" * 60,
    "zip": _zip("a.jpg", b"x"),
    "zip called a picture": _zip("photo.jpg", _picture()),
    "zip bomb": _zip("a", b"\0" * 40_000_000),
    "gzip bomb": gzip.compress(b"\0" * 40_000_000),
    "program": b"MZ" + b"\x90" * 500,
    "elf": b"\x7fELF" + b"\x00" * 500,
    "tiff": b"II*\x00" + b"\x00" * 200,
    "bmp": _picture("BMP"),
    "ico": _picture("ICO", (32, 32)),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(x) run\n%%EOF",
    "half a jpeg": _picture("JPEG", (400, 300))[:900],
    "png without pixels": _png(10, 10),
    "png with broken pixels": _png(10, 10, _chunk(b"IDAT", b"nothing")),
    "pdf without an end": b"%PDF-1.7\n" + b"x" * 4000,
    "text": "路灯坏了".encode(),
    "shell script": b"#!/bin/sh\nid\n",
    "nothing but zeros": b"\0" * 1000,
    "php": b"<?php system($_GET['c']); ?>",
    "heic by name": b"\x00\x00\x00\x18ftypheic" + b"\x00" * 200,
}


@pytest.mark.parametrize("kind", NOT_PICTURES)
def test_what_is_no_picture_is_refused_with_a_reason(client: Client, kind: str) -> None:
    page = _send(client, NOT_PICTURES[kind])
    assert page.status_code == 422
    assert "JPEG、PNG、WebP、GIF" in page.content.decode() and FORM["text"] in page.content.decode()


BOMBS = {
    "pixels": _png(50_000, 50_000, _chunk(b"IDAT", zlib.compress(b"\0" * 1000))),
    "wide": _png(2**31 - 1, 1, _chunk(b"IDAT", zlib.compress(b"\0" * 1000))),
    "text of a png": _png(4, 4, *[_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 20_000_000))] * 5),
    "colour profile": _png(4, 4, _chunk(b"iCCP", b"a\0\0" + zlib.compress(b"a" * 90_000_000))),
    "too many bytes": _picture() + b"\0" * attachments.MOST_BYTES,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_quickly_and_in_little_memory(client: Client, kind: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    page = _send(client, BOMBS[kind], "photo.png", "image/png")
    assert page.status_code in (413, 422)
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_polyglot_loses_whatever_is_not_the_picture(client: Client, kind: str) -> None:
    for data in (_picture(kind) + SCRIPT, _picture(kind) + _zip("x.html", SCRIPT)):
        page = _send(client, data, "a.html", "text/html")
        token = re.findall(r'name="photo" value="([^"]+)"', page.content.decode())
        sent = client.post("/report/", {**FORM, "photo": token, "step": "send", "key": str(hash(data))})
        row = Attachment.objects.latest("pk")
        link = f"{sent['Location'].partition('?')[0]}photos/{row.pk}/"
        for size in ("file", "small"):
            answer = client.get(link + size)
            body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
            assert SCRIPT not in body and b"x.html" not in body
            assert answer["Content-Type"] in ("image/jpeg", "image/png")
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer["Content-Security-Policy"]


def test_a_pdf_is_only_ever_a_download(client: Client) -> None:
    page = _send(
        client, b"%PDF-1.7\n1 0 obj<</JS(app.alert(1))>>endobj\n%%EOF", "letter.pdf", "application/pdf"
    )
    token = re.findall(r'name="photo" value="([^"]+)"', page.content.decode())
    sent = client.post("/report/", {**FORM, "photo": token, "step": "send", "key": "pdf"})
    link = f"{sent['Location'].partition('?')[0]}photos/{Attachment.objects.latest('pk').pk}/file"
    answer = client.get(link)
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_seventh_file_is_refused_and_the_text_kept(client: Client) -> None:
    files = [SimpleUploadedFile(f"{n}.jpg", _picture(), "image/jpeg") for n in range(7)]
    page = client.post("/report/", {**FORM, "photos": files})
    assert page.status_code == 422 and FORM["text"] in page.content.decode()


def test_a_forged_token_brings_no_file(client: Client) -> None:
    page = client.post("/report/", {**FORM, "photo": "eyJ4IjoxfQ:1abc:forged"})
    assert page.status_code == 422


def test_a_photo_stays_hidden_from_the_public_until_it_was_looked_at(client: Client) -> None:
    token = re.findall(r'name="photo" value="([^"]+)"', _send(client, _picture()).content.decode())
    sent = client.post("/report/", {**FORM, "photo": token, "step": "send", "key": "hidden"})
    row = Attachment.objects.latest("pk")
    number = sent["Location"].split("/")[2]
    assert client.get(f"/attachments/{row.pk}/file").status_code == 404
    assert f"/attachments/{row.pk}/" not in client.get(f"/cases/{number}/").content.decode()
    assert client.get(f"/follow/{number}/wrong/photos/{row.pk}/file").status_code == 404
