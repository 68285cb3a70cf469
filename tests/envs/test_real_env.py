"""The environment of a real arm, with one that does as it is told: what ends an episode, what is asked."""

from __future__ import annotations

import time

import gymnasium as gym
import numpy as np
import pytest

import hilt.envs  # noqa: F401
from hilt.envs.feature_env import Environment
from hilt.envs.panda.real.env import FrankaEnv, UnattendedError
from hilt.envs.panda.real.options import PUT_BACK, RealOptions
from hilt.operators.base import NOTHING
from hilt.rollout.rollout import Rollout
from tests.envs.fake_arm import START, FakeArm

FORWARD = np.array((1.0, 0.0, 0.0, 1.0), np.float32)
STILL = np.array((0.0, 0.0, 0.0, 1.0), np.float32)


class Pictures:
    """Two cameras of which one can be stopped."""

    sizes = {"front": (8, 8), "wrist": (8, 8)}  # noqa: RUF012

    def __init__(self) -> None:
        self.age = 0.0

    def read(self) -> tuple[dict[str, np.ndarray], float]:
        return {name: np.full((8, 8, 3), 7, np.uint8) for name in self.sizes}, self.age

    def close(self) -> None:
        pass


def make(cameras: Pictures | None = None, **options: object) -> tuple[FrankaEnv, FakeArm]:
    arm = FakeArm()
    given = RealOptions(**{"fps": 50, "hold_to_run": False, "speed": 10.0, "acceleration": 1e3, **options})
    env = FrankaEnv(arm, given, cameras, put_back=lambda arm: None)
    env.reset()
    return env, arm


def hold_to_run(env: FrankaEnv) -> None:
    env.options = RealOptions(fps=50, hold_to_run=True)


@pytest.mark.parametrize(
    "options",
    [{}, {"force_torque": True, "action_mode": "ee_delta_pose"}, {"use_gripper": False}],
)
def test_spaces_and_names_are_those_of_the_simulated_arm(options: dict[str, object]) -> None:
    env, _ = make(**options)
    simulated = gym.make("hilt/PickCube-v0", **options).unwrapped
    assert env.action_space == simulated.action_space
    assert env.observation_space["agent_pos"] == simulated.observation_space["agent_pos"]
    for name in ("observation.state", "action"):
        assert env.feature_names[name] == simulated.feature_names[name]


def test_a_step_moves_the_target_as_in_simulation_and_takes_a_period() -> None:
    env, arm = make()
    started = time.monotonic()
    observation, reward, terminated, truncated, info = env.step(0.4 * FORWARD + 0.6 * STILL)
    assert time.monotonic() - started >= 0.019
    assert np.allclose(observation["agent_pos"][15:18], START + np.array((0.01, 0, 0)))
    assert (reward, terminated, truncated, info["safety"], info["fault"]) == (0.0, False, False, (), None)
    for command, opening in ((0.0, 0.04), (0.0, 0.0), (0.0, 0.0), (1.5, 0.02)):
        env.step(np.array((0.0, 0, 0, command)))
        assert arm.opening == pytest.approx(opening)


def test_forces_are_those_since_the_beginning_of_the_episode() -> None:
    env, arm = make(force_torque=True)
    arm.force, arm.torque = np.array((1.0, 0, 0)), np.arange(7.0)
    env.reset()
    arm.force, arm.torque = np.array((1.0, 0, 5.0)), np.arange(7.0) + 1
    observation, *_ = env.step(STILL)
    assert np.allclose(observation["agent_pos"][18:21], (0, 0, 5))
    assert np.allclose(observation["agent_pos"][21:].reshape(7, 3), [(0, 0, 1)] * 7)


def test_too_great_a_force_makes_the_arm_give_way() -> None:
    env, arm = make()
    env.step(FORWARD)
    arm.position = arm.position - np.array((0.02, 0, 0))  # something is in the way
    arm.force = np.array((31.0, 0, 0))
    _, _, _, truncated, info = env.step(FORWARD)
    assert (truncated, info["safety"]) == (False, ("force",))
    assert np.array_equal(info["executed_action"], STILL)
    assert arm.position[0] == pytest.approx(START[0] + 0.005)
    arm.force = np.zeros(3)
    assert env.step(-FORWARD + 2 * STILL)[4]["safety"] == ()


def test_a_stale_state_stops_the_arm() -> None:
    env, arm = make()
    arm.age = 0.2
    _, _, _, truncated, info = env.step(FORWARD)
    assert (truncated, info["fault"], arm.log[-1]) == (True, "stale_state", "stop")
    assert np.array_equal(arm.position, START)


