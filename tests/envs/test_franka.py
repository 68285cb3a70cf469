"""A Franka that is not there: its protocol on loopback, physics in another process, hilt's whole driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from hilt.envs import rotations
from hilt.envs.panda.real.env import FrankaEnv, UnattendedError
from hilt.envs.panda.real.options import RealOptions
from hilt.envs.panda.robot import Panda
from tests.envs.emulated import Emulated, require_emulation

UNATTENDED = RealOptions(hold_to_run=False, control_time_s=600.0)

require_emulation()


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    emulated = Emulated()
    yield emulated
    emulated.kill()


@pytest.fixture
def env(emulated: Emulated) -> Iterator[FrankaEnv]:
    env = FrankaEnv(emulated.connect(), UNATTENDED, put_back=lambda arm: None)
    yield env
    env.close()


def position(observation: dict[str, np.ndarray]) -> np.ndarray:
    return observation["agent_pos"][15:18]


def test_home_is_where_the_simulated_arm_begins(env: FrankaEnv) -> None:
    observation, info = env.reset()
    assert info["fault"] is None
    simulated, _ = gym.make("hilt/PickCube-v0").reset(seed=0)
    assert np.abs(observation["agent_pos"][:7] - Panda.home).max() < 0.02
    assert np.linalg.norm(position(observation) - position(simulated)) < 0.005
    assert observation["agent_pos"].shape == (18,)
    assert env.observation_space.contains(observation)


def test_the_same_actions_lead_both_arms_to_the_same_poses(emulated: Emulated) -> None:
    """The simulated arm keeps the pace of one that may be slow: both settle after each action."""
    options = {"action_mode": "ee_delta_pose", "control_time_s": 600.0}
    real = FrankaEnv(emulated.connect(), replace(UNATTENDED, **options), put_back=lambda arm: None)
    simulated = gym.make("hilt/PickCube-v0", disable_env_checker=True, **options)
    real.reset()
    simulated.reset(seed=0)
    actions = np.random.default_rng(3).uniform(-1, 1, (8, 7))
    actions[:, 6] = 1
    for action in actions:
        settle(real, simulated, action)
        sim = simulated.unwrapped
        far = real._state.tcp[0] - sim.core.robot.tcp_pos(sim.data)
        turn = rotations.multiply(real._state.tcp[1], rotations.conjugate(sim.core.robot.tcp_quat(sim.data)))
        assert np.linalg.norm(far) < 0.005
        assert np.degrees(np.linalg.norm(rotations.to_rotation_vector(turn))) < 2.0
    real.close()


def settle(real: FrankaEnv, simulated: gym.Env, action: np.ndarray) -> None:
    """One action, then both stand still until nothing moves any more."""
    still = np.array((0.0, 0, 0, 0, 0, 0, 1))
    assert not real.step(action)[3]
    simulated.step(action)
    for _ in range(15):
        simulated.step(still)
    for _ in range(60):
        before = real._state.tcp[0]
        assert not real.step(still)[3]
        if np.linalg.norm(real._state.tcp[0] - before) < 1e-4 and np.abs(real._state.joint_vel).max() < 1e-3:
            return


def test_the_gripper_closes_on_what_is_there_and_opens(env: FrankaEnv) -> None:
    env.reset()
    for command, opening in ((0.0, 0.04), (2.0, 0.08)):
        for _ in range(2):
            observation, *_ = env.step(np.array((0, 0, 0, command)))
        until = time.monotonic() + 20
        while abs(observation["agent_pos"][14] - opening) > 0.002:
            observation, *_ = env.step(np.array((0.0, 0, 0, 1)))
            assert time.monotonic() < until


def test_wherever_it_is_sent_the_arm_stays_in_the_box(emulated: Emulated) -> None:
    box = ((0.4, -0.05, 0.1), (0.52, 0.05, 0.2))
    env = FrankaEnv(emulated.connect(), replace(UNATTENDED, workspace=box), put_back=lambda arm: None)
    env.reset()
    jumps = np.sign(np.random.default_rng(0).normal(size=(10, 3))) * 12  # 30 cm, were it allowed
    for jump in np.repeat(jumps, 6, axis=0):
        observation, _, _, truncated, info = env.step(np.array((*jump, 1.0)))
        assert not truncated
        assert "bounds" in info["safety"]
        assert np.abs(info["executed_action"][:3]).max() <= 1
        assert (position(observation) > np.array(box[0]) - 0.005).all()
        assert (position(observation) < np.array(box[1]) + 0.005).all()
    assert env.safety.counts["workspace"] > 10
    env.close()


def test_what_is_not_finite_moves_nothing_and_ends_the_episode(env: FrankaEnv) -> None:
    before, _ = env.reset()
    observation, _, terminated, truncated, info = env.step(np.array((np.nan, 0, 0, 1)))
    assert (terminated, truncated, info["safety"]) == (False, True, ("finite",))
    assert np.array_equal(info["executed_action"], (0, 0, 0, 1))
    assert np.linalg.norm(position(observation) - position(before)) < 0.003
    assert env.reset()[1]["fault"] is None


def test_a_killed_server_ends_the_episode_and_the_run_goes_on_when_it_is_back(emulated: Emulated) -> None:
    asked: list[str] = []
    env = FrankaEnv(emulated.connect(), UNATTENDED, put_back=lambda arm: None)
    env.people.confirms = lambda sentence: asked.append(sentence) is None
    env.reset()
    env.step(np.array((1.0, 0, 0, 1)))
    emulated.kill()
    for _ in range(30):
        _, _, _, truncated, info = env.step(np.array((1.0, 0, 0, 1)))
        if truncated:
            break
    assert truncated
    assert info["fault"] in ("stale_state", "connection", "gripper")
    assert env.reset()[1]["fault"] is not None  # it is still away
    assert env.step(np.array((1.0, 0, 0, 1)))[3]
    emulated.start()
    until = time.monotonic() + 60
    while env.reset()[1]["fault"] is not None:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert f"The arm has stopped: {info['fault']}" in asked[0]
    assert not env.step(np.array((0.5, 0, 0, 1)))[3]
    env.close()


def test_a_line_that_falls_silent_stops_the_arm(emulated: Emulated) -> None:
    """The server stands still as if the cable were out: nothing is refused, nothing comes."""
    env = FrankaEnv(emulated.connect(), UNATTENDED, put_back=lambda arm: None)
    env.reset()
    env.step(np.array((0.0, 0, 0, 1)))
    emulated.signal(signal.SIGSTOP)
    started = time.monotonic()
    while not env.step(np.array((0.3, 0, 0, 1)))[3]:
        assert time.monotonic() - started < 5
    assert env.fault in ("stale_state", "connection", "gripper")
    emulated.signal(signal.SIGCONT)
    env.close()


def test_a_reflex_ends_the_episode_with_its_name_and_a_person_lets_the_arm_go_on(emulated: Emulated) -> None:
    env = FrankaEnv(emulated.connect(), UNATTENDED, put_back=lambda arm: None)
    env.reset()
    env.step(np.array((0, 1.0, 0, 1)))
    emulated.signal(signal.SIGUSR1)
    for _ in range(10):
        _, _, _, truncated, info = env.step(np.array((0, 1.0, 0, 1)))
        if truncated:
            break
    assert (truncated, info["fault"]) == (True, "cartesian_reflex")
    with pytest.raises(UnattendedError, match=r"The arm has stopped: cartesian_reflex\. .*nobody to ask"):
        env.reset()
    env.people.confirms = lambda sentence: True
    assert env.reset()[1]["fault"] is None
    assert not env.step(np.array((0, 1.0, 0, 1)))[3]
    env.close()


def test_a_reflex_that_is_listed_needs_no_person(emulated: Emulated) -> None:
    options = replace(UNATTENDED, recover=("cartesian_reflex",))
    env = FrankaEnv(emulated.connect(), options, put_back=lambda arm: None)
    env.reset()
    emulated.signal(signal.SIGUSR1)
    while not env.step(np.array((0, 1.0, 0, 1)))[3]:
        pass
    assert env.fault == "cartesian_reflex"
    assert env.reset()[1]["fault"] is None
    env.close()


def test_the_stop_button_stops_the_arm_from_another_thread(env: FrankaEnv) -> None:
    env.reset()
    timer = threading.Timer(0.25, env.stop)
    timer.start()
    for _ in range(10):
        _, _, _, truncated, info = env.step(np.array((0, 1.0, 0, 1)))
        if truncated:
            break
    assert (truncated, info["fault"]) == (True, "stopped")
    time.sleep(0.5)
    resting = env._arm.state().tcp[0]
    assert env.step(np.array((0, 1.0, 0, 1)))[3]
    time.sleep(0.3)
    assert np.linalg.norm(env._arm.state().tcp[0] - resting) < 0.002


def test_only_the_drivers_own_threads_are_real_time_ones(env: FrankaEnv) -> None:
    """Else whatever the process starts, a learner perhaps, would be, too, and starve all others."""
    env.reset()
    env.step(np.array((0.0, 0, 0, 1)))
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    started = subprocess.run(
        [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], capture_output=True, text=True
    )
    assert int(started.stdout) == os.SCHED_OTHER
