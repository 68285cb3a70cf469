"""Run by the interpreter of the peer's own virtual environment: gym-hil's control steps/s, as JSON.

Usage: `python peer_gym_hil.py SECONDS`. Imports nothing of hilt, so that it runs where hilt is not installed.
"""

from __future__ import annotations

import json
import sys
import time

import gym_hil  # type: ignore[import-not-found]  # noqa: F401  registers the ids
import gymnasium as gym


def rate(pixels: bool, seconds: float) -> float:
    env = gym.make("gym_hil/PandaPickCubeBase-v0", image_obs=pixels)
    env.reset(seed=0)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        steps += 1
        if terminated or truncated:
            env.reset()
    return steps / (time.perf_counter() - start)


if __name__ == "__main__":
    duration = float(sys.argv[1])
    print(json.dumps({"state": rate(False, duration), "pixels": rate(True, duration)}))
