"""Pads through SDL (`pygame`, the extra `[gamepad]`): which are there, and what they do."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Any

from hilt.operators.base import OperatorUnavailableError

_STANDARD_AXES, _STANDARD_BUTTONS = 6, 15
_FULL = 32767
"""What SDL reports of an axis at its end."""


@dataclass(frozen=True, slots=True)
class PadEvent:
    """One change of the pad: axis or button number, or its disappearance (`kind` "gone")."""

    kind: str
    index: int = 0
    value: float = 0.0


def load_pygame() -> Any:
    """The module `pygame`, its joysticks initialised without a window or a sound.

    Raises:
        OperatorUnavailableError: pygame is not installed.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    try:
        pygame = importlib.import_module("pygame")
    except ModuleNotFoundError as error:
        raise OperatorUnavailableError(
            "the gamepad operator needs pygame: pip install 'hilt[gamepad]', or plug the pad into the "
            "computer of a browser and use --operator=browser"
        ) from error
    pygame.display.init()
    pygame.joystick.init()
    return pygame


class SdlPad:
    """The first pad that is attached, whenever that happens."""

    def __init__(self) -> None:
        self._pygame = load_pygame()
        self._joystick: Any = None
        self._controller: Any = None
        self._layouts: Any = None
        self.find()

    @property
    def name(self) -> str | None:
        """As the pad calls itself; None while there is no pad."""
        return None if self._joystick is None else str(self._joystick.get_name())

    def find(self) -> bool:
        """Take the first pad, if none is taken. True if there is one."""
        self._pygame.event.pump()
        if self._joystick is None and self._pygame.joystick.get_count():
            self._joystick = self._pygame.joystick.Joystick(0)
            self._pygame.event.clear()  # what an earlier pad of the same number did is no concern of this one
        return self._joystick is not None

    def use_standard_layout(self) -> bool:
        """Number axes and buttons as SDL's database does, if it knows this pad; else as the pad does."""
        # Asking pygame for the database's entry reads freed memory (2.6.1); its events are sound.
        self._layouts = importlib.import_module("pygame._sdl2.controller")
        self._layouts.init()
        if self._layouts.is_controller(0):
            self._controller = self._layouts.Controller(0)
        return self._controller is not None

    def axes(self) -> list[float]:
        """Where the axes are now, each in [-1, 1]."""
        if self._controller is not None:
            return [self._controller.get_axis(index) / _FULL for index in range(_STANDARD_AXES)]
        return [self._joystick.get_axis(index) for index in range(self._joystick.get_numaxes())]

    def buttons(self) -> list[bool]:
        """Which buttons are held now."""
        if self._controller is not None:
            return [bool(self._controller.get_button(index)) for index in range(_STANDARD_BUTTONS)]
        return [bool(self._joystick.get_button(index)) for index in range(self._joystick.get_numbuttons())]

    def events(self) -> list[PadEvent]:
        """What happened since the last time, in its order. Never waits."""
        if not self.find():
            return []
        pygame = self._pygame
        mine = self._joystick.get_instance_id()
        translate = _raw_event if self._controller is None else _standard_event
        events = [translate(pygame, event) for event in pygame.event.get() if _belongs(event, mine)]
        found = [event for event in events if event is not None]
        if any(event.kind == "gone" for event in found):
            self._joystick = self._controller = None
        return found

    def close(self) -> None:
        if self._layouts is not None:
            self._layouts.quit()
        self._joystick = self._controller = None
        self._pygame.joystick.quit()


def _belongs(event: Any, instance: int) -> bool:
    return getattr(event, "instance_id", None) == instance


def _raw_event(pygame: Any, event: Any) -> PadEvent | None:
    if event.type == pygame.JOYAXISMOTION:
        return PadEvent("axis", event.axis, event.value)
    if event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
        return PadEvent("button", event.button, float(event.type == pygame.JOYBUTTONDOWN))
    return PadEvent("gone") if event.type == pygame.JOYDEVICEREMOVED else None


def _standard_event(pygame: Any, event: Any) -> PadEvent | None:
    if event.type == pygame.CONTROLLERAXISMOTION:
        return PadEvent("axis", event.axis, event.value / _FULL)
    if event.type in (pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP):
        return PadEvent("button", event.button, float(event.type == pygame.CONTROLLERBUTTONDOWN))
    return PadEvent("gone") if event.type == pygame.JOYDEVICEREMOVED else None
