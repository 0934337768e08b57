"""Files that come with a matter: known by content, made harmless, kept under their hash.

A picture is decoded and written anew, so that metadata (place, camera, thumbnails) and whatever
was hidden behind the picture are gone; a PDF is kept as it is and only ever offered as a download.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from gongzhi.errors import Invalid, TooLarge

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 60_000_000
MOST_A_MATTER = 6
LONGEST_SIDE = 2560
THUMBNAIL_SIDE = 480
_PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store; `name` is what the sender called it, never a path."""

    sha256: str
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    name: str


def store(data: bytes, name: str) -> StoredFile:
    """Check a file by its content and keep it.

    Raises:
        TooLarge: more than 10 MB, or more than 60 million pixels.
        Invalid: neither a picture nor a PDF, or damaged.
    """
    if len(data) > MOST_BYTES:
        raise TooLarge(_("A file may have at most 10 MB."))
    called = safe_name(name)
    if data.startswith(b"%PDF-") and b"%%EOF" in data[-2048:]:
        return _kept(data, "application/pdf", None, None, called)
    picture, kind = _decoded(data)
    out = io.BytesIO()
    if kind == "PNG" or picture.mode in ("RGBA", "LA", "P"):
        picture.convert("RGBA").save(out, "PNG", optimize=False)
        content_type = "image/png"
    else:
        picture.convert("RGB").save(out, "JPEG", quality=85)
        content_type = "image/jpeg"
    thumbnail = picture.convert("RGB")
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    small = io.BytesIO()
    thumbnail.save(small, "JPEG", quality=80)
    stored = _kept(out.getvalue(), content_type, picture.width, picture.height, called)
    _write(thumbnail_path(stored.sha256), small.getvalue())
    return stored


def path(sha256: str) -> Path:
    """Where the file with this hash lies."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("not a SHA-256 in hexadecimal")
    return Path(settings.HOME) / "attachments" / sha256[:2] / sha256


def thumbnail_path(sha256: str) -> Path:
    """Where its small picture lies."""
    return path(sha256).with_suffix(".small")


def safe_name(name: str) -> str:
    """A file name to show: no folders, no control characters, at most 100 characters."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*;').strip(" .")
    return cleaned[-100:] or "file"


def _decoded(data: bytes) -> tuple[Image.Image, str]:
    """The picture, upright and not larger than is useful, and the format it came in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=list(_PICTURES))
            if picture.width * picture.height > MOST_PIXELS:
                raise TooLarge(_("A picture may have at most 60 million pixels."))
            kind = str(picture.format)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as problem:
        raise Invalid(
            fields={"photos": _("Only pictures (JPEG, PNG, WebP, GIF) and PDF files can be added.")}
        ) from problem
    except Image.DecompressionBombError as problem:
        raise TooLarge(_("A picture may have at most 60 million pixels.")) from problem
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return upright, kind


def _kept(data: bytes, content_type: str, width: int | None, height: int | None, name: str) -> StoredFile:
    digest = hashlib.sha256(data).hexdigest()
    _write(path(digest), data)
    return StoredFile(digest, content_type, len(data), width, height, name)


def _write(target: Path, data: bytes) -> None:
    """Write whole or not at all: a temporary file beside it, synced, then renamed."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
