"""`browser` and `quest`: a person at the page, with keys, a pad, fingers, or a headset's controller."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.actions import ActionMap
from hilt.operators.base import NOTHING, Command, Expert
from hilt.operators.controls import Controls, Phase
from hilt.operators.hand import HandTracker


class HasControls(Protocol):
    """A seat, as far as this operator needs one."""

    @property
    def controls(self) -> Controls: ...


class BrowserOperator:
    """The operator at a page of `seat`.

    Args:
        seat: serves the pages.
        fps: control steps per second [Hz].
        action_low, action_high: bounds `[A]` of the actions.
        seed: a person has none; taken because every operator is given one.
        sole: there is no policy to share with: the driver is in control throughout.
        hand: arguments of `hilt.operators.hand.HandTracker`, for a hand in space.
    """

    def __init__(
        self,
        seat: HasControls,
        *,
        fps: float,
        action_low: ArrayLike,
        action_high: ArrayLike,
        seed: int = 0,
        sole: bool = False,
        **hand: Any,
    ) -> None:
        self._driven = sole
        self._controls = seat.controls
        self._sole = sole
        self._actions = ActionMap(action_low, action_high)
        self._tracker = HandTracker(**hand)
        self._controls.drives, self._controls.sole = True, sole
        self._controls.has_rotation = self._actions.has_rotation
        self._controls.has_gripper = self._actions.has_gripper

    @property
    def interactive(self) -> bool:
        """A person drives from a page."""
        return self._driven

    def reset(self, expert: Expert | None) -> None:
        """A new episode begins; presses made before now count for nothing."""
        self._controls.reset()
        self._tracker.release()

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """What the driver did since the last control step; nothing when nobody drives. Never waits."""
        reading = self._controls.read()
        self._tracker.follow(reading.hands)
        self._driven = self._sole or reading.phase is not Phase.FREE
        if reading.phase is Phase.FREE:
            self._tracker.release()
            return NOTHING if reading.event is None else Command(event=reading.event)
        motion = reading.motion + self._tracker.motion(self._actions.has_rotation)
        return Command(self._actions(motion), reading.event)

    def close(self) -> None:
        """The seat closes itself."""
