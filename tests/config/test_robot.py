"""`env.robot`: a real arm in the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from hilt.build.real_arm import camera_options, real_options
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.write import to_dict

ARM = {"type": "franka", "robot": {"ip": "172.16.0.2"}}


def env(**more: Any) -> dict[str, Any]:
    return {"env": {**ARM, **more}}


def test_a_file_for_the_simulated_arm_drives_the_real_one() -> None:
    """The keys that both have mean the same."""
    processor = {
        "inverse_kinematics": {
            "end_effector_bounds": {"min": [0.3, -0.2, 0.05], "max": [0.5, 0.2, 0.4]},
            "end_effector_step_sizes": {"x": 0.01, "y": 0.02, "z": 0.03},
        },
        "gripper": {"gripper_penalty": -0.02},
        "reset": {"control_time_s": 8.0, "fixed_reset_joint_positions": [0.0, 0.1, 0, -2, 0, 2.2, 0.7]},
    }
    action = {"type": "ACTION", "shape": [7]}
    config = load_config(env(fps=20, processor=processor, features={"action": action}))
    options = real_options(config.env)
    assert (options.fps, options.steps, options.gripper_penalty) == (20, 160, -0.02)
    assert options.workspace == ((0.3, -0.2, 0.05), (0.5, 0.2, 0.4))
    assert (options.position_step, options.action_mode) == ((0.01, 0.02, 0.03), "ee_delta_pose")
    assert options.home == [0.0, 0.1, 0, -2, 0, 2.2, 0.7]
    assert options.limits.picture_age == pytest.approx(0.1)


def test_a_real_arm_never_moves_alone() -> None:
    config = load_config(env())
    assert config.env.may_run_unattended is False
    assert config.env.robot.hold_to_run
    assert config.env.obs_type == "state"


@pytest.mark.parametrize("robot", ["my_robot.arm:SixAxis", {"type": "my_robot.arm:SixAxis"}])
def test_a_simulated_arm_of_the_users_is_named(robot: Any) -> None:
    """Its class is not looked for: a learner need not have it. So its sizes are not known, either."""
    state = {"observation.state": {"type": "STATE", "shape": [16]}}
    reset = {"reset": {"fixed_reset_joint_positions": [0.0] * 6}}
    config = load_config({"env": {"robot": robot, "features": state, "processor": reset}})
    assert config.env.robot.type == "my_robot.arm:SixAxis"
    assert config.env.is_simulated
    assert not config.env.is_hilts
    assert not config.env.force_torque


def test_the_arm_that_nothing_is_said_of_follows_from_the_environment() -> None:
    assert load_config(env()).env.robot.type == "franka"
    assert load_config({}).env.robot.type == "panda"
    assert load_config({"env": {"robot": None}}).env.is_hilts
    assert load_config(to_dict(load_config({}))).env.robot == load_config({}).env.robot


def test_pictures_have_the_size_that_the_features_declare() -> None:
    cameras = {"front": {"source": "/dev/video0"}, "wrist": {"source": "/dev/video2", "size": [96, 96]}}
    picture = {"type": "VISUAL", "shape": [3, 64, 64]}
    config = load_config(
        env(robot={"ip": "a", "cameras": cameras}, features={"observation.images.front": picture})
    )
    assert config.env.obs_type == "pixels"
    assert {name: one.size for name, one in camera_options(config.env).items()} == {
        "front": (64, 64),
        "wrist": (96, 96),
    }


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"env": {"type": "franka"}}, "env.robot.ip.*the address of the arm is needed"),
        ({"env": {"robot": {"ip": "172.16.0.2"}}}, 'env.robot.*a real arm needs "env.type": "franka"'),
        (env(robot={"ip": "a", "type": "ur5"}), "env.robot.*refused, hilt drives a Franka"),
        ({"env": {"robot": "ur5"}}, 'env.robot = "ur5": refused.*panda or package.module:Class'),
        ({"env": {"robot": "franka"}}, 'env.robot.*a real arm needs "env.type": "franka"'),
        ({"env": {"type": "franka", "robot": "a.b:Arm"}}, "env.robot.*refused, hilt drives a Franka"),
        ({"env": {"robot": {"type": "a.b:Arm", "speed": 1.0}}}, "env.robot.*a real arm needs"),
        (env(robot={"ip": "a", "speed": 0.0}), "env.robot.speed"),
        (env(robot={"ip": "a", "cameras": {"front": {}}}), "env.robot.cameras.front.source"),
        (
            env(features={"observation.images.top": {"type": "VISUAL", "shape": [3, 64, 64]}}),
            "env.robot.cameras.*no camera is called top",
        ),
    ],
)
def test_what_cannot_be_is_said(source: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(source)


def test_a_reset_that_is_no_function_is_said() -> None:
    from hilt.build.envs import make_env

    with pytest.raises(ConfigError, match=r"env.robot.reset.*there is no module 'nowhere'"):
        make_env(load_config(env(robot={"ip": "127.0.0.1", "reset": "nowhere:put_back"})))
