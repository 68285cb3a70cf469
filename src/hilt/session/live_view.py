"""Pictures for the people at the page, at a price that the run can pay."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hilt.data.transition import Observation
from hilt.envs.errors import RenderingError
from hilt.envs.feature_env import Environment
from hilt.webui import Picture

VIEW_SIZE = (360, 480)
"""Of the picture for people, (height, width)."""
WATCHING_SHARE = 0.05
"""How much of a run's time pictures may cost while people only watch."""


def cameras(observation: Observation) -> dict[str, Picture]:
    """What the policy's cameras saw, by their names, uint8 [H, W, 3]."""
    return {
        name.rsplit(".", 1)[-1]: picture.transpose(1, 2, 0)
        for name, picture in observation.items()
        if picture.ndim == 3
    }


class Sketch:
    """The view of an environment, drawn in the thread that steps it."""

    def __init__(self, env: Environment, tell: Callable[[str], None]) -> None:
        self._env, self._tell = env, tell
        self._next = 0.0
        self.trouble: str | None = None
        """Why there are no pictures, in words."""
        self.ghost: Picture | None = None
        """What is wanted, shown through the view half transparent."""

    def affordable(self, real_time: bool) -> bool:
        """There is time for another picture: always in real time, else when enough time has passed since."""
        return real_time or time.monotonic() >= self._next

    def draw(self) -> Picture | None:
        """The view now; None, with the reason in `trouble`, where it cannot be drawn."""
        if self.trouble is not None:
            return None
        began = time.monotonic()
        try:
            view = self._env.live_view(VIEW_SIZE)
        except RenderingError as error:
            self._give_up(str(error))
            return None
        if view is None:
            self._give_up("this environment draws nothing; give it render_mode='rgb_array'")
        self._next = began + (time.monotonic() - began) / WATCHING_SHARE
        if view is not None and self.ghost is not None:
            return np.asarray(view // 2 + self.ghost // 2)
        return view

    def _give_up(self, reason: str) -> None:
        self.trouble = f"No view: {reason}"
        self._tell(f"the page shows no view: {reason}")
