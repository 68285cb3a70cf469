"""The operator that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.operators.base import Operator
from hilt.operators.registry import make_operator as operator_by_name
from hilt.operators.scripted import Habits


def make_operator(
    config: RunConfig,
    env: Environment,
    *,
    seed: int,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Operator:
    """The operator of `config`, or the one called `name`.

    Raises:
        ConfigError: unknown name or options. OperatorUnavailableError: the device is not there.
    """
    name = name or config.operator_name
    options = dict(config.operator_options if options is None else options)
    try:
        if name == "scripted":
            options = {"habits": Habits(**{key: _tuple(value) for key, value in options.items()})}
        return operator_by_name(
            name, seed=seed, fps=env.fps, action_low=env.action_low, action_high=env.action_high, **options
        )
    except (TypeError, ValueError) as error:
        raise ConfigError("operator_options", str(error)) from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
