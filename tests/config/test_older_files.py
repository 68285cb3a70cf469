"""Environment files of LeRobot 0.2 and 0.3, still in most tutorials, load by their meaning."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hilt.build.envs import make_environment
from hilt.config.errors import ConfigError
from hilt.config.load import load_config, without_effect
from hilt.config.requirements import require

STATE = {"type": "STATE", "shape": [18]}
CAMERA = {"type": "VISUAL", "shape": [3, 64, 64]}
OLDER: dict[str, Any] = {
    "type": "hil",
    "wrapper": {
        "gripper_penalty": -0.02,
        "use_gripper": True,
        "gripper_quantization_threshold": None,
        "display_cameras": False,
        "add_joint_velocity_to_observation": True,
        "add_ee_pose_to_observation": True,
        "crop_params_dict": {"observation.images.front": [8, 8, 48, 48]},
        "resize_size": [64, 64],
        "control_time_s": 12.0,
        "reset_time_s": 1.5,
        "fixed_reset_joint_positions": [0.0, 0.195, 0.0, -2.43, 0.0, 2.62, 0.785],
        "control_mode": "gamepad",
        "ee_action_space_params": {"x_step_size": 0.02, "y_step_size": 0.02, "z_step_size": 0.01},
        "video_record": {"enabled": False},
    },
    "name": "franka_sim",
    "mode": "record",
    "repo_id": "me/cubes",
    "dataset_root": "set",
    "task": "PandaPickCubeGamepad-v0",
    "num_episodes": 7,
    "episode": 0,
    "device": "cpu",
    "fps": 20,
    "push_to_hub": False,
    "pretrained_policy_name_or_path": None,
    "reward_classifier_pretrained_path": None,
    "number_of_steps_after_success": 3,
    "features": {
        "observation.images.front": CAMERA,
        "observation.state": STATE,
        "action": {"type": "ACTION", "shape": [3]},
    },
    "features_map": {
        "observation.images.front": "observation.images.front",
        "observation.state": "observation.state",
        "action": "action",
    },
}
TODAY: dict[str, Any] = {
    "mode": "record",
    "device": "cpu",
    "dataset": {
        "repo_id": "me/cubes",
        "root": "set",
        "num_episodes_to_record": 7,
        "replay_episode": 0,
        "push_to_hub": False,
    },
    "env": {
        "name": "gym_hil",
        "task": OLDER["task"],
        "fps": 20,
        "number_of_steps_after_success": 3,
        "features": OLDER["features"],
        "features_map": OLDER["features_map"],
        "video_record": {"enabled": False},
        "processor": {
            "control_mode": "gamepad",
            "gripper": {"gripper_penalty": -0.02, "use_gripper": True},
            "observation": {
                "display_cameras": False,
                "add_joint_velocity_to_observation": True,
                "add_ee_pose_to_observation": True,
            },
            "image_preprocessing": {
                "crop_params_dict": {"observation.images.front": [8, 8, 48, 48]},
                "resize_size": [64, 64],
            },
            "reset": {
                "control_time_s": 12.0,
                "reset_time_s": 1.5,
                "fixed_reset_joint_positions": OLDER["wrapper"]["fixed_reset_joint_positions"],
            },
            "inverse_kinematics": {"end_effector_step_sizes": {"x": 0.02, "y": 0.02, "z": 0.01}},
        },
    },
}


def test_an_older_file_means_what_todays_file_means(tmp_path: Path) -> None:
    file = tmp_path / "env.json"
    file.write_text(json.dumps(OLDER))
    assert load_config(file) == load_config(TODAY)


@pytest.mark.parametrize("verb", ["teleop", "record", "replay"])
def test_it_serves_every_command_of_an_environment(verb: Any) -> None:
    config = load_config(OLDER, ["operator=scripted", "dataset.root=other"])
    require(config, verb)
    assert str(config.dataset.root) == "other"
    assert "env.processor.observation.display_cameras" in without_effect(config)


def test_it_builds_the_environment_that_it_describes() -> None:
    env = make_environment(load_config(OLDER))
    assert env.fps == 20
    assert env.action_low.shape == (4,)  # a gripper beside an action of three numbers
    assert env.schema.observation["observation.images.front"].shape == (3, 64, 64)
    env.close()


def test_it_may_be_the_environment_of_a_training_file() -> None:
    training = {
        "dataset": {"repo_id": "me/cubes"},
        "policy": {"type": "sac", "num_discrete_actions": 3},
        "env": {**OLDER, "repo_id": None, "mode": None, "pretrained_policy_name_or_path": None},
    }
    config = load_config(training)
    require(config, "train")
    assert config.env.processor.reset.control_time_s == 12.0
    assert (config.mode, config.env.processor.gripper.gripper_penalty) == (None, -0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wrapper": {"frobnicate": 1}}, "wrapper.frobnicate: unknown"),
        ({"name": "real_robot"}, "env.name"),
        ({"dataset": {"repo_id": "other/cubes"}}, "say it once"),
        ({"wrapper": {"add_current_to_observation": True}}, "motor currents"),
        ({"wrapper": {"control_time_s": -1.0}}, "control_time_s"),
    ],
)
def test_what_it_says_wrong_is_named(change: dict[str, Any], message: str) -> None:
    data = copy.deepcopy(OLDER)
    if "dataset" in change:
        data = {"env": data, **change}
    else:
        data |= change
    with pytest.raises(ConfigError, match=message):
        load_config(data)
