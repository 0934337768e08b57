"""Text messages (短信) through a small gateway: anything that takes a key, a number and a text.

A gateway that knows the key (most do, as "message id" or "idempotency key") sends a repeated one once.
The file gateway is for trials: one file a message, named by its key, so that it is exact.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from gongzhi.registry import snapshot


class Gateway(Protocol):
    """What hands text messages over."""

    def send(self, key: str, number: str, text: str) -> None:
        """Hand a message over; the same key again has no further effect.

        Raises:
            OSError: it could not be handed over and may be tried again.
        """
        ...


class FileGateway:
    """Writes each message into a file of the home folder, once."""

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
