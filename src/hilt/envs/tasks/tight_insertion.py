"""TightInsertion: PegInsertion with 0.2 mm on every side, a peg that leans in the hand, and parts that break.

The edges catch before the peg is upright; leaning on it, the arm would press with 200 N. What is reached is
decided by how the force is met: it is in the state, and above `BREAKING` the parts are lost.
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs.control import Controller
from hilt.envs.physics import POSITION, Array, Physics
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import Flags, TaskExpert, Variation
from hilt.envs.tasks.peg_insertion import DEPTH, PegInsertion, PegInsertionExpert, peg_and_hole

CLEARANCE = 0.0002
"""Between peg and hole, per side, m."""

GRASP_TILT = np.radians(6.0)
"""How far the peg leans in the hand at most, about the axis on which the fingers close, rad."""

BREAKING = 100.0
"""Force between peg and block, at the end of a control step, that breaks them, N."""

BRAKING, GENTLE = 0.03, 0.006
"""Height above the rim from which the expert is careful, and how far ahead they then aim, m."""

STICTION = 3.0
"""How much further aside they aim where the peg rests on the rim."""


class TightInsertion(PegInsertion):
    """Success: the tip of the peg is at the bottom of the hole."""

    timestep = 0.001
    grasp_tilt = GRASP_TILT

    @classmethod
    def scene(cls) -> str:
        """Contacts give by less than 0.1 mm."""
        parts = peg_and_hole(CLEARANCE, 'solref="0.002 1" solimp="0.98 0.999 0.0002"')
        force = '<contact name="force" body1="hole" body2="peg" data="force" reduce="netforce"/>'
        return parts.replace("</mujoco>", f"<sensor>{force}</sensor></mujoco>")

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        self._force = robot.model.sensor("force").adr[0] + np.arange(3)

    def force(self, data: Physics) -> Array:
        """Between peg and block, in the world's axes, `[..., 3]` N."""
        return data.sensordata[..., self._force]

    def environment_state(self, data: Physics) -> Array:
        """That of PegInsertion, then the force; `[..., 13]`."""
        return np.concatenate((super().environment_state(data), self.force(data)), axis=-1)

    @property
    def environment_names(self) -> list[str]:
        return super().environment_names + [f"force.{axis}" for axis in "xyz"]

    def is_lost(self, data: Physics) -> Flags:
        """As in PegInsertion, or broken."""
        return np.asarray(super().is_lost(data) | (self._strain(data) > 1.0))

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return TightInsertionExpert(self, data, controller)

    def _strain(self, data: Physics) -> Array:
        """The force as a share of the breaking one, `[...]`."""
        return np.asarray(np.sqrt((self.force(data) ** 2).sum(axis=-1)) / BREAKING)


class TightInsertionExpert(PegInsertionExpert):
    """Comes down gently, presses less, also aside, and moves further aside on the rim, against friction."""

    task: TightInsertion
    press = 0.005

    def action(self) -> NDArray[np.float32]:
        action = super().action()
        if self.task.tip(self.data)[2] < DEPTH + 0.002:
            lead = (self.data.ctrl[POSITION] - self.robot.tcp_pos(self.data))[:2]
            scale = self.controller.scale.position[:2]
            most, least = (self.press - lead) / scale, (-self.press - lead) / scale
            action[:2] = np.clip(np.clip(action[:2], least, most), -1.0, 1.0)
        return action

    def _way_above(self, tip: Array) -> Array:
        way = super()._way_above(tip)
        if tip[2] < DEPTH + BRAKING:
            way[2] = max(way[2], -GENTLE)
        if tip[2] < DEPTH + 0.001:
            way[:2] *= STICTION
        return way
