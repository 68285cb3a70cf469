"""What the people at the page see of the environment, at a cost that the run can bear."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hilt.data.transition import Action, Observation
from hilt.envs.errors import RenderingError
from hilt.envs.feature_env import Environment
from hilt.envs.scene import source_of
from hilt.webui import Picture, Seat, Telemetry, View

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


class LiveView:
    """The environment for people, in the thread that steps it.

    Pages that can draw are told what a simulation is made of, and where everything is, which costs next to
    nothing. For others, and of environments that do not say it, a picture is drawn.
    """

    def __init__(self, env: Environment, seat: Seat | None, tell: Callable[[str], None]) -> None:
        self._env, self._seat, self._tell = env, seat, tell
        self._source = source_of(env.gym.unwrapped)
        self._described = False
        self._next = 0.0
        self.trouble: str | None = None
        """Why there are no pictures, in words."""
        self.ghost: Picture | None = None
        """What is wanted, shown through the view half transparent."""

    def begin(self) -> None:
        """The environment was reset: its colours may be others."""
        self._described = False

    def of_step(
        self, telemetry: Telemetry, observation: Observation, proposed: Action, real_time: bool
    ) -> View:
        """A control step. Pictures are left out where nobody looks, or while they would cost too much."""
        view = self.now(telemetry, proposed, picture=False)
        if self._seat is None or not self._seat.watched or not self._affordable(real_time):
            return view
        return View(telemetry, cameras(observation), self._view_if_needed(), view.frame)

    def now(self, telemetry: Telemetry, proposed: Action | None = None, *, picture: bool = True) -> View:
        """The environment as it is; with a `picture` if a page that looks needs one."""
        frame = None
        if self._seat is not None and self._source is not None:
            self._describe(self._seat)
            frame = self._source.scene_frame(proposed) if self._described else None
        return View(telemetry, view=self._view_if_needed() if picture else None, frame=frame)

    def picture(self) -> Picture | None:
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

    def _affordable(self, real_time: bool) -> bool:
        """There is time for another picture: always in real time, else when enough time has passed since."""
        return real_time or time.monotonic() >= self._next

    def _view_if_needed(self) -> Picture | None:
        return self.picture() if self._seat is not None and self._seat.needs_view else None

    def _describe(self, seat: Seat) -> None:
        if self._described or self._source is None:
            return
        scene = self._source.describe_scene()
        seat.describe(scene)
        self._described = scene is not None
        if scene is None:
            self._source = None

    def _give_up(self, reason: str) -> None:
        self.trouble = f"No view: {reason}"
        self._tell(f"the page shows no view: {reason}")
