"""What the operators of local devices share: poll the device, read the latch, answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.actions import ActionMap
from hilt.operators.base import Command, Expert
from hilt.operators.latch import Latch


class DeviceOperator:
    """A person at a device of this machine.

    Args:
        fps: control steps per second [Hz].
        action_low, action_high: bounds `[A]` of the actions.
        sole: there is no policy to share with: the person is in control throughout.
    """

    def __init__(
        self, *, fps: float, action_low: ArrayLike, action_high: ArrayLike, sole: bool = False
    ) -> None:
        self._fps = fps
        self._actions = ActionMap(action_low, action_high)
        self._sole = sole
        self._latch = Latch()

    @property
    def interactive(self) -> bool:
        """A person is attached."""
        return True

    def reset(self, expert: Expert | None) -> None:
        """A new episode begins; presses made before now count for nothing."""
        self._poll()
        self._latch.reset()

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """What the person did since the last control step. Never waits."""
        self._poll()
        grip = self._latch.read()
        in_control = grip.in_control or self._sole
        return Command(self._actions(grip.motion) if in_control else None, grip.event)

    def close(self) -> None:
        """Let go of the device."""

    def _poll(self) -> None:
        """Tell the latch what the device did since the last time."""
        raise NotImplementedError
