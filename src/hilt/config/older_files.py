"""Environment files of LeRobot 0.2 and 0.3: `"type": "hil"` and a `wrapper`, alone or in a training file.

Their keys mean what keys of today's files mean, and are put there. What is left is unknown, and an error.
"""

from __future__ import annotations

from typing import Any

from hilt.config.aliases import put
from hilt.config.errors import ConfigError

Path = tuple[str, ...]

_PROCESSOR = ("env", "processor")
_TOP: dict[str, Path] = {
    "mode": ("mode",),
    "device": ("device",),
    "repo_id": ("dataset", "repo_id"),
    "dataset_root": ("dataset", "root"),
    "num_episodes": ("dataset", "num_episodes_to_record"),
    "episode": ("dataset", "replay_episode"),
    "push_to_hub": ("dataset", "push_to_hub"),
    "pretrained_policy_name_or_path": ("policy", "pretrained_path"),
    "reward_classifier_pretrained_path": (*_PROCESSOR, "reward_classifier", "pretrained_path"),
}
"""Keys of the environment that are none of it today."""
_WRAPPER: dict[str, Path] = {
    "control_mode": (*_PROCESSOR, "control_mode"),
    "gripper_penalty": (*_PROCESSOR, "gripper", "gripper_penalty"),
    "use_gripper": (*_PROCESSOR, "gripper", "use_gripper"),
    "gripper_quantization_threshold": (*_PROCESSOR, "gripper", "gripper_quantization_threshold"),
    "display_cameras": (*_PROCESSOR, "observation", "display_cameras"),
    "add_joint_velocity_to_observation": (*_PROCESSOR, "observation", "add_joint_velocity_to_observation"),
    "add_current_to_observation": (*_PROCESSOR, "observation", "add_current_to_observation"),
    "add_ee_pose_to_observation": (*_PROCESSOR, "observation", "add_ee_pose_to_observation"),
    "crop_params_dict": (*_PROCESSOR, "image_preprocessing", "crop_params_dict"),
    "resize_size": (*_PROCESSOR, "image_preprocessing", "resize_size"),
    "control_time_s": (*_PROCESSOR, "reset", "control_time_s"),
    "reset_time_s": (*_PROCESSOR, "reset", "reset_time_s"),
    "fixed_reset_joint_positions": (*_PROCESSOR, "reset", "fixed_reset_joint_positions"),
    "video_record": ("env", "video_record"),
}
_STEPS = (*_PROCESSOR, "inverse_kinematics", "end_effector_step_sizes")
_ACTION_SPACE: dict[str, Path] = {
    "x_step_size": (*_STEPS, "x"),
    "y_step_size": (*_STEPS, "y"),
    "z_step_size": (*_STEPS, "z"),
    "bounds": (*_PROCESSOR, "inverse_kinematics", "end_effector_bounds"),
}
_SAME_NAME = {"franka_sim": "gym_hil"}


def modernised(data: dict[str, Any], origin: str) -> dict[str, Any]:
    """`data` of a file, with an environment of the older generation as today's files have it.

    Raises:
        ConfigError: a key of `wrapper` is unknown, or says otherwise what another key says.
    """
    if _is_older(data):
        return _moved({}, dict(data), origin)
    env = data.get("env")
    if isinstance(env, dict) and _is_older(env):
        return _moved({key: value for key, value in data.items() if key != "env"}, dict(env), origin)
    return data


def _is_older(section: dict[str, Any]) -> bool:
    return section.get("type") == "hil" or isinstance(section.get("wrapper"), dict)


def _moved(data: dict[str, Any], env: dict[str, Any], origin: str) -> dict[str, Any]:
    """`data` with the environment `env` in it."""
    wrapper = dict(env.pop("wrapper", None) or {})
    steps = dict(wrapper.pop("ee_action_space_params", None) or {})
    env.pop("type", None)
    if isinstance(env.get("name"), str):
        env["name"] = _SAME_NAME.get(env["name"], env["name"])
    for table, section in ((_TOP, env), (_WRAPPER, wrapper), (_ACTION_SPACE, steps)):
        for key in table.keys() & section.keys():
            value = section.pop(key)
            if value is not None:
                put(data, table[key], value, origin, (key,))
    if unknown := [*wrapper, *(f"ee_action_space_params.{key}" for key in steps)]:
        raise ConfigError(origin, f"wrapper.{unknown[0]}: unknown key of an older environment file")
    put(data, ("env",), {key: value for key, value in env.items() if value is not None}, origin, ())
    return data
