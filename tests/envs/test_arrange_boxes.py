"""ArrangeBoxes: five boxes on the targets of their colours."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from hilt.envs.arm_env import ArmEnv
from hilt.envs.tasks.arrange_boxes import APART, COUNT, ROW_X, ROW_Y, ArrangeBoxes
from tests.envs.helpers import make, play, still

MODES = ("ee_delta_pos", "ee_delta_pose")


def arrange(mode: str = "ee_delta_pos") -> tuple[ArmEnv, ArrangeBoxes]:
    env = make("ArrangeBoxes", action_mode=mode, render_mode=None)
    assert isinstance(env.task, ArrangeBoxes)
    return env, env.task


def put(env: ArmEnv, box: int, xyz: np.ndarray) -> None:
    address = env.core.model.joint(f"box{box}").qposadr[0]
    env.data.qpos[address : address + 3] = xyz
    mujoco.mj_forward(env.core.model, env.data)


@pytest.mark.parametrize("mode", MODES)
def test_expert_arranges(mode: str) -> None:
    env, _ = arrange(mode)
    assert all(play(env, seed)[1] for seed in range(3))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", MODES)
def test_expert_arranges_98_of_100(mode: str) -> None:
    env, _ = arrange(mode)
    assert sum(play(env, seed)[1] for seed in range(100)) >= 98


def test_success_is_every_box_within_three_centimetres() -> None:
    env, task = arrange()
    env.reset(seed=0)
    targets = task.target_pos(env.data).copy()
    for box in range(COUNT):
        assert not task.is_success(env.data)
        put(env, box, targets[box] + (0.029, 0, 0))
    assert task.is_success(env.data)
    assert env.expert.progress() == 1
    put(env, 2, targets[2] + (0, 0.031, 0))
    assert not task.is_success(env.data)


def test_subgoals_pay_a_fifth_for_each_box_and_take_it_back() -> None:
    env = make("ArrangeBoxes", reward_type="subgoals", terminate_on_success=False, render_mode=None)
    assert isinstance(env.task, ArrangeBoxes)
    env.reset(seed=0)
    targets = env.task.target_pos(env.data).copy()
    away = env.task.box_pos(env.data)[2].copy()
    rewards = []
    for box, place in [(2, targets[2]), (0, targets[0]), (2, away), (2, targets[2])]:
        put(env, box, place)
        rewards.append(env.step(still(env))[1])
    assert rewards == pytest.approx([0.2, 0.2, -0.2, 0.2])
    assert env.step(still(env))[1] == 0
    assert env.reset(seed=0)[1]["is_success"] is False
    assert env.step(still(env))[1] == 0


def test_subgoals_add_up_to_one_on_success() -> None:
    env = make("ArrangeBoxes", reward_type="subgoals", render_mode=None)
    assert play(env, 0)[1:] == (True, pytest.approx(1))


def test_boxes_and_targets_are_drawn_within_reach_and_apart() -> None:
    env, task = arrange("ee_delta_pose")
    rows = set()
    for seed in range(30):
        env.reset(seed=seed)
        boxes, targets = task.box_pos(env.data), task.target_pos(env.data)
        gaps = np.linalg.norm(boxes[:, None] - boxes[None], axis=-1) + np.eye(COUNT)
        assert gaps.min() >= APART
        assert np.allclose(targets[:, 0], ROW_X)
        assert np.allclose(sorted(targets[:, 1]), ROW_Y)
        assert np.linalg.norm(boxes[:, None] - targets[None], axis=-1).min() > 0.05
        rows.add(tuple(targets[:, 1]))
    assert len(rows) > 20


def test_state_observation_holds_the_poses_of_all_boxes_and_their_targets() -> None:
    env, task = arrange("ee_delta_pose")
    observation, _ = env.reset(seed=4)
    state = observation["environment_state"]
    assert state.shape == (50,)
    poses, targets = state[:35].reshape(5, 7), state[35:].reshape(5, 3)
    np.testing.assert_allclose(poses[:, :3], task.box_pos(env.data), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(poses[:, 3:], axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(targets, task.target_pos(env.data), atol=1e-6)


def test_a_box_off_the_workspace_ends_the_episode_without_success() -> None:
    env, _ = arrange()
    env.reset(seed=0)
    put(env, 3, np.array((0.4, 0.4, 0.02)))
    _, reward, terminated, truncated, info = env.step(still(env))
    assert (reward, terminated, truncated, info["is_success"]) == (0, True, False, False)


def test_a_box_near_the_edge_and_a_dropped_box_are_dangers() -> None:
    env, _ = arrange()
    env.reset(seed=0)
    assert not env.expert.in_danger()
    put(env, 0, np.array((0.4, 0.3, 0.02)))
    assert env.expert.in_danger()
    env.reset(seed=0)
    put(env, 0, np.array((0.4, 0.0, 0.15)))
    assert env.expert.in_danger()
