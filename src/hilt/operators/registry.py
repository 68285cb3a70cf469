"""Operators by name. A device's module is imported only when it is asked for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

from numpy.typing import ArrayLike

from hilt.operators.base import NoOperator, Operator, OperatorUnavailableError
from hilt.operators.habits import Habits
from hilt.operators.hand import HandTracker
from hilt.operators.scripted import ScriptedOperator

DEVICES = {
    "keyboard": "hilt.operators.keyboard:KeyboardOperator",
    "gamepad": "hilt.operators.gamepad:GamepadOperator",
    "browser": "hilt.operators.browser:BrowserOperator",
    "quest": "hilt.operators.browser:BrowserOperator",
}
"""Name -> "module:Class". A Meta Quest connects through the browser's page."""

_GIVEN = ("seed", "fps", "action_low", "action_high", "sole", "wait_for_pad", "seat", "hand")
"""Keywords of operators that hilt says by itself."""
PAGE = ("browser", "quest")
"""People at the page."""

NAMES = ("none", "scripted", *DEVICES)


_METHODS = {"reset": ("expert",), "command": ("policy_action",), "close": ()}
"""Of `hilt.operators.base.Operator`, with what they are called with."""


def make_operator(
    name: str,
    *,
    seed: int,
    fps: float,
    action_low: ArrayLike,
    action_high: ArrayLike,
    habits: Habits | None = None,
    **options: Any,
) -> Operator:
    """The operator called `name`: one of `NAMES`, or a class given as "package.module:Class".

    `action_low`, `action_high` are the bounds [A] of the environment's actions. `habits` are the scripted
    operator's. A class is called with seed, fps, action_low, action_high and `options` as keywords.
    Raises ValueError for a name that means nothing and for a class that is no `Operator`, and
    OperatorUnavailableError where a device is missing.
    """
    if name == "none":
        return NoOperator()
    if name == "scripted":
        return ScriptedOperator(
            seed=seed, fps=fps, action_low=action_low, action_high=action_high, habits=habits
        )
    if name not in DEVICES and ":" not in name:
        raise ValueError(
            f"operator {name!r} is unknown: use one of {', '.join(NAMES)}, or a class, 'package.module:Class'"
        )
    arguments = {"seed": seed, "fps": fps, "action_low": action_low, "action_high": action_high, **options}
    return _construct(name, DEVICES.get(name, name), arguments)


def check_operator(name: str, options: Mapping[str, Any]) -> None:
    """Raises ValueError when `name` means no operator, or one that does not take `options`.

    Nothing is made: no device is looked for, and what a session gives a device may be missing.
    """
    if name in PAGE:
        _check_page_options(name, options)
    elif name not in ("none", "scripted"):
        fixed = dict.fromkeys(("seed", "fps", "action_low", "action_high"))
        _factory(name, DEVICES.get(name, name), {**fixed, **options}, is_complete=name not in DEVICES)


def _check_page_options(name: str, options: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(HandTracker) if field.init and not field.name.startswith("_")]
    if unknown := [option for option in options if option not in known]:
        raise ValueError(f"operator {name!r}: unknown option {unknown[0]!r}; it takes {', '.join(known)}")


def _construct(name: str, path: str, arguments: dict[str, Any]) -> Operator:
    operator = _factory(name, path, arguments)(**arguments)
    if problems := _problems(operator):
        raise ValueError(f"operator {name!r}: {path.partition(':')[2]} is no operator: {'; '.join(problems)}")
    return cast(Operator, operator)


def _factory(
    name: str, path: str, arguments: Mapping[str, Any], *, is_complete: bool = True
) -> Callable[..., Any]:
    """What makes the operator, which takes `arguments`, and, if they are complete, needs no others."""
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise OperatorUnavailableError(
            f"operator {name!r} needs the Python module {error.name!r}, which is not installed: install it, "
            "or choose another operator, such as --operator=none"
        ) from error
    factory = getattr(module, class_name, None)
    if not callable(factory):
        raise ValueError(f"operator {name!r}: module {module_name!r} has no class {class_name!r}")
    try:
        signature = inspect.signature(factory)
        (signature.bind if is_complete else signature.bind_partial)(**arguments)
    except TypeError as error:
        if name in DEVICES:
            raise ValueError(f"operator {name!r}: {error}; {_options_of(factory)}") from error
        raise ValueError(
            f"operator {name!r}: {class_name} must take the keywords {', '.join(arguments)} ({error})"
        ) from error
    return cast(Callable[..., Any], factory)


def _options_of(factory: Callable[..., Any]) -> str:
    """What a person may say to a device of hilt's own."""
    names = [name for name in inspect.signature(factory).parameters if name not in _GIVEN]
    return f"it takes {', '.join(names)}" if names else "it takes no options"


def _problems(operator: object) -> list[str]:
    """What keeps an object from being an `Operator`, in words."""
    problems = []
    for method, arguments in _METHODS.items():
        function = getattr(operator, method, None)
        if not callable(function):
            problems.append(f"it has no method {method}({', '.join(arguments)})")
            continue
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            problems.append(f"{method} must take ({', '.join(arguments)})")
    interactive = getattr(operator, "interactive", None)
    if callable(interactive):
        problems.append("interactive is a method: make it a property or an attribute, True or False")
    elif not isinstance(interactive, bool):
        problems.append(f"interactive is {interactive!r}: it must be True or False (a person is attached)")
    return problems
