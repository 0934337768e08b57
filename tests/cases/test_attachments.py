"""Files are known by content, lose their metadata, and never touch a path of the sender's choice."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gongzhi.cases import attachments
from gongzhi.errors import GongzhiError, Invalid, TooLarge


def _jpeg(size: tuple[int, int] = (64, 48), *, place: bool = False) -> bytes:
    picture = Image.new("RGB", size, "teal")
    out = io.BytesIO()
    exif = Image.Exif()
    if place:
        exif[0x0112] = 6
        exif[0x010F] = "CameraMaker"
        exif.get_ifd(0x8825)[2] = (30.0, 31.0, 12.0)
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photo_is_upright_and_tells_nothing_of_camera_or_place() -> None:
    stored = attachments.store(_jpeg(place=True), "lamp.jpg")
    kept = attachments.path(stored.sha256).read_bytes()
    assert (stored.width, stored.height) == (48, 64)
    assert b"CameraMaker" not in kept and not Image.open(io.BytesIO(kept)).getexif()
    assert attachments.thumbnail_path(stored.sha256).exists()


def test_the_name_says_nothing_about_the_type() -> None:
    assert attachments.store(_jpeg(), "invoice.pdf.exe").content_type == "image/jpeg"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script></html>",
        b"PK\x03\x04" + b"\x00" * 100,
        b"%PDF-1.7 without an end",
        _jpeg()[:200],
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        b"MZ" + b"\x00" * 400,
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        attachments.store(data, "photo.jpg")


def test_what_hides_behind_a_picture_is_gone() -> None:
    stored = attachments.store(_jpeg() + b"<script>alert(1)</script>", "a.jpg")
    assert b"<script>" not in attachments.path(stored.sha256).read_bytes()


def test_a_bomb_of_pixels_is_refused_before_it_is_decoded() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    with pytest.raises(TooLarge):
        attachments.store(bomb, "bomb.png")


def test_a_file_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        attachments.store(b"\xff\xd8" + b"\0" * attachments.MOST_BYTES, "big.jpg")


@given(st.binary(max_size=300))
def test_random_bytes_never_end_in_anything_but_a_clear_error(data: bytes) -> None:
    try:
        attachments.store(data, "x")
    except GongzhiError:
        pass


@given(st.text(max_size=200))
def test_a_shown_name_has_no_folder(name: str) -> None:
    shown = attachments.safe_name(name)
    assert shown and "/" not in shown and "\\" not in shown and shown not in (".", "..")
    assert len(shown) <= 100 and shown.isprintable()


def test_only_a_hash_leads_into_the_store() -> None:
    for name in ("../../etc/passwd", "a" * 63, "A" * 64, ""):
        with pytest.raises(ValueError, match="SHA-256"):
            attachments.path(name)
