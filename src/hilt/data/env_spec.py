"""`EnvSpec`: what learner, statistics and policies know of an environment. Only an actor opens one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hilt.data.transition import Feature, Schema
from hilt.errors import UserError

MAX_FEATURES = 64
MAX_NAME = 128
MAX_FEATURE_BYTES = 2**26
MAX_FPS = 1e5
_PARTS, _LONGEST_PART = 4, 200
"""Of a sentence that says what differs."""
MAX_NUMBER = 3.4e38
"""Bounds are float32."""


class EnvSpecError(UserError, ValueError):
    """A description of an environment is damaged, or not one."""


@dataclass(frozen=True, slots=True)
class EnvSpec:
    """An environment in words and numbers, the same in every process and on disk (JSON)."""

    schema: Schema
    action_low: tuple[float, ...]
    """Lowest action [A], environment units."""
    action_high: tuple[float, ...]
    neutral_action: tuple[float, ...]
    """The action [A] that moves nothing."""
    fps: float
    """Control steps per second [Hz]."""
    real_time: bool = False
    """A step takes as long as the world does: the arm is real, and waits for no learner."""
    resettable: bool = True
    """It begins an episode by itself; otherwise a person has to put things back."""
    may_run_unattended: bool = True
    """It may move unattended, without a person to stop it."""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Feature, or `action` -> what each of its numbers is, where the environment tells it."""

    def difference(self, other: EnvSpec, *, here: str, there: str) -> str:
        """What keeps `other` from being the same environment, `NAME: HERE A, THERE B; ...`; "": nothing.

        Names of numbers may differ.
        """
        mine, theirs = self._features(), other._features()
        if mine == theirs:
            mine, theirs = self._others(), other._others()
        names = [name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
        parts = [f"{n}: {here} {mine.get(n, 'none')}, {there} {theirs.get(n, 'none')}" for n in names]
        return "; ".join(part[:_LONGEST_PART] for part in parts[:_PARTS]) + (
            "; ..." if names[_PARTS:] else ""
        )

    def _features(self) -> dict[str, str]:
        features = {**self.schema.observation, "action": self.schema.action}
        return {name: f"{feature.dtype}{list(feature.shape)}" for name, feature in features.items()}

    def _others(self) -> dict[str, str]:
        others = [name.name for name in fields(self) if name.name not in ("schema", "names")]
        return {name: f"{_short(getattr(self, name))}" for name in others}

    def to_json(self) -> dict[str, Any]:
        """A plain dict from which `from_json` makes the same."""
        own = {name.name: getattr(self, name.name) for name in fields(self)}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        names = {name: list(words) for name, words in self.names.items()}
        return {**lists, "schema": self.schema.to_json(), "names": names}

    @staticmethod
    def from_json(data: object) -> EnvSpec:
        """Made of what may come from a stranger: every part is checked, nothing is executed.

        Raises:
            EnvSpecError: anything is missing, unknown, of another kind, too large or not finite.
        """
        known = {name.name for name in fields(EnvSpec)}
        given = _mapping(data, "the description")
        if given.keys() != known:
            raise EnvSpecError(f"a description of an environment has {', '.join(sorted(known))}")
        schema = _schema(given["schema"])
        low, high, neutral = (
            _numbers(given[name], schema.action_dim, name)
            for name in ("action_low", "action_high", "neutral_action")
        )
        if any(not a <= n <= b for a, n, b in zip(low, neutral, high, strict=True)):
            raise EnvSpecError("neutral_action must lie within action_low and action_high")
        fps = _number(given["fps"], "fps")
        if not 0 < fps <= MAX_FPS:
            raise EnvSpecError(f"fps must be above 0 and at most {MAX_FPS:g}")
        return EnvSpec(
            schema,
            low,
            high,
            neutral,
            fps,
            real_time=_flag(given["real_time"], "real_time"),
            resettable=_flag(given["resettable"], "resettable"),
            may_run_unattended=_flag(given["may_run_unattended"], "may_run_unattended"),
            names=_names(given["names"], schema),
        )


def parse_spec(text: str) -> EnvSpec:
    """The spec that `json.dumps(spec.to_json())` wrote. Raises EnvSpecError."""
    try:
        return EnvSpec.from_json(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise EnvSpecError("a description of an environment is JSON") from error


def save_spec(spec: EnvSpec, path: Path) -> None:
    """Written as a whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(json.dumps(spec.to_json(), indent=2) + "\n")
    temporary.replace(path)


def load_spec(path: Path) -> EnvSpec | None:
    """None: there is no such file. Raises EnvSpecError when it is damaged."""
    if not path.is_file():
        return None
    try:
        return parse_spec(path.read_text())
    except (EnvSpecError, UnicodeDecodeError) as error:
        raise EnvSpecError(f"{path}: {error}; without this file an actor describes it anew") from error


def _short(value: Any) -> Any:
    return [round(number, 6) for number in value] if isinstance(value, tuple) else value


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EnvSpecError(f"{name[:MAX_NAME]!r} must be an object")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise EnvSpecError(f"{name} must be a finite number")
    return float(value)


def _numbers(value: object, size: int, name: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != size:
        raise EnvSpecError(f"{name} must be {size} numbers")
    return tuple(_number(one, name) for one in value)


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise EnvSpecError(f"{name} must be true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise EnvSpecError(f"a name has 1 to {MAX_NAME} printable characters")
    return value


def _schema(value: object) -> Schema:
    given = _mapping(value, "schema")
    observation = _mapping(given.get("observation"), "schema.observation")
    if not 0 < len(observation) <= MAX_FEATURES:
        raise EnvSpecError(f"an observation has 1 to {MAX_FEATURES} features")
    action = _feature(given.get("action"), "action")
    if action.dtype != "float32" or len(action.shape) != 1:
        raise EnvSpecError("an action is a float32 vector")
    return Schema({_text(name): _feature(one, name) for name, one in observation.items()}, action)


def _feature(value: object, name: str) -> Feature:
    given = _mapping(value, name)
    shape, dtype = given.get("shape"), given.get("dtype")
    kinds = {"float32": 1, "uint8": 3}  # a vector, a picture [C, H, W]
    sizes = shape if isinstance(shape, list) else []
    if dtype not in ("float32", "uint8") or len(sizes) != kinds[dtype]:
        raise EnvSpecError(f"{name[:MAX_NAME]!r} must be a float32 vector or a uint8 picture")
    if not all(type(size) is int and 0 < size <= MAX_FEATURE_BYTES for size in sizes):
        raise EnvSpecError(f"{name[:MAX_NAME]!r} has a shape of positive integers")
    if math.prod(sizes) > MAX_FEATURE_BYTES:
        raise EnvSpecError(f"{name[:MAX_NAME]!r} is larger than {MAX_FEATURE_BYTES} bytes")
    return Feature(tuple(sizes), dtype)


def _names(value: object, schema: Schema) -> dict[str, tuple[str, ...]]:
    features = {**schema.observation, "action": schema.action}
    names: dict[str, tuple[str, ...]] = {}
    for name, words in _mapping(value, "names").items():
        if name not in features or not isinstance(words, list) or len(words) != features[name].shape[0]:
            raise EnvSpecError("names are of features, a word for each of their numbers")
        names[name] = tuple(_text(word) for word in words)
    return names
