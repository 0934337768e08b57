"""A receiver of mail on loopback that knows keys, and can have something happen at any point of a delivery."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from types import TracebackType
from typing import Self

POINTS = ("connect", "ehlo", "mail", "rcpt", "data", "content", "accepted", "quit")
"""Where a delivery can be cut off (RFC 5321): `content` is after the last byte, before our answer."""


class MailServer:
    """Counts messages by Message-ID; `at[point]` is called once when a delivery reaches that point."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.bodies: dict[str, str] = {}
        self.at: dict[str, Callable[[], None]] = {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _reach(self, point: str) -> None:
        with self._lock:
            action = self.at.pop(point, None)
        if action is not None:
            action()

    def _talk(self, peer: socket.socket) -> None:
        try:
            with peer, peer.makefile("rwb") as stream:

                def say(line: str) -> None:
                    stream.write(line.encode() + b"\r\n")
                    stream.flush()

                self._reach("connect")
                say("220 test")
                for raw in stream:
                    word = raw[:4].upper().decode("ascii", "replace")
                    if word == "DATA":
                        self._reach("data")
                        say("354 go on")
                        self._read(stream)
                        say("250 taken")
                        self._reach("accepted")
                    elif word == "QUIT":
                        self._reach("quit")
                        say("221 bye")
                        return
                    else:
                        point = {"EHLO": "ehlo", "HELO": "ehlo", "MAIL": "mail", "RCPT": "rcpt"}.get(word)
                        if point:
                            self._reach(point)
                        say("250 ok")
        except OSError:
            return

    def _read(self, stream: object) -> None:
        lines: list[bytes] = []
        for line in stream:  # type: ignore[attr-defined]
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        else:
            raise OSError("cut off within the content")
        message = message_from_bytes(b"".join(lines), policy=default)
        with self._lock:
            key = str(message["Message-ID"]).strip()
            self.received[key] += 1
            self.bodies[key] = str(message.get_content())
        self._reach("content")
