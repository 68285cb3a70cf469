"""Lines for the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

Tell = Callable[[str], None]


def say(text: str) -> None:
    """A line for the person at the terminal; standard output is kept for results."""
    print(f"hilt: {text}", file=sys.stderr, flush=True)
