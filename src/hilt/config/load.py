"""`load_config`: a file and overrides in, a checked `RunConfig` out; whatever is wrong is a ConfigError."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hilt.config.aliases import canonical_data, canonical_overrides
from hilt.config.errors import ConfigError, repr_short
from hilt.config.explain import explain, path_of, refused
from hilt.config.fields import NoEffect, effect, walk
from hilt.config.older_files import modernised
from hilt.config.operator_options import assign_options
from hilt.config.overrides import COMMAND_LINE, apply_override, parse_overrides
from hilt.config.run import RunConfig

Source = str | Path | Mapping[str, Any] | RunConfig | None


def load_config(source: Source = None, overrides: Sequence[str] = ()) -> RunConfig:
    """The configuration of one command.

    `source` is a JSON file (environment file or training file, of any generation), a folder that holds
    one, a dict, a RunConfig, or None for the defaults; `overrides` are `a.b.c=value` and win.
    Imports no torch. Raises ConfigError.
    """
    origin, data = _read(source)
    data = modernised(data, origin)
    given = parse_overrides(overrides)
    policy_type = _policy_type(data, {override.path: override.value for override in given})
    canonical_data(data, origin, policy_type)
    assign_options(data)
    texts: dict[tuple[str, ...], str] = {}
    for path, override in canonical_overrides(given, policy_type).items():
        texts[apply_override(data, path, override.value)] = override.text
    _default_policy_type(data, policy_type)
    return _validate(data, texts, origin)


def without_effect(config: RunConfig) -> list[str]:
    """The keys that were said and change nothing, for the one line at start."""
    return [
        ".".join(path)
        for path, field, value in walk(config)
        if isinstance(effect(field), NoEffect) and value is not None
    ]


def config_file(source: str | Path) -> tuple[Path, str | None]:
    """(file, remark): a folder means the configuration in it. In the folder of a saved policy, a JSON that is
    missing, or the policy's own config.json, means `train_config.json` there; the remark says so."""
    path = Path(source)
    if path.is_dir():
        names = ("train_config.json", "config.json")
        found = next((path / name for name in names if (path / name).is_file()), None)
        if found is None:
            raise ConfigError(str(path), f"a folder without {' and '.join(names)}")
        return found, None
    saved = path.with_name("train_config.json")
    if saved.is_file() and (not path.exists() or path.name == "config.json"):
        return saved, f"{path} is not a command's configuration: using {saved}"
    return path, None


def _read(source: Source) -> tuple[str, dict[str, Any]]:
    if source is None:
        return COMMAND_LINE, {}
    if isinstance(source, RunConfig):
        return "configuration", source.model_dump(exclude_unset=True)
    if isinstance(source, Mapping):
        return "configuration", copy.deepcopy(dict(source))
    path, _ = config_file(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise ConfigError(str(path), f"cannot be read: {reason}") from error
    return str(path), _parse_json(text, str(path))


def _parse_json(text: str, origin: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        section: dict[str, Any] = {}
        for key, value in pairs:
            before = section.setdefault(key, value)
            if before is not value and before != value:
                raise ConfigError(
                    origin, f"{key} = {repr_short(section[key])} and {repr_short(value)}: say it once"
                )
        return section

    try:
        data = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ConfigError(
            origin, f"line {error.lineno}, column {error.colno}: not JSON, {error.msg}"
        ) from error
    except ConfigError:
        raise
    except (RecursionError, ValueError) as error:
        raise ConfigError(origin, "nested too deep, or a number that is too long") from error
    if not isinstance(data, dict):
        raise ConfigError(origin, f"{repr_short(data)}: must be a JSON object, {{...}}")
    return data


def _policy_type(data: Mapping[str, Any], given: Mapping[tuple[str, ...], Any]) -> str | None:
    """The type of the policy, before anything is checked."""
    policy = data.get("policy")
    said = given.get(("policy", "type")) or (policy.get("type") if isinstance(policy, Mapping) else None)
    classifier = data.get("reward_model") is not None or any(path[0] == "reward_model" for path in given)
    return "reward_classifier" if classifier and said is None else said if isinstance(said, str) else None


def _default_policy_type(data: dict[str, Any], policy_type: str | None) -> None:
    """A reward model need not say that it is one; a saved policy says in its own folder what it is."""
    policy = data.get("policy")
    if not isinstance(policy, dict) or "type" in policy:
        return
    if policy_type is not None:
        policy["type"] = policy_type
    elif policy.get("pretrained_path") is not None:
        policy["type"] = "pretrained"


def _validate(data: dict[str, Any], texts: Mapping[tuple[str, ...], str], origin: str) -> RunConfig:
    def origin_of(path: tuple[str, ...]) -> str:
        return COMMAND_LINE if any(path[: len(said)] == said for said in texts) else origin

    try:
        config = RunConfig.model_validate(data)
    except ValidationError as error:
        again = _as_text(error, data, texts)
        if again is None:
            raise explain(error, data, origin_of) from error
        return _validate(again, {}, origin)
    if problem := refused(config, origin_of):
        raise problem
    return config


def _as_text(
    error: ValidationError, data: dict[str, Any], texts: Mapping[tuple[str, ...], str]
) -> dict[str, Any] | None:
    """`data` with what was typed where a key holds text (`--job_name=42`); None when nothing is like that."""
    paths = [path_of(detail) for detail in error.errors() if detail["type"] == "string_type"]
    found = [path for path in paths if texts.get(path) not in (None, "null", "None")]
    if not found:
        return None
    data = copy.deepcopy(data)
    for path in found:
        apply_override(data, path, texts[path])
    return data
