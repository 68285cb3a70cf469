"""What a real arm is told to do, kept as the simulator keeps it, so that one `Controller` moves both."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hilt.envs.panda.reach import within_reach
from hilt.envs.panda.real.frames import Pose
from hilt.envs.panda.robot import Panda
from hilt.envs.physics import GRIPPER, POSITION, ROTATION, Array


@dataclass(slots=True)
class Target:
    """Pose and opening that are wanted, and where the tool is: `ctrl` and `userdata` as in `Physics`."""

    ctrl: Array = field(default_factory=lambda: np.zeros(8))
    userdata: Array = field(default_factory=lambda: np.zeros(4))
    tool: Pose = field(default_factory=lambda: (np.zeros(3), np.zeros(4)))

    @property
    def pose(self) -> Pose:
        """Where the tool is to go."""
        return self.ctrl[POSITION].copy(), self.ctrl[ROTATION].copy()

    @pose.setter
    def pose(self, pose: Pose) -> None:
        self.ctrl[POSITION], self.ctrl[ROTATION] = pose

    @property
    def opening(self) -> float:
        """That the fingers are to have, m."""
        return float(self.ctrl[GRIPPER])

    def rest(self, tool: Pose) -> None:
        """The tool is to stay where it is."""
        self.tool = self.pose = tool
        self.userdata[:] = tool[1]

    def open(self) -> None:
        """The fingers are to be wide open."""
        self.ctrl[GRIPPER] = Panda.max_opening


class MeasuredTool:
    """The tool of a `Target`, as `Controller` asks for it."""

    max_opening = Panda.max_opening

    def tcp_pos(self, data: Target) -> Array:
        return data.tool[0]

    def tcp_quat(self, data: Target) -> Array:
        return data.tool[1]

    def within_reach(self, pos: Array, quat: Array) -> Array:
        return within_reach(pos, quat)
