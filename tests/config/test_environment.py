"""What the environment section means: task ids, features, operators."""

from __future__ import annotations

from typing import Any

import pytest

from hilt.algorithms.sac.config import SACConfig
from hilt.config import ConfigError, load_config, resolve_task
from hilt.config.tasks import TASKS, known_ids


def env_of(**env: Any) -> Any:
    return load_config({"env": env}).env


def feature(kind: str, *shape: int) -> dict[str, Any]:
    return {"type": kind, "shape": list(shape)}


def test_every_id_of_the_field_means_a_task_a_device_and_options() -> None:
    assert resolve_task("PandaPickCubeMetaQuest-v0").action_mode == "ee_delta_pose"
    assert resolve_task("PandaArrangeBoxesKeyboard-v0").operator == "keyboard"
    assert resolve_task("gym_hil/PandaPickCubeFtGamepad-v0").force_torque
    assert resolve_task("PandaPickCubeViewer-v0").viewer
    for name in known_ids():
        choice = resolve_task(name)
        assert choice.task in TASKS
        assert choice.task in name
        assert choice.gym_id == f"hilt/{choice.task}-v0"


@pytest.mark.parametrize(
    "device", ["Base", "", "Viewer", "Gamepad", "Keyboard", "MetaQuest", "FtBase", "FtGamepad"]
)
@pytest.mark.parametrize("task", ["PickCube", "ArrangeBoxes"])
def test_the_ids_that_users_have_are_known(task: str, device: str) -> None:
    assert resolve_task(f"Panda{task}{device}-v0").task == task


def test_without_features_the_task_decides() -> None:
    env = env_of(task="PandaPickCubeFtGamepad-v0")
    assert (env.obs_type, env.force_torque, env.action_mode, env.cameras) == (
        "state",
        True,
        "ee_delta_pos",
        {},
    )
    assert env_of(task="PandaPickCubeMetaQuest-v0").action_mode == "ee_delta_pose"
    pixels = env_of(obs_type="pixels", image_size=64)
    assert pixels.cameras == {"front": (64, 64), "wrist": (64, 64)}


def test_features_decide_over_the_task() -> None:
    env = env_of(
        features={
            "observation.images.side": feature("VISUAL", 3, 96, 128),
            "observation.state": feature("STATE", 42),
            "action": feature("ACTION", 7),
        }
    )
    assert (env.obs_type, env.force_torque, env.action_mode) == ("pixels", True, "ee_delta_pose")
    assert env.cameras == {"side": (96, 128)}


@pytest.mark.parametrize(
    ("env", "part"),
    [
        ({"features": {"observation.state": feature("STATE", 19)}}, "[18]"),
        ({"features": {"action": feature("ACTION", 5)}}, "[4] or [7]"),
        ({"features": {"front": feature("VISUAL", 128, 128, 3)}}, "[3, height, width]"),
        ({"features": {"a": feature("VISUAL", 3, 8, 8), "b": feature("ENV", 7)}}, "privileged"),
        (
            {"features": {"action": feature("ACTION", 7)}, "action_mode": "ee_delta_pos"},
            "env.action_mode",
        ),
        (
            {"features": {"observation.state": feature("STATE", 42)}, "force_torque": False},
            "env.force_torque",
        ),
        (
            {
                "processor": {
                    "inverse_kinematics": {"end_effector_bounds": {"min": [1, 0, 0], "max": [0, 1, 1]}}
                }
            },
            "end_effector_bounds",
        ),
    ],
)
def test_contradictions_are_errors(env: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        env_of(**env)
    assert part in str(caught.value)


def test_the_policy_sees_what_the_environment_gives() -> None:
    config = load_config(
        {
            "env": {
                "features": {
                    "pixels/front": feature("VISUAL", 3, 128, 128),
                    "action": feature("ACTION", 4),
                },
                "features_map": {"pixels/front": "observation.images.front"},
                "processor": {"image_preprocessing": {"resize_size": [64, 48]}},
            },
            "policy": {"type": "sac"},
        }
    )
    assert isinstance(config.policy, SACConfig)
    assert config.policy.input_features["observation.images.front"].shape == [3, 64, 48]
    assert config.policy.output_features["action"].shape == [4]
    assert list(config.env.cameras) == ["front"]


@pytest.mark.parametrize(
    ("action", "use_gripper", "discrete", "fine"),
    [
        (3, True, 3, True),
        (4, True, None, True),
        (4, True, 3, True),
        (7, True, None, True),
        (6, True, 3, True),
        (3, False, None, True),
        (3, True, None, False),
        (4, False, None, False),
        (3, False, 3, False),
    ],
)
def test_who_commands_the_gripper(action: int, use_gripper: bool, discrete: int | None, fine: bool) -> None:
    source = {
        "env": {
            "features": {"action": feature("ACTION", action)},
            "processor": {"gripper": {"use_gripper": use_gripper}},
        },
        "policy": {"type": "sac", "num_discrete_actions": discrete},
    }
    if fine:
        load_config(source)
        return
    with pytest.raises(ConfigError, match="gripper"):
        load_config(source)


def test_other_shapes_for_policy_and_environment_are_an_error() -> None:
    source = {
        "env": {"features": {"observation.state": feature("STATE", 18)}},
        "policy": {"type": "sac", "input_features": {"observation.state": feature("STATE", 42)}},
    }
    with pytest.raises(ConfigError, match=r"policy.input_features.observation.state = .*\[18\]"):
        load_config(source)


@pytest.mark.parametrize(
    ("task", "control_mode", "operator", "expected"),
    [
        ("PandaPickCubeGamepad-v0", None, None, "gamepad"),
        ("PandaPickCubeGamepad-v0", "meta_quest", None, "quest"),
        ("PandaPickCubeGamepad-v0", "keyboard", "scripted", "scripted"),
        ("PandaPickCubeGamepad-v0", None, "none", "none"),
        ("PandaPickCubeBase-v0", None, None, "none"),
        ("hilt/PickCube-v0", None, "my_pkg.ops:Mine", "my_pkg.ops:Mine"),
    ],
)
def test_who_is_at_the_controls(
    task: str, control_mode: str | None, operator: str | None, expected: str
) -> None:
    processor = {"control_mode": control_mode}
    config = load_config({"env": {"task": task, "processor": processor}, "operator": operator})
    assert config.operator_name == expected


def test_an_environment_of_ones_own_is_taken_as_it_is() -> None:
    config = load_config(
        {
            "env": {
                "type": "gymnasium",
                "task": "my_pkg:Mine-v0",
                "features": {"observation.state": feature("STATE", 5), "action": feature("ACTION", 2)},
                "kwargs": {"size": 3},
            },
            "policy": {"type": "sac"},
        }
    )
    assert config.env.gym_id == "my_pkg:Mine-v0"
    assert (config.operator_name, config.name) == ("none", "Mine-v0_sac")
