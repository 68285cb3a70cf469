"""OpenDrawer: a handle, and a drawer that follows it."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from hilt.envs.arm_env import ArmEnv
from hilt.envs.tasks.open_drawer import MAX_YAW, OPENED, PLACE, RANGE, OpenDrawer
from tests.envs.helpers import make


def drawer(mode: str = "ee_delta_pos", **options: object) -> tuple[ArmEnv, OpenDrawer]:
    env = make("OpenDrawer", action_mode=mode, render_mode=None, **options)
    assert isinstance(env.task, OpenDrawer)
    env.reset(seed=0)
    return env, env.task


def test_success_is_ten_centimetres() -> None:
    env, task = drawer()
    for opening in (0.0, OPENED - 0.001, OPENED + 0.001):
        env.data.joint("drawer").qpos[0] = opening
        mujoco.mj_forward(env.core.model, env.data)
        assert bool(task.is_success(env.data)) is (opening > OPENED)


def test_the_drawer_stays_where_it_is_until_it_is_pulled() -> None:
    env, task = drawer(control_time_s=5)
    for _ in range(30):
        env.step(np.array((0, 0, 0, 1), np.float32))
    assert abs(task.opening(env.data)) < 1e-3
    while not task.is_held(env.data):
        env.step(env.expert.action())
    assert task.opening(env.data) < 0.01


def test_the_handle_follows_the_opening_along_the_turned_cabinet() -> None:
    env, task = drawer("ee_delta_pose")
    env.reset(seed=4)
    closed = task.handle_pos(env.data).copy()
    env.data.joint("drawer").qpos[0] = 0.08
    mujoco.mj_forward(env.core.model, env.data)
    yaw = float(task.yaw(env.data))
    assert abs(yaw) > 0.05
    moved = task.handle_pos(env.data) - closed
    np.testing.assert_allclose(moved, -0.08 * np.array((np.cos(yaw), np.sin(yaw), 0)), atol=1e-9)


@pytest.mark.parametrize("mode", ["ee_delta_pos", "ee_delta_pose"])
def test_the_cabinet_stands_at_random_places_within_reach(mode: str) -> None:
    env, task = drawer(mode)
    places, yaws = [], []
    for seed in range(40):
        env.reset(seed=seed)
        places.append(env.data.body("cabinet").xpos[:2].copy())
        yaws.append(float(task.yaw(env.data)))
        assert env.core.robot.workspace[0][0] < task.handle_pos(env.data)[0] - OPENED
    assert (np.abs(np.array(places) - PLACE) <= RANGE + 1e-9).all()
    assert (np.ptp(places, axis=0) > 1.5 * RANGE).all()
    assert max(map(abs, yaws)) <= MAX_YAW
    assert (np.ptp(yaws) > MAX_YAW) == (mode == "ee_delta_pose")


def test_pushing_against_the_front_does_not_open_it() -> None:
    env, task = drawer()
    for _ in range(25):
        way = task.handle_pos(env.data) + np.array((-0.03, 0, 0)) - env.data.site("tcp").xpos
        env.step(np.array((*np.clip(way / 0.025, -1, 1), 0), np.float32))
    for _ in range(5):
        env.step(np.array((1, 0, 0, 0), np.float32))
    assert task.opening(env.data) < 0.01
