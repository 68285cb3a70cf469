"""The Franka Hand. Its commands take their time, so that they are given, and it is read, in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

SPEED, FORCE, WIDEST = 0.1, 40.0, 0.08
"""Of the fingers, m/s; of a grasp, N; the greatest opening, m."""
CLOSED = 0.001
"""An opening that is wanted below this, m, is a grasp."""


class Hand:
    """Opens and closes to the newest opening that is wanted; what was wanted meanwhile is skipped.

    Args:
        gripper: franka-rs's.
    """

    def __init__(self, gripper: Any) -> None:
        self._gripper = gripper
        self.opening = float(gripper.read_once().width)
        """Between the fingers, m, as last heard."""
        self.fault = ""
        """What the hand raised when it failed; "" while it works."""
        self._wanted = self.opening
        self._news, self._closed = threading.Event(), threading.Event()
        for work in (self._read, self._obey):
            threading.Thread(target=self._guarded, args=(work,), daemon=True).start()

    def want(self, opening: float) -> None:
        """The fingers are to be `opening` [m] apart. Never waits."""
        if opening != self._wanted:
            self._wanted = opening
            self._news.set()

    def close(self) -> None:
        """The threads end; the fingers stay as they are."""
        self._closed.set()
        self._news.set()

    def _read(self) -> None:
        self.opening = float(self._gripper.read_once().width)

    def _obey(self) -> None:
        self._news.wait()
        self._news.clear()
        wanted = min(max(self._wanted, 0.0), WIDEST)
        if self._closed.is_set():
            return
        if wanted < CLOSED:
            self._gripper.grasp(0.0, SPEED, FORCE, epsilon_inner=0.0, epsilon_outer=WIDEST)
        else:
            self._gripper.move(wanted, SPEED)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Again and again until closed; what is raised ends it and is kept."""
        try:
            while not self._closed.is_set():
                work()
        except Exception as error:  # noqa: BLE001 -- of the driver; the arm's thread tells of it
            self.fault = str(error) or type(error).__name__
