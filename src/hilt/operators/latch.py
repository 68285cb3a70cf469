"""What a device does between two control steps, kept so that nothing short is lost and nothing old counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilt.operators.actions import Motion, zero_motion
from hilt.operators.base import Event

_URGENCY = [Event.QUIT, Event.RERECORD, Event.FAILURE, Event.SUCCESS]


@dataclass(frozen=True, slots=True)
class Grip:
    """One control step of a device: the motion `[7]`, whether the person has control, what they declared."""

    motion: Motion
    in_control: bool
    event: Event | None


class Latch:
    """The state of sticks and keys, and what was pressed since it was last read.

    An axis counts at a step while it is held, and for one step if it was pressed and released between two
    steps; so do the clutch and the events. A control that was taken by `toggle` ends with the episode, one
    that is held ends when it is let go.
    """

    def __init__(self) -> None:
        self._held, self._tapped = zero_motion(), zero_motion()
        self._clutch = self._clutch_tapped = self._toggled = False
        self._events: set[Event] = set()

    @property
    def in_control(self) -> bool:
        """The person holds the controls, or has asked for them since the last step."""
        return self._clutch or self._clutch_tapped or self._toggled

    def hold(self, motion: Motion, clutch: bool) -> bool:
        """The device is now so: axes `[7]`, and the clutch held or not. True if that is a change."""
        changed = clutch != self._clutch or not np.array_equal(motion, self._held)
        pressed = (self._held == 0) & (motion != 0)
        self._tapped = np.where(pressed, motion, self._tapped)
        self._held = motion
        self._clutch_tapped |= clutch and not self._clutch
        self._clutch = clutch
        return changed

    def toggle(self) -> None:
        """Take control, or give it back."""
        self._toggled = not self._toggled

    def declare(self, event: Event) -> None:
        self._events.add(event)

    def let_go(self) -> None:
        """Every key, stick and the clutch are released, and nothing is pending."""
        self.hold(zero_motion(), clutch=False)
        self.reset()

    def reset(self) -> None:
        """Presses made before now count for nothing; what is held stays held."""
        self._tapped, self._clutch_tapped, self._toggled = zero_motion(), False, False
        self._events.clear()

    def read(self) -> Grip:
        """This control step; what was tapped is used up. Of several events the gravest counts."""
        motion = np.where(self._held != 0, self._held, self._tapped)
        event = next((event for event in _URGENCY if event in self._events), None)
        grip = Grip(motion, self.in_control, event)
        self._tapped, self._clutch_tapped = zero_motion(), False
        self._events.clear()
        return grip
