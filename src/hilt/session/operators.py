"""Who may take the controls in a command: the operator that was chosen, and the person at the page."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.build.operators import make_operator
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.operators.base import Command, Event, Operator, OperatorUnavailableError
from hilt.operators.compose import FirstOf
from hilt.operators.device import DeviceOperator
from hilt.operators.gamepad import LEGEND as PAD_LEGEND
from hilt.operators.keymaps import TERMINAL, VIEWER
from hilt.operators.scripted import ScriptedOperator
from hilt.webui import Seat
from hilt.webui.window import ViewerWindow

PAGE_OPERATORS = ("browser", "quest")
ROTATION_STEP = 0.1
"""Turn of the gripper at full deflection [rad]."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Of one process's session.

    Args:
        seed: of a simulated human.
        real_time: keep real time always; otherwise only while a person is at the controls.
        serves: there is a page, if the configuration wants one.
        announced: the link that the configuration's port and token make has been told already.
        has_terminal: keys can be read from standard input.
    """

    seed: int = 0
    real_time: bool = False
    serves: bool = True
    announced: bool = False
    has_terminal: bool = True


DEFAULT_OPTIONS = SessionOptions()


class Role(enum.Enum):
    """What people are to a command."""

    DRIVE = "drive"
    """Nobody else moves the robot."""
    CORRECT = "correct"
    """A policy drives; a person has to watch it."""
    HELP = "help"
    """A policy learns; people may come and go."""
    WATCH = "watch"
    """The controls are nobody's."""


class SessionOperator(FirstOf):
    """Everybody who may be at the controls, as one operator. The page wins over the chosen operator.

    Args:
        chosen: the operator that the configuration names, unless it is the page.
        page: the operator at the page of `seat`.
        real_time: keep real time even while nobody is there.
        needs_page: without a person at the page nobody drives.
    """

    def __init__(
        self,
        chosen: Operator | None = None,
        page: Operator | None = None,
        seat: Seat | None = None,
        *,
        real_time: bool = False,
        needs_page: bool = False,
    ) -> None:
        super().__init__(*(operator for operator in (page, chosen) if operator is not None))
        self._people = [one for one in (page, chosen) if one is page or isinstance(one, DeviceOperator)]
        self._controls = None if seat is None or page is None else seat.controls
        self.is_simulated = isinstance(chosen, ScriptedOperator)
        """A simulated person is there."""
        self._real_time, self.needs_page = real_time, needs_page
        self.in_control = False
        """A person was in control when last asked."""

    @property
    def seated(self) -> bool:
        """A person sits at the page's controls, in control or not."""
        return self._controls is not None and self._controls.seated

    @property
    def has_people(self) -> bool:
        """A person may take control: at the page, or at a device."""
        return any(person is not None for person in self._people)

    @property
    def attended(self) -> bool:
        """A person is at the controls of a device, or of the page."""
        return self.seated or (super().interactive and not self.needs_page)

    @property
    def interactive(self) -> bool:
        """Real time is to be kept."""
        return self._real_time or self.seated or super().interactive

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        command = super().command(policy_action)
        self.in_control = command.action is not None and not self.is_simulated
        return command

    def poll(self, neutral: Any) -> Event | None:
        """Between steps: a lost operator is noticed, and what is pressed moves nothing."""
        commands = [person.command(neutral) for person in self._people if person is not None]
        self.in_control = any(command.action is not None for command in commands)
        return next((command.event for command in commands if command.event is not None), None)


def make_session_operator(
    config: RunConfig,
    env: Environment,
    role: Role,
    options: SessionOptions,
    *,
    tell: Callable[[str], None],
    seat: Seat | None = None,
    window: ViewerWindow | None = None,
) -> SessionOperator:
    """Everybody who may be at the controls in a command. In the role `HELP`, missing ones are done without.

    Raises:
        ConfigError: unknown name or options of an operator.
        OperatorUnavailableError: the chosen device is not there.
    """
    if role is Role.WATCH:
        return SessionOperator(real_time=options.real_time)
    name = config.operator_name
    page = _page(config, env, role, seat, tell)
    try:
        _require(name, env, seat, options.has_terminal or window is not None)
        chosen = None
        if name not in ("none", *PAGE_OPERATORS):
            chosen = make_operator(config, env, seed=options.seed, options=_options(config, role, window))
    except OperatorUnavailableError as error:
        if role is not Role.HELP:
            raise
        chosen = None
        tell(f"{error}; going on with nobody at the controls")
    else:
        _explain(name, chosen, window, tell)
    needs_page = name in PAGE_OPERATORS and role is not Role.HELP
    return SessionOperator(chosen, page, seat, real_time=options.real_time, needs_page=needs_page)


def _page(
    config: RunConfig, env: Environment, role: Role, seat: Seat | None, tell: Callable[[str], None]
) -> Operator | None:
    """The page's operator; None without a page, or for actions that no hand can steer, which is said."""
    if seat is None:
        return None
    is_chosen = config.operator_name in PAGE_OPERATORS
    steps = config.env.processor.inverse_kinematics.end_effector_step_sizes
    options = {
        "seat": seat,
        "sole": is_chosen and role is Role.DRIVE,
        "step_sizes": (steps.x, steps.y, steps.z),
        "rotation_step": ROTATION_STEP,
        **(config.options_of_operator if is_chosen else {}),
    }
    try:
        return make_operator(config, env, seed=0, name="browser", options=options)
    except OperatorUnavailableError as error:
        if is_chosen and role is not Role.HELP:
            raise
        tell(f"the page only shows: {error}")
        return None


def _require(name: str, env: Environment, seat: Seat | None, has_keys: bool) -> None:
    """Raises OperatorUnavailableError when the operator cannot be had in this process."""
    if name in PAGE_OPERATORS and seat is None:
        raise OperatorUnavailableError(
            f"operator {name!r} drives from the page, which is switched off: leave out --no-ui "
            "(ui.enable), or choose another operator"
        )
    if name == "keyboard" and not has_keys:
        raise OperatorUnavailableError(
            "the actor of `hilt train` has no terminal to read keys from: drive from the page, or start "
            "`hilt learner` and `hilt actor` in terminals of their own"
        )
    if name == "scripted" and env.expert is None:
        raise OperatorUnavailableError("this environment has no expert to act for a simulated human")


def _options(config: RunConfig, role: Role, window: ViewerWindow | None) -> dict[str, Any]:
    """Arguments of the chosen operator: those that the role implies, then the user's."""
    alone = role is Role.DRIVE
    implied: dict[str, dict[str, Any]] = {
        "scripted": {"always": True} if alone else {},
        "keyboard": {"sole": alone} | ({"source": window, "keymap": VIEWER} if window is not None else {}),
        "gamepad": {"sole": alone, "wait_for_pad": role is Role.HELP},
    }
    return {**implied.get(config.operator_name, {}), **config.options_of_operator}


def _explain(
    name: str, chosen: Operator | None, window: ViewerWindow | None, tell: Callable[[str], None]
) -> None:
    """How to drive with a local device. The page says so itself."""
    if name == "gamepad" and chosen is not None and not chosen.interactive:
        tell("no gamepad is attached: the first that appears is taken; nobody is at the controls now")
    keyboard = TERMINAL if window is None else VIEWER
    legends = {"gamepad": PAD_LEGEND, "keyboard": keyboard.legend}
    for keys, meaning in legends.get(name, ()):
        tell(f"  {keys:<26} {meaning}")
