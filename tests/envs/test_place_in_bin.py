"""PlaceInBin: over the rim, and let go."""

from __future__ import annotations

import numpy as np
import pytest

from hilt.envs.arm_env import ArmEnv
from hilt.envs.tasks.place_in_bin import APART, HALF, INNER, RIM, PlaceInBin
from tests.envs.helpers import make, put, still


def bin_task(mode: str = "ee_delta_pos") -> tuple[ArmEnv, PlaceInBin]:
    env = make("PlaceInBin", action_mode=mode, render_mode=None)
    assert isinstance(env.task, PlaceInBin)
    env.reset(seed=0)
    return env, env.task


@pytest.mark.parametrize(
    ("offset", "success"),
    [
        ((0, 0, HALF), True),
        ((INNER - 0.021, 0.021 - INNER, HALF), True),
        ((0, 0, RIM + 0.001), False),
        ((INNER + HALF, 0, HALF), False),
    ],
)
def test_success_is_the_cube_between_the_walls(offset: tuple[float, ...], success: bool) -> None:
    env, task = bin_task()
    put(env, "cube", task.bin_pos(env.data) + offset)
    assert bool(task.is_success(env.data)) is success


def test_a_bin_that_is_turned_is_measured_along_its_walls() -> None:
    env, task = bin_task("ee_delta_pose")
    corners = []
    for seed in range(20):
        env.reset(seed=seed)
        put(env, "cube", task.bin_pos(env.data) + np.array((INNER + 0.01, 0, HALF)))
        corners.append(bool(task.is_in_bin(env.data)))
    assert len(set(corners)) == 2


def test_the_walls_hold_the_cube_back() -> None:
    """A cube pushed along the table against the bin stays outside."""
    env, task = bin_task()
    cube = task.bin_pos(env.data) - (INNER + 0.05, 0, -HALF)
    for _ in range(15):
        put(env, "cube", cube)
        env.data.joint("cube").qvel[0] = 0.5
        env.step(still(env))
        cube = task.cube_pos(env.data).copy()
        assert not task.is_in_bin(env.data)


def test_cube_and_bin_begin_apart() -> None:
    env, task = bin_task()
    for seed in range(30):
        env.reset(seed=seed)
        way = task.cube_pos(env.data) - task.bin_pos(env.data)
        assert np.hypot(*way[:2]) >= APART


def test_a_cube_that_falls_outside_the_bin_is_a_danger() -> None:
    env, task = bin_task()
    assert not env.expert.in_danger()
    put(env, "cube", (0.35, 0.0, 0.15))
    assert env.expert.in_danger()
    put(env, "cube", task.bin_pos(env.data) + np.array((0, 0, HALF + 0.02)))
    assert not env.expert.in_danger()
