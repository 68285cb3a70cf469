"""Promises of the Gymnasium environment, whatever the task."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from hilt.envs import SimulationError, task_names
from hilt.envs.physics import GRIPPER
from tests.envs.helpers import make, play, still


@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize(
    "options", [{}, {"obs_type": "pixels", "action_mode": "ee_delta_pose", "image_size": 32}]
)
def test_every_id_passes_check_env(task: str, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # unbounded observations, actions that are not symmetric
        check_env(gym.make(f"hilt/{task}-v0", **options).unwrapped)


@pytest.mark.parametrize("task", task_names())
def test_same_seed_and_actions_give_the_same_episode_bit_for_bit(task: str) -> None:
    runs = []
    for warm in (0, 7):  # what happened before must not matter
        env = make(task, action_mode="ee_delta_pose", force_torque=True)
        env.reset(seed=99)
        for _ in range(warm):
            env.step(env.expert.action())
        env.action_space.seed(3)
        observation, _ = env.reset(seed=5)
        run = [np.concatenate(list(observation.values()))]
        for _ in range(20):
            observation, reward, *_ = env.step(env.action_space.sample())
            run.append(np.concatenate((*observation.values(), [reward])))
        runs.append(np.concatenate(run))
    assert np.array_equal(runs[0], runs[1])


def test_initial_state_replays_the_episode() -> None:
    env = make()
    env.reset(seed=11)
    env.reset()  # a start that no seed names
    state, rng = env.initial_state.copy(), np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (15, 4)).astype(np.float32)
    first = [env.step(action)[0]["environment_state"] for action in actions]
    other = make()
    other.reset(seed=1, options={"initial_state": state})
    assert np.array_equal(first, [other.step(action)[0]["environment_state"] for action in actions])


def test_initial_state_of_another_model_is_refused() -> None:
    env = make()
    with pytest.raises(ValueError, match="initial state"):
        env.reset(options={"initial_state": np.zeros(3)})


def test_episodes_of_one_environment_differ_and_the_global_generator_has_no_say() -> None:
    env, starts = make(), []
    env.reset(seed=0)
    for _ in range(3):
        np.random.seed(0)
        starts.append(env.reset()[0]["environment_state"])
    assert not np.array_equal(starts[0], starts[1])
    assert not np.array_equal(starts[1], starts[2])
    fixed = make(randomize=False)
    np.testing.assert_allclose(fixed.reset(seed=1)[0]["environment_state"][:2], (0.5, 0.0))
    assert np.array_equal(fixed.reset(seed=1)[0]["agent_pos"], fixed.reset(seed=2)[0]["agent_pos"])


@pytest.mark.parametrize(("control_time_s", "fps", "steps"), [(2.0, 10, 20), (0.3, 10, 3), (1.0, 15, 15)])
def test_time_limit_is_exact_and_is_truncation(control_time_s: float, fps: float, steps: int) -> None:
    env = gym.make("hilt/PickCube-v0", control_time_s=control_time_s, fps=fps)
    env.reset(seed=0)
    action = np.array((0, 0, 0, 1), np.float32)
    ends = [env.step(action)[2:4] for _ in range(steps)]
    assert ends == [(False, False)] * (steps - 1) + [(False, True)]


@pytest.mark.parametrize(("fps", "timestep"), [(10, 0.004), (15, 1 / 255), (30, 1 / 270), (1 / 0.3, 0.004)])
def test_physics_divides_the_control_step_exactly(fps: float, timestep: float) -> None:
    env = make(fps=fps)
    env.reset(seed=0)
    env.step(still(env))
    assert env.core.model.opt.timestep == pytest.approx(timestep)
    assert env.data.time == pytest.approx(1 / fps, abs=1e-12)


def test_all_of_an_observation_is_of_one_instant() -> None:
    env = make()
    env.reset(seed=0)
    for _ in range(5):
        observation = env.step(np.array((1, 1, 1, 1), np.float32))[0]
    again = mujoco.MjData(env.core.model)
    again.qpos[:] = env.data.qpos
    mujoco.mj_forward(env.core.model, again)
    assert np.abs(env.data.qvel[:7]).max() > 0.1
    np.testing.assert_array_equal(observation["agent_pos"][15:18], again.site("tcp").xpos.astype(np.float32))


def test_gripper_0_closes_1_stays_2_opens_and_in_between_is_proportional() -> None:
    env = make()
    env.reset(seed=0)
    env.data.qpos[9] = 0.9  # nothing to grasp

    def command(value: float, times: int = 1) -> float:
        for _ in range(times):
            observation = env.step(np.array((0, 0, 0, value), np.float32))[0]
        return float(observation["agent_pos"][14])

    assert command(1.0, 3) == pytest.approx(0.08, abs=1e-3)
    assert command(0.0, 5) == pytest.approx(0.0, abs=2e-3)
    assert command(1.0, 3) == pytest.approx(0.0, abs=2e-3)
    assert command(2.0, 5) == pytest.approx(0.08, abs=1e-3)
    before = env.data.ctrl[GRIPPER]
    command(0.75)
    assert before - env.data.ctrl[GRIPPER] == pytest.approx(0.25 * 0.04, abs=1e-6)


def test_discrete_penalty_is_due_when_the_gripper_is_reversed() -> None:
    env = make(gripper_penalty=-0.02)
    env.reset(seed=0)
    due = [
        env.step(np.array((0, 0, 0, g), np.float32))[4]["discrete_penalty"]
        for g in (2, 1, 0, 0, 0, 1, 2, 2, 2)
    ]
    assert due == [0, 0, -0.02, 0, 0, 0, -0.02, 0, 0]


@pytest.mark.parametrize(("mode", "size"), [("ee_delta_pos", 3), ("ee_delta_pose", 6)])
def test_without_gripper_the_action_has_none(mode: str, size: int) -> None:
    env = make(use_gripper=False, action_mode=mode)
    assert env.action_space.shape == (size,)
    env.reset(seed=0)
    observation = env.step(np.ones(size, np.float32))[0]
    assert observation["agent_pos"][14] == pytest.approx(0.08, abs=1e-3)
    assert env.expert.action().shape == (size,)


def test_target_stays_in_the_workspace() -> None:
    env = make(terminate_on_success=False)
    low, high = np.array(env.core.robot.workspace)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    for direction in (-1, 1):
        for _ in range(30):
            env.step(np.array((direction, direction, rng.uniform(0, 1), 1), np.float32))
            assert (env.data.ctrl[:3] >= low - 1e-12).all()
            assert (env.data.ctrl[:3] <= high + 1e-12).all()


def test_force_torque_is_tared_at_reset_and_feels_the_table() -> None:
    env = make(force_torque=True)
    observation, _ = env.reset(seed=0)
    assert observation["agent_pos"].shape == (42,)
    np.testing.assert_allclose(observation["agent_pos"][18:], 0.0, atol=1e-6)
    np.testing.assert_allclose(env.step(still(env))[0]["agent_pos"][18:], 0.0, atol=0.3)
    for _ in range(8):
        observation = env.step(np.array((0, 1, -1, 1), np.float32))[0]
    env.data.ctrl[2] = -0.01
    for _ in range(4):
        mujoco.mj_step(env.core.model, env.data, nstep=25)
    pressed = env.core.wrench.mean(env.data)[:3] - env._tare[:3]  # type: ignore[union-attr]
    assert 20 < np.linalg.norm(pressed) < 100


def test_force_torque_is_the_mean_over_the_control_step() -> None:
    env, twin = make(force_torque=True), make(force_torque=True)
    env.reset(seed=0)
    twin.reset(seed=0)
    action = np.array((1, 1, 1, 0), np.float32)
    tare = twin._tare
    twin.core.controller.apply(twin.data, action.astype(np.float64))
    samples = []
    for _ in range(twin.core.substeps):
        mujoco.mj_step(twin.core.model, twin.data)
        samples.append(twin.core.wrench.now(twin.data).copy())  # type: ignore[union-attr]
    observed = env.step(action)[0]["agent_pos"][18:]
    np.testing.assert_allclose(observed, np.mean(samples, axis=0) - tare, atol=1e-4)


@pytest.mark.parametrize("action", [np.full(4, np.nan), np.array((0, np.inf, 0, 1)), np.zeros(3)])
def test_actions_that_are_not_finite_or_misshapen_are_refused(action: np.ndarray) -> None:
    env = make()
    env.reset(seed=0)
    before = env.data.qpos.copy()
    with pytest.raises(ValueError, match="action"):
        env.step(action.astype(np.float32))
    assert np.array_equal(before, env.data.qpos)


def test_unstable_physics_is_an_error_and_reset_recovers() -> None:
    env = make()
    first = env.reset(seed=0)[0]
    env.data.qvel[9] = np.nan
    with pytest.raises(SimulationError, match="reset"):
        env.step(still(env))
    again = env.reset(seed=0)[0]
    assert np.array_equal(first["agent_pos"], again["agent_pos"])
    env.step(still(env))


def test_fixed_reset_joint_positions() -> None:
    joints = (0.2, 0.1, -0.1, -2.2, 0.1, 2.4, 0.7)
    env = make(fixed_reset_joint_positions=joints)
    np.testing.assert_allclose(env.reset(seed=0)[0]["agent_pos"][:7], joints, atol=1e-6)
    start = env.core.robot.tcp_pos(env.data).copy()
    for _ in range(10):
        observation = env.step(still(env))[0]
    np.testing.assert_allclose(observation["agent_pos"][15:18], start, atol=1e-3)


def test_steps_after_success_pay_and_then_terminate() -> None:
    plain = play(make(), seed=4)
    longer = play(make(number_of_steps_after_success=5), seed=4)
    assert plain[1:] == (True, 1.0)
    assert longer == (plain[0] + 5, True, 6.0)


def test_success_does_not_end_the_episode_unless_told_to() -> None:
    steps, _, total = play(make(terminate_on_success=False, control_time_s=4.0), seed=4)
    assert steps == 40
    assert total > 5


def test_dense_reward_grows_to_one() -> None:
    env = make(reward_type="dense")
    env.reset(seed=0)
    rewards = []
    while not rewards or rewards[-1] < 1.0:
        rewards.append(env.step(env.expert.action())[1])
    assert all(0 <= reward <= 1 for reward in rewards)
    assert rewards[0] < 0.3


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"obs_type": "image"}, "obs_type"),
        ({"action_mode": "joint"}, "action_mode"),
        ({"cameras": ["top"]}, "front, side, view, wrist"),
        ({"fps": 0}, "fps"),
        ({"gripper_penalty": 0.1}, "gripper_penalty"),
        ({"image_size": 0}, "image size"),
        ({"fixed_reset_joint_positions": (0.0, 1.0)}, "7 angles"),
    ],
)
def test_options_out_of_range_name_themselves(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make(**options)


def test_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="image_obs"):
        make(image_obs=True)


def test_state_observations_need_no_graphics_and_pixels_say_so() -> None:
    program = (
        "import hilt, gymnasium as gym, sys\n"
        "env = gym.make('hilt/PickCube-v0'); env.reset(seed=0); env.step(env.action_space.sample())\n"
        "assert 'OpenGL' not in sys.modules and 'torch' not in sys.modules\n"
        "gym.make('hilt/PickCube-v0', obs_type='pixels').reset()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"MUJOCO_GL": "disable", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert "RenderingError: MUJOCO_GL=disable: one of egl, osmesa" in run.stderr