def test_stale_pictures_are_a_fault_and_not_an_observation() -> None:
    cameras = Pictures()
    env, arm = make(cameras)
    assert env.observation_space.contains(env.step(STILL)[0])
    cameras.age = 0.05
    _, _, _, truncated, info = env.step(STILL)
    assert (truncated, info["safety"]) == (True, ("stale_pictures",))
    assert "stop" not in arm.log
    cameras.age = 0.0
    env.reset()
    assert not env.step(STILL)[3]


def test_nothing_moves_while_nobody_holds() -> None:
    env, arm = make()
    hold_to_run(env)
    _, _, _, truncated, info = env.step(FORWARD)
    assert (truncated, info["safety"]) == (False, ("lost_operator",))
    assert np.array_equal(arm.position, START)
    env.people.operator_silence = lambda: 0.1
    assert env.step(FORWARD)[4]["safety"] == ()


def test_nothing_moves_while_the_learner_is_away() -> None:
    env, arm = make()
    env.people.learner_silence = lambda: 20.0
    assert env.step(FORWARD)[4]["safety"] == ("lost_learner",)
    assert np.array_equal(arm.position, START)


def test_an_action_that_comes_late_is_not_executed() -> None:
    env, arm = make()
    env.step(STILL)
    time.sleep(0.1)
    assert env.step(FORWARD)[4]["safety"] == ("late_policy",)
    assert np.array_equal(arm.position, START)


def test_a_fault_ends_the_episode_and_stays_until_a_person_clears_it() -> None:
    env, arm = make(recover=("joint_reflex",))
    arm.fault = "cartesian_reflex"
    _, _, _, truncated, info = env.step(FORWARD)
    assert (truncated, info["fault"]) == (True, "cartesian_reflex")
    with pytest.raises(UnattendedError, match="The arm has stopped: cartesian_reflex"):
        env.reset()
    env.people.confirms = lambda sentence: False
    assert env.reset()[1]["fault"] == "cartesian_reflex"
    assert env.step(FORWARD)[3]
    assert "recover" not in arm.log
    env.people.confirms = lambda sentence: True
    assert env.reset()[1]["fault"] is None
    assert arm.log[-2:] == ["recover", "home"]
    arm.fault, env.people.confirms = "joint_reflex", None
    assert env.step(FORWARD)[3]
    assert env.reset()[1]["fault"] is None


def test_people_allow_the_first_motion_and_put_the_scene_back() -> None:
    arm, asked = FakeArm(), []
    env = FrankaEnv(arm, RealOptions(fps=50))
    with pytest.raises(UnattendedError):
        env.reset()
    assert arm.log == []
    env.people.confirms = lambda sentence: asked.append((sentence, list(arm.log))) is None
    env.reset()
    env.reset()
    assert asked == [
        ("The arm goes to its home position next. Is all clear?", []),
        (PUT_BACK, ["home"]),
        (PUT_BACK, ["home", "home"]),
    ]


class Nobody:
    """An operator."""

    interactive = False

    def reset(self, expert: object) -> None: ...

    def command(self, action: np.ndarray) -> object:
        return NOTHING


class Forward:
    """A policy."""

    def reset(self, seed: int) -> None: ...

    def __call__(self, observation: object) -> np.ndarray:
        return FORWARD


def test_what_is_recorded_is_what_was_done() -> None:
    env, _ = make()
    hold_to_run(env)
    recorded: list = []
    rollout = Rollout(Environment(env), Forward(), Nobody(), recorded.append)
    rollout.begin(0, 0)
    rollout.step()
    env.people.operator_silence = lambda: 0.0
    rollout.step()
    assert [list(transition.action) for transition in recorded] == [list(STILL), list(FORWARD)]
    assert [list(transition.policy_action) for transition in recorded] == [list(FORWARD)] * 2


def test_a_shadow_commands_nothing_and_is_judged() -> None:
    env, arm = make(shadow=True, speed=0.5)
    _, _, _, truncated, info = env.step(FORWARD)
    assert (truncated, info["safety"]) == (False, ("speed",))
    assert np.allclose(info["shadow"], (0.01, 0, 0))
    assert np.array_equal(info["executed_action"], STILL)
    assert np.array_equal(arm.position, START)
    env.people.drives = lambda: True
    _, _, _, _, info = env.step(FORWARD)
    assert info["shadow"] is None
    assert np.array_equal(info["executed_action"], FORWARD)
    assert np.allclose(arm.position, START + np.array((0.01, 0, 0)))
