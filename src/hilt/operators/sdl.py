"""Pads through SDL (`pygame`, the extra `[gamepad]`): which are there, and what they do."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Any

from hilt.operators.base import OperatorUnavailableError


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

    def axes(self) -> list[float]:
        """Where the axes are now, each in [-1, 1]."""
        return [self._joystick.get_axis(index) for index in range(self._joystick.get_numaxes())]

    def buttons(self) -> list[bool]:
        """Which buttons are held now."""
        return [bool(self._joystick.get_button(index)) for index in range(self._joystick.get_numbuttons())]

    def database_entry(self) -> dict[str, str] | None:
        """What SDL's database knows of this pad: standard name -> axis or button."""
        controller = importlib.import_module("pygame._sdl2.controller")
        controller.init()
        if not controller.is_controller(0):
            return None
        return dict(controller.Controller(0).get_mapping())

    def events(self) -> list[PadEvent]:
        """What happened since the last time, in its order. Never waits."""
        if not self.find():
            return []
        pygame = self._pygame
        mine = self._joystick.get_instance_id()
        events = [_pad_event(pygame, event) for event in pygame.event.get() if _belongs(event, mine)]
        found = [event for event in events if event is not None]
        if any(event.kind == "gone" for event in found):
            self._joystick = None
        return found

    def close(self) -> None:
        self._joystick = None
        self._pygame.joystick.quit()


def _belongs(event: Any, instance: int) -> bool:
    return getattr(event, "instance_id", None) == instance


def _pad_event(pygame: Any, event: Any) -> PadEvent | None:
    if event.type == pygame.JOYAXISMOTION:
        return PadEvent("axis", event.axis, event.value)
    if event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
        return PadEvent("button", event.button, float(event.type == pygame.JOYBUTTONDOWN))
    if event.type == pygame.JOYDEVICEREMOVED:
        return PadEvent("gone")
    return None
