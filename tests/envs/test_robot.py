"""What the simulation, the tasks and their experts ask of the arm is the arm's own answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from hilt.config.robot import JOINTS, SIMULATED
from hilt.data.transition import STATE
from hilt.envs.arm_env import ArmEnv
from hilt.envs.panda.robot import Panda
from hilt.envs.registration import robot_class
from hilt.envs.robot import Robot
from hilt.envs.tasks.pick_cube import PickCube
from tests.envs.helpers import put, still

X = 'name="x" class="cartesian" gear="1 0 0 0 0 0" site="tcp" refsite="world"'


class Smaller(Panda):
    """A Panda that is used in less space, begins elsewhere and opens its fingers less."""

    name = "smaller"
    home = (0.3, 0.195, 0.0, -2.43, 0.0, 2.62, 0.785)
    max_opening = 0.05
    workspace = ((0.3, -0.2, 0.1), (0.5, 0.2, 0.3))


def altered(changes: Mapping[str, str], **attributes: object) -> type[Robot]:
    """A Panda in whose MJCF words are replaced, with other attributes."""

    def mjcf(cls: type[Robot]) -> str:
        text = Panda.mjcf()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        return text

    return type("Altered", (Panda,), {"mjcf": classmethod(mjcf), **attributes})


def test_home_gripper_and_workspace_are_the_arms() -> None:
    env = ArmEnv(PickCube, Smaller)
    observation, _ = env.reset(seed=0)
    np.testing.assert_allclose(observation["agent_pos"][:7], Smaller.home, atol=1e-6)
    assert observation["agent_pos"][14] == pytest.approx(0.05)
    assert env.core.robot.is_open(env.data)
    assert env.metadata["robot_type"] == "smaller"
    for direction in (-1, 1):
        for _ in range(40):
            action = still(env)
            action[:3] = direction
            action[3] = 2.0
            env.step(action)
        corner = Smaller.workspace[direction > 0]
        np.testing.assert_allclose(env.data.ctrl[:3], corner)
        assert env.data.ctrl[7] == pytest.approx(0.05)


def test_an_object_is_lost_where_the_arm_cannot_fetch_it() -> None:
    own, other = ArmEnv(PickCube, Smaller), ArmEnv(PickCube, Panda)
    for env, lost in ((own, True), (other, False)):
        env.reset(seed=0)
        put(env, "cube", (0.55, 0.0, 0.02))
        assert env.step(still(env))[2] is lost


def test_what_is_said_of_the_workspace_wins_corner_by_corner() -> None:
    env = ArmEnv(PickCube, Smaller, workspace=(None, (0.45, 0.1, 0.2)))
    assert env.core.controller.scale.low.tolist() == [0.3, -0.2, 0.1]
    assert env.core.controller.scale.high.tolist() == [0.45, 0.1, 0.2]


@pytest.mark.parametrize("name", SIMULATED)
@pytest.mark.parametrize("force_torque", [False, True])
def test_the_configuration_knows_the_size_of_the_state(name: str, force_torque: bool) -> None:
    robot, joints = robot_class(name), JOINTS[name]
    env = ArmEnv(PickCube, robot, force_torque=force_torque)
    size = 5 * joints + 7 if force_torque else 2 * joints + 4
    assert len(robot.joints) == joints
    assert env.observation_space["agent_pos"].shape == (size,)
    assert len(env.feature_names[STATE]) == size


@pytest.mark.parametrize(
    ("robot", "said"),
    [
        (altered({'site name="tcp"': 'site name="tip"', 'site="tcp"': 'site="tip"'}), "lacks a part.*tcp"),
        (altered({}, joints=("joint1", "elbow"), home=(0.0, 0.0)), "lacks a part.*elbow"),
        (altered({}, home=(0.0, 0.0)), "7 joints: home has 2"),
        (altered({f"<general {X}/>": ""}), "its actuators take 7 numbers, not 8"),
    ],
)
def test_what_an_arm_lacks_is_said(robot: type[Robot], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ArmEnv(PickCube, robot)


def test_other_classes_are_no_arms() -> None:
    with pytest.raises(ValueError, match="no subclass of hilt.envs.robot.Robot"):
        robot_class("hilt.envs.tasks.pick_cube:PickCube")
