"""`gamepad`: a person with a pad at this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.actions import GRIPPER, PITCH, ROLL, YAW, Motion, X, Y, Z, zero_motion
from hilt.operators.base import Command, Event, OperatorUnavailableError
from hilt.operators.controls import HOLD_STILL_S
from hilt.operators.device import DeviceOperator
from hilt.operators.pad_mapping import STANDARD, Axis, PadMapping, load_mappings, mapping_path
from hilt.operators.sdl import PadEvent, SdlPad

LEGEND = (
    ("RB, held", "take over"),
    ("left stick", "forward, left, back, right (with LB: turn about y and x)"),
    ("right stick", "up, down, turn about z"),
    ("LT, RT", "close, open the gripper"),
    ("Y, A, X", "success, failure, record again"),
)
_EVENTS = {"success": Event.SUCCESS, "failure": Event.FAILURE, "rerecord": Event.RERECORD}


class GamepadOperator(DeviceOperator):
    """Holds the controls while the shoulder button is held. A pad may come and go at any time.

    Args:
        wait_for_pad: go on without a pad, and take the first that appears.
        mappings: JSON file of mappings by the pad's name; `hilt gamepad` writes it.
        clock: [s]
        fps, action_low, action_high, sole: as `DeviceOperator`. `seed` is taken because every operator is
            given one.

    Raises:
        OperatorUnavailableError: pygame or a pad is missing, or the pad is of an unknown kind.
    """

    def __init__(
        self,
        *,
        fps: float,
        action_low: ArrayLike,
        action_high: ArrayLike,
        seed: int = 0,
        sole: bool = False,
        wait_for_pad: bool = False,
        mappings: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(fps=fps, action_low=action_low, action_high=action_high, sole=sole)
        self._mappings = load_mappings(mappings or mapping_path())
        self._clock = clock
        self._still_until: float | None = None
        self._pad = SdlPad()
        self._state: PadState | None = None
        self._unknown: str | None = None
        if not wait_for_pad and self._pad.name is None:
            raise OperatorUnavailableError(
                "no gamepad is attached: plug one in (hilt gamepad shows what arrives), plug it into the "
                "computer of a browser and use --operator=browser, or go on with --operator=none"
            )
        self._greet()
        if not wait_for_pad and self._state is None:
            raise OperatorUnavailableError(
                f"the pad {self._pad.name!r} is of an unknown kind: run hilt gamepad once to teach its axes"
            )

    @property
    def interactive(self) -> bool:
        """A pad is attached."""
        return self._state is not None

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """What the pad did since the last control step. A pad that vanished holds still for a second."""
        command = super().command(policy_action)
        if self._still_until is None:
            return command
        if self._clock() >= self._still_until:
            self._still_until = None
        return Command(self._actions(zero_motion()))

    def close(self) -> None:
        """Let go of the pad."""
        self._pad.close()

    def _greet(self) -> None:
        """Find the mapping of a pad that is new, and ask it where its sticks are, if there is one."""
        name = self._pad.name
        if self._state is not None or name is None or name == self._unknown:
            return
        mapping = self._mappings.get(name)
        if mapping is None and self._pad.use_standard_layout():
            mapping = STANDARD
        if mapping is None:
            self._unknown = name
        else:
            self._state = PadState(mapping, self._pad.axes(), self._pad.buttons())

    def _poll(self) -> None:
        if self._pad.find():
            self._greet()
        events = self._pad.events()
        if any(event.kind == "gone" for event in events):
            # SDL lets go of every button of a pad that vanishes, as if the person had done it.
            self._lose()
        for event in events:
            if self._state is not None:
                self._take(self._state, event)

    def _lose(self) -> None:
        if self._latch.in_control:
            self._still_until = self._clock() + HOLD_STILL_S
        self._latch.let_go()
        self._state = None

    def _take(self, state: PadState, event: PadEvent) -> None:
        declared = state.change(event)
        self._latch.hold(state.motion(self._actions.has_rotation), state.pressed("take_over"))
        if declared is not None:
            self._latch.declare(declared)


class PadState:
    """Axes and buttons of one pad, and what they mean by its mapping."""

    def __init__(self, mapping: PadMapping, axes: list[float], buttons: list[bool]) -> None:
        self._mapping = mapping
        self._axes = dict(enumerate(axes))
        self._buttons = dict(enumerate(buttons))

    def change(self, event: PadEvent) -> Event | None:
        """Take `event` in; returns what a button that was pressed just now declares."""
        if event.kind == "axis":
            self._axes[event.index] = event.value
            return None
        self._buttons[event.index] = bool(event.value)
        names = [name for name, index in self._mapping.buttons.items() if index == event.index]
        return next((_EVENTS[name] for name in names if name in _EVENTS and event.value), None)

    def pressed(self, name: str) -> bool:
        return self._buttons.get(self._mapping.buttons.get(name, -1), False)

    def motion(self, rotates: bool) -> Motion:
        """The motion `[7]` that the sticks and triggers ask for."""
        motion = zero_motion()
        forward, left = self._stick("x"), self._stick("y")
        tilts = rotates and self.pressed("tilt")
        motion[PITCH if tilts else X] = forward
        motion[ROLL if tilts else Y] = -left if tilts else left
        motion[Z], motion[YAW] = self._stick("z"), self._stick("yaw")
        motion[GRIPPER] = self._pull(self._mapping.open) - self._pull(self._mapping.close)
        return motion

    def _stick(self, name: str) -> float:
        axis = self._mapping.sticks.get(name)
        return 0.0 if axis is None else axis.value(self._axes.get(axis.index, 0.0), self._mapping.dead_zone)

    def _pull(self, control: Axis | int) -> float:
        if isinstance(control, int):
            return float(self._buttons.get(control, False))
        return max(0.0, control.value(self._axes.get(control.index, control.rest), self._mapping.dead_zone))
