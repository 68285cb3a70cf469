"""What several tests of the simulation need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import mujoco
import numpy as np
from numpy.typing import NDArray

import hilt.envs  # noqa: F401  registers the ids
from hilt.envs.arm_env import ArmEnv


def make(task: str = "PickCube", **options: Any) -> ArmEnv:
    env = gym.make(f"hilt/{task}-v0", **options).unwrapped
    assert isinstance(env, ArmEnv)
    return env


def still(env: ArmEnv) -> NDArray[np.float32]:
    """The action that moves nothing."""
    action = np.zeros(env.action_space.shape, np.float32)
    if env.options.use_gripper:
        action[-1] = 1.0
    return action


def drive(env: ArmEnv, goal_pos: NDArray[np.float64], steps: int) -> None:
    """Sends the tool to a place [m] along the straight line and waits there."""
    for _ in range(steps):
        action = still(env)
        action[:3] = np.clip((goal_pos - env.data.ctrl[:3]) / env.core.controller.scale.position, -1, 1)
        env.step(action)


def play(env: ArmEnv, seed: int) -> tuple[int, bool, float]:
    """The expert's episode: steps, success, return."""
    env.reset(seed=seed)
    steps, total = 0, 0.0
    while True:
        _, reward, terminated, truncated, info = env.step(env.expert.action())
        steps, total = steps + 1, total + reward
        if terminated or truncated:
            return steps, info["is_success"], total


def put(env: ArmEnv, joint: str, xyz: Sequence[float]) -> None:
    """Places the body on a free `joint` upright at `xyz` [m], at rest."""
    of_joint = env.data.joint(joint)
    of_joint.qpos[:] = (*xyz, 1, 0, 0, 0)
    of_joint.qvel[:] = 0
    mujoco.mj_forward(env.core.model, env.data)
