"""An expert's hand for tasks in which objects are taken from above, carried and let go."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilt.envs.control import CLOSE, DOWN, OPEN
from hilt.envs.physics import Array
from hilt.envs.tasks.base import TaskExpert, distance, square_to

REACHED = 0.012
"""How near to the middle of an object the tool closes its fingers, m."""


class CarryingExpert(TaskExpert):
    """Motions over things that stand on the table; each is a function of what is there now."""

    cruise: ClassVar[float] = 0.11
    """Height of the tool at which an object in the hand passes over the others, m."""

    clear: ClassVar[float] = 0.075
    """Height from which the open fingers, or an object in them, no longer touch what stands around, m."""

    placed: ClassVar[float] = 0.015
    """How near to its goal an object is let go, m."""

    def retreat(self) -> NDArray[np.float32]:
        """Opens the fingers, then rises."""
        tcp = self.robot.tcp_pos(self.data)
        is_open = self.robot.is_open(self.data)
        return self.steer(np.array((*tcp[:2], self.cruise)) if is_open else tcp, DOWN, OPEN)

    def fetch(self, pos: Array, yaw: float) -> NDArray[np.float32]:
        """Takes hold of what stands at `pos` [3] m, turned by `yaw` rad, from above."""
        tcp = self.robot.tcp_pos(self.data)
        aside = float(distance(pos[:2], tcp[:2]))
        aligned = square_to(yaw)
        if aside < REACHED and abs(tcp[2] - pos[2]) < REACHED:
            return self.steer(pos, aligned, CLOSE)
        if tcp[2] < self.clear and aside > 0.03:
            return self.retreat()
        above = np.clip(5.0 * (aside - 0.01), 0.0, self.cruise - pos[2])
        return self.steer(pos + np.array((0.0, 0.0, above)), aligned, OPEN)

    def carry(self, pos: Array, goal: Array) -> NDArray[np.float32]:
        """Brings what is held at `pos` to `goal`, both [3] m: up, over it, and down."""
        tcp = self.robot.tcp_pos(self.data)
        aside = float(distance(pos[:2], goal[:2]))
        if aside > 2 * self.placed and tcp[2] < self.clear:
            return self.steer(np.array((*tcp[:2], self.cruise)), DOWN, CLOSE)
        above = np.clip(4.0 * (aside - self.placed / 2), 0.0, self.cruise - goal[2])
        shift = goal + np.array((0.0, 0.0, above)) - pos
        return self.steer(tcp + shift, DOWN, CLOSE)
