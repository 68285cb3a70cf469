"""What holds for every task of hilt's: it can be done, its rewards keep their bounds, its starts vary."""

from __future__ import annotations

import numpy as np
import pytest

from hilt.envs import task_names
from tests.envs.helpers import make, play

MODES = ("ee_delta_pos", "ee_delta_pose")


@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize("mode", MODES)
def test_the_expert_succeeds(task: str, mode: str) -> None:
    env = make(task, action_mode=mode, render_mode=None)
    assert all(play(env, seed)[1] for seed in range(3))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize("mode", MODES)
def test_the_expert_succeeds_97_of_100(task: str, mode: str) -> None:
    env = make(task, action_mode=mode, render_mode=None)
    assert sum(play(env, seed)[1] for seed in range(100)) >= 97


@pytest.mark.parametrize("task", task_names())
def test_dense_reward_lies_between_0_and_1_grows_and_ends_at_1(task: str) -> None:
    env = make(task, reward_type="dense", render_mode=None)
    env.reset(seed=2)
    rewards, success, over = [], False, False
    while not over:
        assert env.expert.progress() <= 1
        _, reward, terminated, truncated, info = env.step(env.expert.action())
        over = terminated or truncated
        rewards.append(reward)
        success = info["is_success"]
    assert success
    assert rewards[-1] == 1
    assert min(rewards) >= 0
    assert max(rewards[:-1]) < 1
    third = len(rewards) // 3
    assert np.mean(rewards[-third:]) > np.mean(rewards[:third]) + 0.1


@pytest.mark.parametrize("task", task_names())
def test_sparse_reward_is_0_until_success(task: str) -> None:
    assert play(make(task, render_mode=None), 1)[1:] == (True, 1.0)


@pytest.mark.parametrize("task", task_names())
def test_starts_differ_unless_told_otherwise(task: str) -> None:
    def starts(**options: object) -> np.ndarray:
        env = make(task, render_mode=None, **options)
        return np.array([env.reset(seed=seed)[0]["environment_state"] for seed in range(4)])

    assert len(np.unique(starts(), axis=0)) == 4
    assert len(np.unique(starts(randomize=False), axis=0)) == 1


@pytest.mark.parametrize("task", task_names())
def test_every_number_of_the_state_has_a_name_of_its_own(task: str) -> None:
    env = make(task, render_mode=None)
    size = env.observation_space["environment_state"].shape[0]  # type: ignore[index]
    assert len(set(env.task.environment_names)) == size
