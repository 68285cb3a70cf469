"""A user's environment that never says what success is, and knows how the task is done."""

from __future__ import annotations

import time
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray


class Way:
    """The expert: straight to the middle. One attempt is there to tell what progress is."""

    def __init__(self, world: Dot) -> None:
        self._world = world

    def action(self) -> NDArray[np.float32]:
        return np.clip(-self._world.position / 0.3, -1, 1).astype(np.float32)

    def progress(self) -> float:
        return 1.0 if self._world.is_there else 0.5 * (1 - float(np.abs(self._world.position).max()))

    def in_danger(self) -> bool:
        return False


Seen = NDArray[np.float32] | dict[str, NDArray[Any]]
SIZE = 32


class Dot(gym.Env[Seen, NDArray[np.float32]]):
    """Bring the dot to the middle and keep it there.

    Args:
        step_s: what a step takes [s].
        tells: `info` says what success is, which ends the episode.
        has_camera: there is a picture beside the position.
    """

    metadata = {"render_modes": [], "render_fps": 5}  # noqa: RUF012

    def __init__(
        self,
        render_mode: str | None = None,
        step_s: float = 0.0,
        tells: bool = False,
        has_camera: bool = False,
    ) -> None:
        self.render_mode, self._step_s, self._tells, self._has_camera = render_mode, step_s, tells, has_camera
        position, picture = (
            gym.spaces.Box(-1, 1, (2,), np.float32),
            gym.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8),
        )
        self.observation_space: gym.Space[Any] = (
            gym.spaces.Dict({"position": position, "camera": picture}) if has_camera else position
        )
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)
        self.position = np.zeros(2)
        self.expert = Way(self)

    @property
    def is_there(self) -> bool:
        return bool(np.abs(self.position).max() < 0.3)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        super().reset(seed=seed)
        self.position = self.np_random.choice([-1, 1], 2) * self.np_random.uniform(0.5, 1, 2)
        return self._seen(), {}

    def step(self, action: NDArray[np.float32]) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        time.sleep(self._step_s)
        self.position = np.clip(self.position + 0.3 * action, -1, 1)
        there = self._tells and self.is_there
        info = {"is_success": there} if self._tells else {}
        return self._seen(), float(there), there, False, info

    def _seen(self) -> Seen:
        position = self.position.astype(np.float32)
        return {"position": position, "camera": self._picture()} if self._has_camera else position

    def _picture(self) -> NDArray[np.uint8]:
        """A square of 6 pixels where the dot is."""
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        row, column = ((self.position + 1) / 2 * (SIZE - 6)).round().astype(int)
        picture[row : row + 6, column : column + 6] = 255
        return picture


gym.register("SilentDot-v0", Dot, max_episode_steps=15)
