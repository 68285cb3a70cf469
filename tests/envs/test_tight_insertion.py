"""TightInsertion: 0.2 mm, a peg that leans, and a force that decides."""

from __future__ import annotations

import numpy as np

from hilt.envs.arm_env import ArmEnv
from hilt.envs.tasks.tight_insertion import BREAKING, CLEARANCE, DEPTH, GRASP_TILT, TightInsertion
from tests.envs.helpers import make


def tight(mode: str = "ee_delta_pos") -> tuple[ArmEnv, TightInsertion]:
    env = make("TightInsertion", action_mode=mode, render_mode=None)
    assert isinstance(env.task, TightInsertion)
    env.reset(seed=0)
    return env, env.task


def over_the_rim(env: ArmEnv, task: TightInsertion, aside: float) -> None:
    """The tip 1 cm above the rim, `aside` of the hole [m]."""
    for _ in range(8):
        way = np.array((aside, 0, DEPTH + 0.01)) - task.tip(env.data)
        env.step(np.array((*np.clip(way / 0.025, -1, 1), 0), np.float32))


def test_the_peg_leans_at_the_start() -> None:
    env, task = tight()
    leans = []
    for seed in range(20):
        env.reset(seed=seed)
        leans.append(np.hypot(*task.turn(env.data)[:2]))
    assert np.radians(4) < max(leans) < GRASP_TILT + np.radians(1)


def test_walls_give_by_less_than_the_clearance() -> None:
    env, _ = tight("ee_delta_pose")
    hole, deepest = env.model.body("hole").id, 0.0
    for seed in range(3):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.expert.action())
            over = terminated or truncated
            contacts = env.data.contact
            at_hole = (env.model.geom_bodyid[contacts.geom] == hole).any(axis=-1)
            deepest = min(deepest, contacts.dist[at_hole].min(initial=0.0))
    assert -CLEARANCE / 2 < deepest < 0


def test_the_force_is_that_on_the_peg_and_part_of_the_state() -> None:
    env, task = tight()
    over_the_rim(env, task, 0.025)
    assert np.linalg.norm(task.force(env.data)) < 1
    for _ in range(2):
        observation, *_ = env.step(np.array((0, 0, -0.4, 0), np.float32))
    assert task.force(env.data)[2] > 10
    np.testing.assert_allclose(observation["environment_state"][-3:], task.force(env.data), rtol=1e-5)


def test_leaning_on_the_rim_breaks_the_parts() -> None:
    env, task = tight()
    over_the_rim(env, task, 0.025)
    for _ in range(10):
        _, reward, terminated, _, info = env.step(np.array((0, 0, -1, 0), np.float32))
        if terminated:
            break
    assert (reward, terminated, info["is_success"]) == (0, True, False)
    assert np.linalg.norm(task.force(env.data)) > BREAKING


def test_the_expert_stays_well_below() -> None:
    env, task = tight("ee_delta_pose")
    forces = []
    for seed in range(4):
        env.reset(seed=seed)
        over = False
        while not over:
            *_, terminated, truncated, info = env.step(env.expert.action())
            over = terminated or truncated
            forces.append(np.linalg.norm(task.force(env.data)))
        assert info["is_success"]
    assert 5 < max(forces) < 0.9 * BREAKING
