"""`--config_path F --a.b=c --a.b c --resume --no-ui`: the command line of every command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hilt.config.errors import ConfigError, repr_short

COMMAND_LINE = "command line"
_WORDS = {"True": True, "False": False, "None": None}
_SHORT = {"host": "ui.host", "port": "ui.port", "workers": "eval.workers"}
_FLAGS = {"no-ui": "ui.enable=false", "shadow": "env.robot.shadow=true"}
"""Options that are shorter than their keys; flags take no value."""


@dataclass(frozen=True, slots=True)
class Override:
    """One `a.b.c=value` of the command line."""

    path: tuple[str, ...]
    value: Any
    text: str
    """As typed: what a key that holds text takes."""

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}={self.text}"


def parse_command_line(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """(config path, overrides as `a.b=c`) of the options of a command.

    A flag without a value means true. Raises ConfigError on anything that is not an option.
    """
    config_path: str | None = None
    overrides: list[str] = []
    rest = list(argv)
    while rest:
        name, value = _take_option(rest)
        if name == "config_path":
            config_path = value
        elif name in _FLAGS:
            overrides.append(_FLAGS[name])
        else:
            overrides.append(f"{_SHORT.get(name, name.replace('-', '_'))}={value}")
    return config_path, overrides


def _take_option(rest: list[str]) -> tuple[str, str]:
    """(name, value) of the first option, taken out of `rest`."""
    word = rest.pop(0)
    if not word.startswith("--") or len(word) == 2:
        raise ConfigError(COMMAND_LINE, f"{repr_short(word)}: options are --key=value or --key value")
    name, equals, value = word[2:].partition("=")
    if name == "config-path":
        name = "config_path"
    if equals:
        return name, value
    if rest and not rest[0].startswith("--") and name not in _FLAGS:
        return name, rest.pop(0)
    if name == "config_path":
        raise ConfigError(COMMAND_LINE, "--config_path: the path of a JSON file must follow")
    return name, "true"


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Each `a.b.c=value`: the value as JSON where it is, else as text."""
    return [_parse(override) for override in overrides]


def _parse(override: str) -> Override:
    key, equals, text = override.removeprefix("--").partition("=")
    path = tuple(key.split("."))
    if not equals or not all(path):
        raise ConfigError(COMMAND_LINE, f"{repr_short(override)}: an override is key=value, such as seed=1")
    return Override(path, _value(text), text)


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        return text


def apply_override(data: dict[str, Any], path: tuple[str, ...], value: Any) -> tuple[str, ...]:
    """Sets `value` at `path` in `data` and returns the path as found.

    Names that hold dots (`observation.state` in `env.features`) are recognised where they exist.
    """
    section, rest = data, path
    found: tuple[str, ...] = ()
    while True:
        key = _existing(section, rest)
        rest = rest[len(key) :]
        name = ".".join(key)
        found = (*found, name)
        if not rest:
            section[name] = value
            return found
        section[name] = {} if section.get(name) is None else section[name]
        if not isinstance(section[name], dict):
            shown_path = ".".join(found)
            raise ConfigError(
                COMMAND_LINE, f"{'.'.join(path)}: {shown_path} is {repr_short(section[name])}, it has no keys"
            )
        section = section[name]


def _existing(section: dict[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    lengths = range(len(path), 0, -1)
    return next((path[:n] for n in lengths if ".".join(path[:n]) in section), path[:1])
