"""Child processes of the launcher: started, watched, started again when they die, stopped cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

_STEADY_S: Final = 10.0
"""A child that lived so long is started again at once; one that dies earlier waits longer each time."""
_LONGEST_PAUSE_S: Final = 10.0
_TAKE_OVER_S: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1


class Child:
    """One part of the running system, in a process group of its own."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._early_deaths = 0
        self._start_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._orphans: list[tuple[int, float]] = []
        self._start()

    @property
    def pid(self) -> int | None:
        """The process id of the group's leader, None while it is down."""
        return self._process.pid if self._process else None

    def look_after(self) -> None:
        """Start the child again if it has ended; to be called many times a second.

        Processes that a killed leader left behind (the web server's, which go on answering) are let
        be until the new ones have had time to take over.
        """
        self._dismiss_orphans()
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self._start()
            return
        code = self._process.poll()
        if code is None:
            return
        self._orphans.append((self._process.pid, time.monotonic() + _TAKE_OVER_S))
        lived = time.monotonic() - self._start_at
        self._early_deaths = 0 if lived >= _STEADY_S else self._early_deaths + 1
        pause = 0.0 if self._early_deaths <= 1 else min(0.25 * 2**self._early_deaths, _LONGEST_PAUSE_S)
        print(f"{self.name} ended with {code}; starting it again", flush=True)
        self._process = None
        self._start_at = time.monotonic() + pause
        if not pause:
            self._start()

    def ask_to_stop(self) -> None:
        """Ask it to finish what it is doing and end."""
        self._dismiss_orphans(at_once=True)
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for the end; whatever is left of the group after `seconds` is killed."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _dismiss_orphans(self, *, at_once: bool = False) -> None:
        due = [leader for leader, at in self._orphans if at_once or time.monotonic() >= at]
        for leader in due:
            _signal_group(leader, signal.SIGKILL)
        self._orphans = [pair for pair in self._orphans if pair[0] not in due]

    def _start(self) -> None:
        self._start_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 – our own commands
            self._command,
            env=self._environment,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 – one thread
        )


def _end_with_parent() -> None:
    """Ask the kernel to end this process when the launcher dies without saying so (Linux, prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
