"""Lines for the person at the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Tell = Callable[[str], None]


def say(text: str) -> None:
    """A line for the person at the terminal; standard output is kept for results."""
    print(f"hilt: {text}", file=sys.stderr, flush=True)


class Progress:
    """Tells how far something has come, at most every `every_s` seconds; what is quick is not told."""

    def __init__(self, tell: Tell = say, every_s: float = 5.0) -> None:
        self._tell, self._every_s = tell, every_s
        self._next = time.monotonic() + every_s

    def __call__(self, text: str) -> None:
        """It has come so far."""
        if time.monotonic() >= self._next:
            self._tell(text)
            self._next = time.monotonic() + self._every_s
