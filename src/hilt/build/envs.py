"""From a configuration to the objects that it describes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from hilt.build.pictures import own_sizes, preprocessing_of
from hilt.build.real_arm import make_franka
from hilt.build.rewards import load_reward_function
from hilt.config.environment import EnvConfig
from hilt.config.errors import ConfigError
from hilt.config.fields import Section
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.env_spec import EnvSpec, EnvSpecError
from hilt.data.transition import Observation, Schema
from hilt.envs.errors import EnvironmentFailedError, RenderingError
from hilt.envs.feature_env import Environment, UnsuitableEnvironmentError
from hilt.envs.gl import backend
from hilt.envs.registration import register, register_task
from hilt.errors import UserError
from hilt.processors.observation import ObservationError
from hilt.processors.pictures import KEY as PICTURES_KEY


def make_env(
    config: RunConfig | EnvConfig | str | Path | Mapping[str, Any], **overrides: Any
) -> gym.Env[Any, Any]:
    """The Gymnasium environment of a configuration (a file, a dict, a RunConfig), pictures [H, W, C].

    `overrides` are constructor arguments that win over the configuration.

    Raises:
        ConfigError: the environment does not exist or does not take its arguments.
    """
    if isinstance(config, str | Path | Mapping):
        config = load_config(config)
    env = config.env if isinstance(config, RunConfig) else config
    try:
        if env.type == "franka":
            return make_franka(env)
        if env.type == "gymnasium":
            register()
            return _make_drawing(env.task, {**env.kwargs, **overrides})
        return gym.make(
            register_task(env.choice.task), disable_env_checker=True, **{**_arguments(env), **overrides}
        )
    except UserError:
        raise
    except (gym.error.Error, TypeError, ValueError, ModuleNotFoundError) as error:
        if unexpected := re.search(r"unexpected keyword argument '(\w+)'", str(error)):
            name = unexpected[1]
            raise ConfigError(f"env.kwargs.{name}", f'"{env.task}" takes no argument {name}') from error
        raise ConfigError("env.task", f'"{env.task}": cannot be made: {error}') from error
    except Exception as error:
        raise EnvironmentFailedError(env.task, "making it", error) from error


def _make_drawing(task: str, arguments: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Another's environment; one that can draw pictures, and was not told how, draws them."""
    with suppress(
        RenderingError
    ):  # Gymnasium's own choice is the first OpenGL that is installed, working or not
        os.environ.setdefault("MUJOCO_GL", backend())
    env = gym.make(task, disable_env_checker=True, **arguments)
    if env.render_mode is not None or "rgb_array" not in env.metadata.get("render_modes", ()):
        return env
    env.close()
    return gym.make(task, disable_env_checker=True, render_mode="rgb_array", **arguments)


def make_environment(
    config: RunConfig,
    *,
    features: list[str] | None = None,
    learned_reward: bool = True,
    trust_operator: bool = False,
    **overrides: Any,
) -> Environment:
    """The environment of `config`, speaking in `features`: those that its policy names, unless given.

    Where a person or a classifier judges success, hilt's own environments do not end at it.

    Raises:
        ConfigError: it is not of a kind that hilt knows, or does not give the features that the policy names.
    """
    features = features or list(getattr(config.policy, "input_features", {})) or None
    reward_function = load_reward_function(config.env) if learned_reward else None
    if config.env.is_simulated and (reward_function is not None or trust_operator):
        overrides = {"terminate_on_success": False, **overrides}
    try:
        environment = Environment(
            make_env(config, **overrides),
            features,
            transform=_transform(config),
            sizes=own_sizes(config),
            reward_function=reward_function,
            success_threshold=config.env.success_reward_threshold,
            trust_operator=trust_operator,
        )
    except UnsuitableEnvironmentError as error:
        raise ConfigError("env.task", f'"{config.env.task}": {error}') from error
    except ObservationError as error:
        names_key = PICTURES_KEY in str(error)
        key = "env" if names_key else "policy.input_features" if features else "env.task"
        raise ConfigError(key, str(error)) from error
    _require_declared(config.env, environment.schema)
    return environment


def _require_declared(env: EnvConfig, schema: Schema) -> None:
    """Raises ConfigError: `env.features` declares a vector with another shape than the environment gives."""
    for name, declared in env.policy_features().items():
        given = schema.observation.get(name)
        if given is not None and declared.type != "VISUAL" and list(given.shape) != declared.shape:
            raise ConfigError(
                f"env.features.{name}", f"the environment gives {list(given.shape)}, not {declared.shape}"
            )


def described(config: RunConfig, env: Environment) -> EnvSpec:
    """What everybody but the actor knows of `env`. Raises ConfigError: nothing can learn in it."""
    spec, name = env.spec, f'"{config.env.task}"'
    if not np.isfinite([spec.action_low, spec.action_high]).all():
        raise ConfigError("env.task", f"{name}: actions must have bounds, to be learned")
    try:
        return EnvSpec.from_json(spec.to_json())
    except EnvSpecError as error:
        raise ConfigError("env.task", f"{name}: {error}") from error


def _said(section: Section, key: str) -> Any:
    """The value that the user gave; None leaves it to the task."""
    return getattr(section, key) if key in section.model_fields_set else None


def _arguments(env: EnvConfig) -> dict[str, Any]:
    """Constructor arguments of hilt's own environments."""
    processor = env.processor
    kinematics = processor.inverse_kinematics
    steps = kinematics.end_effector_step_sizes
    bounds = kinematics.end_effector_bounds
    return {
        "robot": env.robot.type,
        "obs_type": env.obs_type,
        "force_torque": env.force_torque,
        "action_mode": env.action_mode,
        "reward_type": env.reward_type,
        "randomize": env.randomize,
        "randomization": env.randomization.model_dump(),
        "image_size": env.image_size,
        "cameras": env.cameras or None,
        "terminate_on_success": processor.reset.terminate_on_success,
        "number_of_steps_after_success": env.number_of_steps_after_success,
        "fps": env.fps,
        "control_time_s": _said(processor.reset, "control_time_s"),
        "fixed_reset_joint_positions": processor.reset.fixed_reset_joint_positions,
        "use_gripper": processor.gripper.use_gripper,
        "gripper_penalty": processor.gripper.gripper_penalty,
        "position_step": (steps.x, steps.y, steps.z),
        "workspace": (bounds.min, bounds.max),
        "render_mode": "rgb_array",
    }


def _transform(config: RunConfig) -> Callable[[Observation], Observation] | None:
    """Rename, crop and resize the features as the configuration says; None when it says nothing."""
    preprocessing = preprocessing_of(config)
    names = {old: new for old, new in config.env.features_map.items() if old != new}
    if not (preprocessing.crops or preprocessing.size or names):
        return None

    def transform(observation: Observation) -> Observation:
        changed: Observation = {}
        for name, array in observation.items():
            if array.ndim == 3:
                array = preprocessing.for_environment(name, array.shape)(array)
            changed[names.get(name, name)] = array
        return changed

    return transform
