"""Waiting for what another thread, process or page does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(
    condition: Callable[[], Answer], what: str = "what was waited for", *, seconds: float = 60.0
) -> Answer:
    """Waits until `condition()` holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.005)
    return answer
