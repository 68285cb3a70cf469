"""Meta-World with its scripted experts as the simulated person. Only the actor imports this module."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import metaworld  # noqa: F401  (registers Meta-World/MT1)
import numpy as np
from metaworld.policies import ENV_POLICY_MAP
from numpy.typing import NDArray

from hilt.operators.base import Command, Expert

Array = NDArray[np.float32]


class ScriptedExpert:
    """The expert of one task, who sees what the environment shows."""

    def __init__(self, env_name: str) -> None:
        self._policy = ENV_POLICY_MAP[env_name]()
        self.observation: NDArray[np.float64] = np.zeros(39)
        self.reward = 0.0

    def action(self) -> Array:
        return np.clip(self._policy.get_action(self.observation), -1, 1).astype(np.float32)

    def progress(self) -> float:
        return self.reward / 10  # Meta-World's rewards reach 10

    def in_danger(self) -> bool:
        return False


class Taught(gym.Wrapper):  # type: ignore[misc]
    """`env` with an expert of `env_name`. The reward is 1 for success, which ends the episode."""

    def __init__(self, env: gym.Env[Any, Any], env_name: str) -> None:
        super().__init__(env)
        self.expert = env.unwrapped.expert = ScriptedExpert(env_name)

    def reset(self, **options: Any) -> tuple[NDArray[np.float64], dict[str, Any]]:
        self.expert.observation, info = self.env.reset(**options)
        self.expert.reward = 0.0
        return self.expert.observation, info

    def step(self, action: Array) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        self.expert.observation, reward, terminated, truncated, info = self.env.step(action)
        self.expert.reward, success = float(reward), bool(info["success"])
        return self.expert.observation, float(success), terminated or success, truncated, info


def make(env_name: str, **options: Any) -> gym.Env[Any, Any]:
    return Taught(gym.make("Meta-World/MT1", env_name=env_name, **options), env_name)


gym.register("Taught-v0", make)


class Person:
    """Takes over for a while where the policy would do something that the expert would not."""

    interactive = False

    def __init__(
        self,
        *,
        seed: int,
        fps: float,
        action_low: Array,
        action_high: Array,
        tolerance: float = 1.0,
        hold_s: float = 0.1,
        always: bool = False,
    ) -> None:
        self._tolerance, self._hold, self._always = tolerance, round(hold_s * fps), always
        self._expert: Expert | None = None
        self._left = 0

    def reset(self, expert: Expert | None) -> None:
        self._expert, self._left = expert, 0

    def command(self, policy_action: Array) -> Command:
        if self._expert is None:
            return Command()
        action = self._expert.action()
        if self._always or np.abs(action - policy_action).max() > self._tolerance:
            self._left = self._hold
        self._left -= 1
        return Command(action if self._left >= 0 else None)

    def close(self) -> None:
        """There is nothing to let go of."""
