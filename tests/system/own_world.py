"""An environment and an operator that hilt does not ship, in a module of their own, as a user writes them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.base import Command, Expert

SIZE = 32


class Dot(gym.Env[dict[str, Any], NDArray[np.float32]]):
    """Bring the bright dot to the middle of the picture. It reports no success, only a reward."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, reach: float = 0.3, lasts: int = 10**9) -> None:
        self.render_mode, self.reach, self.lasts = render_mode, reach, lasts
        self.observation_space = gym.spaces.Dict(
            {
                "position": gym.spaces.Box(-1, 1, (2,), np.float64),
                "camera": gym.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8),
            }
        )
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-1, 1, 2)
        return self._observation(), {}

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self._wear()
        self.position = np.clip(self.position + 0.3 * action, -1, 1)
        there = bool(np.abs(self.position).max() < self.reach)
        return self._observation(), float(there), there, False, {}

    def _wear(self) -> None:
        """It is good for so many steps."""
        self.lasts -= 1
        if self.lasts < 0:
            raise RuntimeError("the dot is worn out")

    def render(self) -> NDArray[np.uint8]:
        picture = np.zeros((SIZE, SIZE, 3), np.uint8)
        row, column = ((self.position + 1) / 2 * (SIZE - 1)).astype(int)
        picture[row, column] = 255
        return picture

    def _observation(self) -> dict[str, Any]:
        return {"position": self.position.copy(), "camera": self.render()}


gym.register("Dot-v0", Dot, max_episode_steps=10)


class Guide:
    """Pushes at random, strongly, at every second step."""

    interactive = False

    def __init__(
        self, *, seed: int, fps: float, action_low: ArrayLike, action_high: ArrayLike, strength: float = 1.0
    ) -> None:
        self._rng, self._strength = np.random.default_rng(seed), strength
        self._low, self._high = np.asarray(action_low), np.asarray(action_high)
        self._step = 0

    def reset(self, expert: Expert | None) -> None:
        self._step = 0

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        self._step += 1
        push = self._strength * self._rng.uniform(self._low, self._high).astype(np.float32)
        return Command(push if self._step % 2 else None)

    def close(self) -> None:
        """There is nothing to let go of."""
