"""Other ways to say the same: flat keys of the documentation, and the newer generation of training files.

LeRobot 0.4 keeps all learning keys in `policy`; 0.6 splits them into `policy` (`gaussian_actor`), `algorithm`
and `reward_model`. Everything is brought into the first form. What is said twice, differently, is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hilt.config.errors import ConfigError, repr_short
from hilt.config.overrides import COMMAND_LINE, Override

Path = tuple[str, ...]

_ALIASES: dict[Path, Path] = {
    ("repo_id",): ("dataset", "repo_id"),
    ("dataset_root",): ("dataset", "root"),
    ("num_episodes",): ("dataset", "num_episodes_to_record"),
    ("push_to_hub",): ("dataset", "push_to_hub"),
    ("number_of_steps_after_success",): ("env", "number_of_steps_after_success"),
    ("fps",): ("env", "fps"),
    ("reward_classifier_pretrained_path",): ("env", "processor", "reward_classifier", "pretrained_path"),
    ("env", "pretrained_policy_name_or_path"): ("policy", "pretrained_path"),
    ("policy", "path"): ("policy", "pretrained_path"),
    ("policy", "clip_grad_norm"): ("policy", "grad_clip_norm"),
    ("env_eval_freq",): ("eval_freq",),
}
_FOLDED: dict[Path, Path] = {("algorithm",): ("policy",), ("reward_model",): ("policy",)}
_CLASSIFIER: dict[Path, Path] = {
    ("policy", "vision_encoder_name"): ("policy", "model_name"),
    ("optimizer", "lr"): ("policy", "learning_rate"),
    ("optimizer", "weight_decay"): ("policy", "weight_decay"),
    ("optimizer", "grad_clip_norm"): ("policy", "grad_clip_norm"),
}
_SAME_TYPE = {"gaussian_actor": "sac"}


def canonical_data(data: dict[str, Any], origin: str, policy_type: str | None) -> dict[str, Any]:
    """`data` with every alias replaced by the key that it means; `data` is changed."""
    for old, new in _table(policy_type).items():
        found = _pop(data, old)
        if found:
            put(data, new, found[0], origin, old)
    policy = data.get("policy")
    if isinstance(policy, dict) and "type" in policy:
        policy["type"] = _canonical_type(policy["type"])
    return data


def canonical_overrides(overrides: Sequence[Override], policy_type: str | None) -> dict[Path, Override]:
    """The overrides of the command line by the key that they mean."""
    said: dict[Path, Override] = {}
    for override in overrides:
        path, value = override.path, override.value
        for old, new in _table(policy_type).items():
            if path[: len(old)] == old:
                path = (*new, *path[len(old) :])
        value = _canonical_type(value) if path == ("policy", "type") else value
        before = said.setdefault(path, replace(override, value=value))
        if before.value is not value and before.value != value:
            raise ConfigError(
                COMMAND_LINE, f"--{before} and --{override}: both mean the same key, say it once"
            )
    return said


def alias_paths() -> list[Path]:
    """Every alias, for the search of the closest key."""
    return list(_ALIASES)


def _table(policy_type: str | None) -> dict[Path, Path]:
    """The folded sections first, so that aliases inside them are found."""
    return {**_FOLDED, **_ALIASES, **(_CLASSIFIER if policy_type == "reward_classifier" else {})}


def _canonical_type(value: Any) -> Any:
    return _SAME_TYPE.get(value, value) if isinstance(value, str) else value


def _pop(data: dict[str, Any], path: Path) -> list[Any]:
    """The value at `path`, taken out of `data`, in a list; an empty list when there is none."""
    key, rest = path[0], path[1:]
    if not rest:
        return [data.pop(key)] if key in data else []
    inner = data.get(key)
    found = _pop(inner, rest) if isinstance(inner, dict) else []
    if found and not inner:
        del data[key]
    return found


def put(data: dict[str, Any], path: Path, value: Any, origin: str, said: Path) -> None:
    """Puts `value` at `path`, where an equal value may already stand; sections are merged.

    Raises ConfigError, naming the key `said`, where another value stands.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            put(data, (*path, key), inner, origin, (*said, key))
        return
    for depth, key in enumerate(path[:-1]):
        data[key] = {} if data.get(key) is None else data[key]
        if not isinstance(data[key], dict):
            raise ConfigError(
                origin, f"{'.'.join(path[: depth + 1])} = {repr_short(data[key])}: must be an object"
            )
        data = data[key]
    _set_once(data, path, value, origin, said)


def _set_once(section: dict[str, Any], path: Path, value: Any, origin: str, said: Path) -> None:
    there = section.setdefault(path[-1], value)
    if path == ("policy", "type"):
        there, value = _canonical_type(there), _canonical_type(value)
    if there is not value and there != value:
        raise ConfigError(
            origin,
            f"{'.'.join(said)} = {repr_short(value)} and {'.'.join(path)} = {repr_short(there)}: "
            "both mean the same key, say it once",
        )
