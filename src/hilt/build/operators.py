"""The operator that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.operators.base import Operator, OperatorUnavailableError
from hilt.operators.habits import OPTIONS, habits_of
from hilt.operators.registry import check_operator
from hilt.operators.registry import make_operator as operator_by_name


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
    options = dict(config.options_of_operator if options is None else options)
    if name == "scripted":
        _require_known(options)
    try:
        if name == "scripted":
            options = {"habits": habits_of(options)}
        return operator_by_name(
            name, seed=seed, fps=env.fps, action_low=env.action_low, action_high=env.action_high, **options
        )
    except (TypeError, ValueError) as error:
        raise ConfigError("operator_options", str(error)) from error


def require_operator(config: RunConfig) -> None:
    """Raises ConfigError when `config` names an operator, or options of it, that there are not.

    A device that is not there is no error: where a policy learns, it goes on without.
    """
    options = config.options_of_operator
    try:
        if config.operator_name == "scripted":
            _require_known(options)
            habits_of(options)
        else:
            check_operator(config.operator_name, options)
    except (TypeError, ValueError) as error:
        key = "operator_options" if options else "operator"
        raise error if isinstance(error, ConfigError) else ConfigError(key, str(error)) from error
    except OperatorUnavailableError:
        return


def _require_known(options: Mapping[str, Any]) -> None:
    """Raises ConfigError, with the closest name, for an option that the scripted operator does not have."""
    for key in options:
        if key not in OPTIONS:
            close = get_close_matches(key, OPTIONS, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f"operator_options.{key}",
                f'unknown to operator scripted; did you mean "{close}"? There are {", ".join(OPTIONS)}',
            )
