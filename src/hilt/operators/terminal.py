"""Keys from a terminal, read without waiting and without echo. The terminal is put back as it was."""

from __future__ import annotations

import atexit
import os
import re
import select
import sys
import time
from collections.abc import Callable

from hilt.operators.base import OperatorUnavailableError

_SEQUENCE = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
_NAMES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b": "escape",
    b"\r": "enter",
    b"\n": "enter",
    b" ": "space",
}

REPEAT_BEGINS_S = 0.7
"""A key that comes again within this time is being held: terminals begin to repeat after 0.2 to 0.6 s [s]."""
REPEAT_GAP_S = 0.12
"""Between repetitions there is less: terminals repeat at 10 Hz and more, mostly at 30 Hz [s]."""


def key_names(data: bytes) -> list[str]:
    """The names of the keys in `data`, as a terminal sends them; letters in lower case."""
    return [_NAMES.get(key, key.decode("latin-1").lower()) for key in _SEQUENCE.findall(data)]


class TerminalKeys:
    """The keyboard of the terminal at file descriptor `fd` (default: standard input).

    Raises:
        OperatorUnavailableError: `fd` is not a terminal.
    """

    def __init__(self, fd: int | None = None) -> None:
        self._fd = sys.stdin.fileno() if fd is None else fd
        if not os.isatty(self._fd):
            raise OperatorUnavailableError(
                "the keyboard operator needs a terminal to read keys from, and standard input is none: "
                "start it in a terminal, or drive from the page with --operator=browser"
            )
        self._restore = _quiet(self._fd)
        atexit.register(self._restore)

    def read(self) -> list[str]:
        """Names of the keys that came since the last time, in their order."""
        data = b""
        while select.select([self._fd], [], [], 0)[0]:
            chunk = os.read(self._fd, 1024)
            data += chunk
            if len(chunk) < 1024:
                break
        return key_names(data)

    def close(self) -> None:
        """Put the terminal back as it was."""
        atexit.unregister(self._restore)
        self._restore()


def _quiet(fd: int) -> Callable[[], None]:
    """No echo, no waiting for lines; Ctrl-C still interrupts. Returns what puts it back."""
    try:
        import termios
        import tty
    except ModuleNotFoundError as error:
        raise OperatorUnavailableError(
            "reading keys from a terminal needs a Unix terminal: drive from the page, --operator=browser"
        ) from error
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd, termios.TCSANOW)
    return lambda: termios.tcsetattr(fd, termios.TCSANOW, before)


class HeldKeys:
    """Which keys are held, guessed from how a terminal repeats them: it never tells of a release."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._repeating: set[str] = set()

    def press(self, key: str) -> bool:
        """`key` came. False if it came too soon after itself to be anything but a repetition."""
        now = self._clock()
        since = now - self._last.get(key, -1e9)
        self._last[key] = now
        if since < REPEAT_BEGINS_S:
            self._repeating.add(key)
        return since >= REPEAT_GAP_S

    def held(self) -> frozenset[str]:
        """The keys that are being repeated now."""
        now = self._clock()
        self._repeating = {key for key in self._repeating if now - self._last[key] < REPEAT_GAP_S}
        return frozenset(self._repeating)
