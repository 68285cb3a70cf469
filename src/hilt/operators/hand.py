"""A hand in space, and the actions that make the gripper follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from hilt.operators.actions import ROLL, YAW, Motion, X, Z, zero_motion
from hilt.operators.rotation import IDENTITY, Vector, from_vector, inverse, multiply, to_vector

FASTEST_HAND = 3.0
"""[m/s]; a controller that seems to move faster has lost its tracking."""
FASTEST_TURN = 20.0
"""[rad/s]"""
_SHORTEST_INTERVAL_S = 1 / 120


@dataclass(frozen=True, slots=True)
class HandPose:
    """Where the hand is, in the robot's axes: x forward, y left, z up."""

    position: Vector
    """`[3]` [m]"""
    orientation: Vector
    """`[4]` unit quaternion (w, x, y, z)"""
    time_s: float
    """Of the device's own clock; only differences count."""

    def could_reach(self, other: HandPose) -> bool:
        """A hand could have moved from here to `other` in the time between."""
        interval = max(other.time_s - self.time_s, _SHORTEST_INTERVAL_S)
        distance = np.linalg.norm(other.position - self.position)
        angle = np.linalg.norm(to_vector(multiply(other.orientation, inverse(self.orientation))))
        return bool(distance <= FASTEST_HAND * interval and angle <= FASTEST_TURN * interval)


@dataclass(slots=True)
class HandTracker:
    """Turns the motion of a hand, while its clutch is held, into motions of at most one step each.

    What one control step cannot execute is carried to the next, so that the commands add up to what the hand
    did since the clutch was squeezed: `position_scale` times its way, `rotation_scale` times its turn.

    Args:
        step_sizes: way of the gripper at full deflection, along x, y, z [m].
        rotation_step: turn at full deflection [rad].
    """

    step_sizes: ArrayLike = (0.025, 0.025, 0.025)
    rotation_step: float = 0.1
    position_scale: float = 1.0
    rotation_scale: float = 1.0
    refused: int = field(default=0, init=False)
    """Jumps that no hand could make, and that were therefore ignored."""
    _last: HandPose | None = None
    _owed_way: Vector = field(default_factory=lambda: np.zeros(3))
    _owed_turn: Vector = field(default_factory=IDENTITY.copy)

    def release(self) -> None:
        """The clutch is open: forget the anchor and everything that is still owed."""
        self._last = None
        self._owed_way, self._owed_turn = np.zeros(3), IDENTITY.copy()

    def follow(self, poses: Sequence[HandPose | None]) -> None:
        """Account for `poses` in their order; None is an open clutch, the next pose a new anchor."""
        for pose in poses:
            if pose is None:
                self.release()
            elif self._last is not None:
                self._account(self._last, pose)
            self._last = pose

    def _account(self, before: HandPose, now: HandPose) -> None:
        if not before.could_reach(now):
            self.refused += 1
            return
        self._owed_way = self._owed_way + self.position_scale * (now.position - before.position)
        turn = to_vector(multiply(now.orientation, inverse(before.orientation)))
        self._owed_turn = multiply(from_vector(self.rotation_scale * turn), self._owed_turn)

    def motion(self, rotates: bool = True) -> Motion:
        """The motion `[7]` of this control step; the gripper's part is 0."""
        motion = zero_motion()
        way = _at_most_one(self._owed_way / np.asarray(self.step_sizes))
        motion[X : Z + 1] = way
        self._owed_way = self._owed_way - way * np.asarray(self.step_sizes)
        if rotates:
            turn = _at_most_one(to_vector(self._owed_turn) / self.rotation_step)
            motion[ROLL : YAW + 1] = turn
            self._owed_turn = multiply(self._owed_turn, inverse(from_vector(turn * self.rotation_step)))
        return motion


def _at_most_one(fractions: Vector) -> Vector:
    """The same direction, no component beyond [-1, 1]."""
    return fractions / max(1.0, float(np.abs(fractions).max()))
