"""Text messages (短信) through a small gateway: anything that takes a key, a number and a text.

A gateway that knows the key (most do, as "message id" or "idempotency key") sends a repeated one once.
The file gateway is for trials: one file a message, named by its key, so that it is exact. What people
answer comes in over the API, or is collected from a gateway that keeps it (`Collected`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from gongzhi.registry import snapshot

_MOST_AT_ONCE = 500


class Gateway(Protocol):
    """What hands text messages over."""

    def send(self, key: str, number: str, text: str) -> None:
        """Hand a message over; the same key again has no further effect.

        Raises:
            OSError: it could not be handed over and may be tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lying:
    """A message that came in and lies at the gateway."""

    id: str
    number: str
    text: str


@runtime_checkable
class Collected(Protocol):
    """A gateway that keeps what came in until it is collected."""

    def lying(self) -> Iterable[Lying]:
        """What lies there; a message may come again until it was `taken`."""
        ...

    def taken(self, message: Lying, *, is_refused: bool = False) -> None:
        """Forget a message that was dealt with, or put it aside because it makes no sense."""
        ...


class FileGateway:
    """Writes each message into a file of the home folder, once; reads those in its folder ``in``."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or settings.HOME / "sms"

    def send(self, key: str, number: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.folder / f"{key}.json"
        temporary = target.with_suffix(f".{os.getpid()}.new")
        temporary.write_text(json.dumps({"to": number, "text": text}, ensure_ascii=False), encoding="utf-8")
        try:
            os.link(temporary, target)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()

    def lying(self) -> list[Lying]:
        """The files of the folder ``in``, each ``{"from": number, "text": words}``, by name."""
        found = []
        for path in sorted((self.folder / "in").glob("*.json"))[:_MOST_AT_ONCE]:
            try:
                written = json.loads(path.read_text(encoding="utf-8"))
                found.append(Lying(path.stem, str(written["from"]), str(written["text"])))
            except (OSError, ValueError, KeyError, TypeError):
                found.append(Lying(path.stem, "", ""))
        return found

    def taken(self, message: Lying, *, is_refused: bool = False) -> None:
        """Move the file to ``in/taken`` or ``in/refused``."""
        aside = self.folder / "in" / ("refused" if is_refused else "taken")
        aside.mkdir(exist_ok=True, mode=0o700)
        (self.folder / "in" / f"{message.id}.json").replace(aside / f"{message.id}.json")


def gateway() -> Gateway | None:
    """The gateway that is set (GONGZHI_SMS_GATEWAY), None where the city sends no text messages."""
    name = settings.SMS_GATEWAY
    if not name:
        return None
    made: Gateway = FileGateway() if name == "file" else import_string(name)()
    return made


def quiet_until(now: datetime | None = None) -> datetime | None:
    """When the quiet hours end in which nobody gets a text message; None outside them.

    The city pack says which (`supervision.quiet_hours`, local hours from and to); 22 to 7 else.
    """
    moment = now or timezone.now()
    city = snapshot.current().city
    begin, end = city.config.get("supervision", {}).get("quiet_hours", (22, 7))
    local = moment.astimezone(ZoneInfo(city.timezone))
    inside = begin <= local.hour or local.hour < end if begin > end else begin <= local.hour < end
    if begin == end or not inside:
        return None
    day = local.date() + timedelta(days=1 if begin > end and local.hour >= begin else 0)
    return datetime(day.year, day.month, day.day, end, tzinfo=local.tzinfo)
