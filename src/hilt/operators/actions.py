"""Seven fractions that every device speaks in, and the action of the environment that they mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.base import OperatorUnavailableError

X, Y, Z, ROLL, PITCH, YAW, GRIPPER = range(7)
"""Axes of a motion: `[7]`, each in [-1, 1]. x forward, y left, z up, rotations about them; the gripper
closes at -1, stays at 0, opens at 1."""

Motion = NDArray[np.float64]

_AXES_OF_DIMENSION = {
    1: (X,),
    2: (X, Y),
    3: (X, Y, Z),
    4: (X, Y, Z, GRIPPER),
    6: (X, Y, Z, ROLL, PITCH, YAW),
    7: (X, Y, Z, ROLL, PITCH, YAW, GRIPPER),
}


def zero_motion() -> Motion:
    """`[7]`: no motion, the gripper as it is."""
    return np.zeros(7)


class ActionMap:
    """Actions `[A]` with bounds `low`, `high` for motions `[7]`: 0 is the middle of a bound, ±1 its ends.

    Raises:
        OperatorUnavailableError: a person has no way to steer actions of this size or without bounds.
    """

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        self._low, self._high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        size = self._low.size
        if size not in _AXES_OF_DIMENSION:
            sizes = ", ".join(str(known) for known in _AXES_OF_DIMENSION)
            raise OperatorUnavailableError(
                f"actions of {size} numbers cannot be steered by hand: {sizes} can; name an operator class "
                "of your own, as --operator=package.module:Class"
            )
        if not np.isfinite([self._low, self._high]).all():
            raise OperatorUnavailableError(
                "actions without bounds cannot be steered by hand: bound their Box"
            )
        self.axes = list(_AXES_OF_DIMENSION[size])

    @property
    def has_rotation(self) -> bool:
        return ROLL in self.axes

    @property
    def has_gripper(self) -> bool:
        return GRIPPER in self.axes

    def __call__(self, motion: Motion) -> NDArray[np.float32]:
        """The action `[A]`, environment units, for `motion` `[7]`."""
        fraction = np.clip(motion[self.axes], -1.0, 1.0)
        middle, half = (self._low + self._high) / 2, (self._high - self._low) / 2
        action: NDArray[Any] = middle + fraction * half
        return action.astype(np.float32)
