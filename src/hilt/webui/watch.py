"""The person who watches a real arm: that they hold, and their word that stops it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Watch:
    """Pages speak from the server's thread, the rollout asks from its own. Nothing here waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_halt: Callable[[], None] | None = None
        """Stops the arm; None: there is none that could be stopped, and pages show no button for it."""
        self.held = False
        """The policy acts only while a person holds."""
        self._clock = clock
        self._holds_at = -math.inf

    @property
    def silence(self) -> float:
        """Since a page last said that it is held, s."""
        return self._clock() - self._holds_at

    def hold(self) -> None:
        """A person holds."""
        self._holds_at = self._clock()

    def release(self) -> None:
        """They have let go."""
        self._holds_at = -math.inf

    def halt(self) -> None:
        """The arm is to stop, at once, from any page."""
        self.release()
        if self.on_halt is not None:
            self.on_halt()
