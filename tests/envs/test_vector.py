"""The vectorised environment does what as many single ones do."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hilt.envs import task_names
from hilt.envs.physics import ROTATION
from tests.envs.helpers import make, still

N = 3


@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize(
    "options", [{}, {"action_mode": "ee_delta_pose", "force_torque": True, "gripper_penalty": -0.1}]
)
def test_equals_single_environments(task: str, options: dict[str, Any]) -> None:
    options = {**options, "control_time_s": 1.5, "reward_type": "dense"}
    vector = gym.make_vec(f"hilt/{task}-v0", num_envs=N, **options)
    singles = [make(task, **options) for _ in range(N)]
    batch, _ = vector.reset(seed=7)
    ended = [False] * N
    for i, env in enumerate(singles):
        _same(batch, i, env.reset(seed=7 + i)[0])
    rng = np.random.default_rng(0)
    for _ in range(34):
        actions = np.stack([env.expert.action() for env in singles])
        actions += rng.normal(0, 0.2, actions.shape).astype(np.float32)
        batch, rewards, terminated, truncated, infos = vector.step(actions)
        for i, env in enumerate(singles):
            if ended[i]:
                expected: Any = (
                    env.reset()[0],
                    0.0,
                    False,
                    False,
                    {"is_success": False, "discrete_penalty": 0.0},
                )
            else:
                expected = env.step(actions[i])
            _same(batch, i, expected[0])
            assert (rewards[i], terminated[i], truncated[i]) == pytest.approx(expected[1:4])
            assert {name: infos[name][i] for name in expected[4]} == expected[4]
            ended[i] = expected[2] or expected[3]


def test_subgoals_are_counted_for_each_environment_by_itself() -> None:
    vector = gym.make_vec("hilt/PickCube-v0", num_envs=2, reward_type="subgoals", control_time_s=3.0)
    singles = [make(reward_type="subgoals", control_time_s=3.0) for _ in range(2)]
    vector.reset(seed=3)
    for i, env in enumerate(singles):
        env.reset(seed=3 + i)
    totals, ended = np.zeros(2), np.zeros(2, bool)
    for _ in range(30):
        actions = np.stack([env.expert.action() for env in singles])
        _, rewards, terminated, truncated, _ = vector.step(actions)
        for i, env in enumerate(singles):
            if not ended[i]:
                assert rewards[i] == env.step(actions[i])[1]
        totals += np.where(ended, 0, rewards)
        ended |= terminated | truncated
    assert totals.tolist() == [1, 1]


@pytest.mark.parametrize("mode", ["ee_delta_pos", "ee_delta_pose"])
def test_orientation_gives_way_as_in_single_environments(mode: str) -> None:
    vector = gym.make_vec("hilt/PickCube-v0", num_envs=2, action_mode=mode)
    single = make(action_mode=mode)
    vector.reset(seed=0)
    single.reset(seed=0)
    for _ in range(14):
        away, near = still(single), still(single)
        away[0], near[0] = 1.0, -1.0
        batch = vector.step(np.stack((near, away)))[0]
        _same(batch, 0, single.step(near)[0])
    assert not np.array_equal(single.data.ctrl[ROTATION], single.data.userdata)


def _same(batch: dict[str, np.ndarray], i: int, single: dict[str, np.ndarray]) -> None:
    for name, value in single.items():
        np.testing.assert_allclose(batch[name][i], value, rtol=1e-6, atol=1e-6)


def test_spaces_are_batched() -> None:
    vector = gym.make_vec("hilt/PickCube-v0", num_envs=N)
    observations, _ = vector.reset(seed=[3, None, 5])
    assert vector.observation_space.contains(observations)
    assert vector.action_space.shape == (N, 4)


def test_pixels_are_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="async"):
        gym.make_vec("hilt/PickCube-v0", num_envs=2, obs_type="pixels")


def test_actions_that_are_not_finite_are_refused() -> None:
    vector = gym.make_vec("hilt/PickCube-v0", num_envs=2)
    vector.reset(seed=0)
    with pytest.raises(ValueError, match="finite"):
        vector.step(np.full((2, 4), np.nan, np.float32))
