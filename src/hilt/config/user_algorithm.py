"""`policy.type: "package.module:MyAlgorithm"`: an algorithm of the user's own, and its configuration."""

from __future__ import annotations

import importlib
from typing import Any

from pydantic import ValidationError

from hilt.config.fields import invalid
from hilt.config.learning import LearningPolicy

_NAMED: dict[str, type[Any]] = {}


def is_users(kind: object) -> bool:
    """Whether a `policy.type` names a class."""
    return isinstance(kind, str) and ":" in kind


def named_algorithm(kind: str) -> type[Any] | None:
    """The class of `kind`, if this process's own configuration, or a folder that it was to load, names it.

    What comes over a connection imports nothing.
    """
    return _NAMED.get(kind)


def name_algorithm(kind: str) -> type[Any]:
    """Import and remember the class that `kind` names, a subclass of `hilt.algorithms.base.Algorithm`.

    Raises:
        ValueError: there is none, or it has no `config_class`.
    """
    module_name, _, name = kind.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {error.name!r}") from error
    except AttributeError:
        raise ValueError(f"module {module_name!r} has no class {name!r}") from None
    config_class = getattr(found, "config_class", None)
    if not (isinstance(config_class, type) and issubclass(config_class, LearningPolicy)):
        raise ValueError(f"{name} needs config_class, a subclass of hilt.config.LearningPolicy")
    _NAMED[kind] = found
    return _NAMED[kind]


def users_policy(data: Any) -> Any:
    """The `policy` section of a user's algorithm, as its own configuration class."""
    if isinstance(data, LearningPolicy):
        return data
    try:
        found = name_algorithm(data["type"])
    except ValueError as error:
        raise invalid(str(error), "type") from error
    try:
        return found.config_class.model_validate(data)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise invalid(wrong["msg"], *map(str, wrong["loc"])) from error
