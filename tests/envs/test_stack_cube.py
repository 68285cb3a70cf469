"""StackCube: the red cube on the blue one, let go of."""

from __future__ import annotations

import numpy as np
import pytest

from hilt.envs.arm_env import ArmEnv
from hilt.envs.tasks.stack_cube import APART, ASIDE, HALF, StackCube
from tests.envs.helpers import make, put, still


def stack(mode: str = "ee_delta_pos") -> tuple[ArmEnv, StackCube]:
    env = make("StackCube", action_mode=mode, render_mode=None)
    assert isinstance(env.task, StackCube)
    env.reset(seed=0)
    return env, env.task


@pytest.mark.parametrize(
    ("aside", "up", "success"),
    [(0, 0, True), (ASIDE - 0.001, 0, True), (ASIDE + 0.001, 0, False), (0, 0.01, False)],
)
def test_success_is_the_red_cube_resting_on_the_blue_one(aside: float, up: float, success: bool) -> None:
    env, task = stack()
    put(env, "cube", task.goal_pos(env.data) + np.array((aside, 0, up)))
    assert bool(task.is_success(env.data)) is success


def test_a_cube_that_moves_or_is_held_is_not_yet_stacked() -> None:
    env, task = stack()
    put(env, "cube", task.goal_pos(env.data))
    env.data.joint("cube").qvel[0] = 0.05
    assert not task.is_success(env.data)
    env.reset(seed=1)
    while not task.is_on_top(env.data):
        env.step(env.expert.action())
    assert task.is_touched(env.data).all()
    assert not task.is_success(env.data)


def test_the_stack_stands_after_the_expert_has_let_go() -> None:
    env = make("StackCube", terminate_on_success=False, render_mode=None)
    env.reset(seed=4)
    successes = []
    for _ in range(70):
        *_, info = env.step(env.expert.action())
        successes.append(info["is_success"])
    assert all(successes[-30:])


def test_cubes_begin_apart_and_turned_where_the_tool_can_turn() -> None:
    for mode in ("ee_delta_pos", "ee_delta_pose"):
        env, task = stack(mode)
        yaws = []
        for seed in range(20):
            env.reset(seed=seed)
            way = task.cube_pos(env.data) - task.goal_pos(env.data)
            assert np.hypot(*way[:2]) >= APART
            yaws.append(float(task.cube_yaw(env.data)))
        assert (np.ptp(yaws) > 0.5) == (mode == "ee_delta_pose")


def test_a_cube_off_the_table_ends_the_episode_and_a_dropped_one_is_a_danger() -> None:
    env, _ = stack()
    assert not env.expert.in_danger()
    put(env, "cube", (0.4, 0.0, 0.15))
    assert env.expert.in_danger()
    put(env, "base", (0.4, 0.4, HALF))
    assert env.step(still(env))[1:4] == (0, True, False)
