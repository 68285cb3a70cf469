"""Statistics by which a policy normalises: those of the configuration, else of the demonstrations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hilt.config.errors import ConfigError
from hilt.config.features import FeatureType
from hilt.config.run import RunConfig
from hilt.data.lerobot.gripper import GRIPPER_INDEX, convert_stats
from hilt.data.lerobot.statistics import Stats, from_json
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.transition import ENVIRONMENT_STATE, IMAGES, STATE, Schema
from hilt.processors.normalization import Mode, Statistics, statistics_of

_LEAST_SPREAD = 0.03
_LARGEST_OPENING_M = 1.0


def modes(mapping: Mapping[FeatureType, Mode], schema: Schema) -> dict[str, Mode]:
    """How each feature is normalised."""
    return {name: mapping.get(_type(name), "IDENTITY") for name in schema.observation}


def statistics(config: RunConfig, schema: Schema, demonstrations: ReplayBuffer) -> dict[str, Statistics]:
    """Of every vector, and of those cameras that the configuration gives.

    What `policy.dataset_stats` says of actions is not looked at: policies scale by the action space's bounds.

    Raises:
        ConfigError: the configuration gives other numbers than the feature has.
    """
    given = given_statistics(config, schema)
    vectors = (name for name in schema.vectors if name not in given)
    return given | {name: _measured(name, demonstrations) for name in vectors}


def given_statistics(config: RunConfig, schema: Schema) -> dict[str, Statistics]:
    """`policy.dataset_stats`, the gripper in metres; see `statistics`."""
    said = getattr(config.policy, "dataset_stats", None) or {}
    for name, entry in said.items():
        for key, values in entry.items():
            _check_size(f"policy.dataset_stats.{name}.{key}", len(values), name, schema)
    stats = {name: entry for name, entry in from_json(said).items() if name in schema.observation}
    if STATE in stats and _counts_commands(config.dataset.gripper_convention, stats[STATE]):
        stats = convert_stats(stats)
    return {name: {key: value.tolist() for key, value in entry.items()} for name, entry in stats.items()}


def _counts_commands(convention: str, state: Stats) -> bool:
    """The gripper's state is gym-hil's command, 0..255: because that was said or no gripper opens so far."""
    openings = [values[GRIPPER_INDEX] for values in state.values() if len(values) > GRIPPER_INDEX]
    return convention == "gym_hil" or any(opening > _LARGEST_OPENING_M for opening in openings)


def _check_size(key: str, size: int, name: str, schema: Schema) -> None:
    """Raises ConfigError unless `size` numbers describe the feature `name`; a camera has three channels."""
    feature = schema.observation.get(name)
    if feature is not None and size != feature.shape[0]:
        raise ConfigError(key, f"{size} numbers: must be {feature.shape[0]}, as {name} has")


def _type(name: str) -> FeatureType:
    if name.startswith(IMAGES):
        return "VISUAL"
    return "ENV" if name == ENVIRONMENT_STATE else "STATE"


def _measured(name: str, demonstrations: ReplayBuffer) -> Statistics:
    """Statistics of the demonstrations; without any, those that change nothing."""
    if len(demonstrations) == 0:
        size = demonstrations.schema.observation[name].shape[0]
        return {"min": [-1.0] * size, "max": [1.0] * size, "mean": [0.0] * size, "std": [1.0] * size}
    return _widened(statistics_of(demonstrations.frames[name][demonstrations.has_step]))


def _widened(statistics: dict[str, list[float]]) -> dict[str, list[float]]:
    """What hardly varied in a few demonstrations counts as constant: blown up to the size of the rest, it
    would tell the policy noise, or what it did last instead of what to do. Units are m and rad."""
    low, high, std = (np.array(statistics[name]) for name in ("min", "max", "std"))
    flat = high - low < 2 * _LEAST_SPREAD
    middle = (low + high) / 2
    return {
        "min": np.where(flat, middle - 1, low).tolist(),
        "max": np.where(flat, middle + 1, high).tolist(),
        "mean": statistics["mean"],
        "std": np.where(flat, 1.0, std).tolist(),
    }
