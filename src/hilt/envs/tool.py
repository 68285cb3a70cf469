"""The robot's part of a scene: which bodies it has, and what its tool does."""

from __future__ import annotations

import mujoco
import numpy as np

from hilt.data.scene import RobotBodies, ToolState, Triple
from hilt.envs.physics import GRIPPER, POSITION, ROTATION, Array
from hilt.envs.robot import FINGERS, Robot
from hilt.envs.scene import held_body, surface_below

_TIP = 1e-4
"""How far below the fingertips the search for a surface begins, m."""


class ToolObserver:
    """Reads what the tool of a simulated arm does.

    Args:
        workspace: low and high corner of the box that the tool stays in, m.
    """

    def __init__(self, robot: Robot, workspace: tuple[Array, Array]) -> None:
        self._robot, self._model = robot, robot.model
        left, right = (self._model.body(name).id for name in FINGERS)
        self._wrist = self._model.site("wrist").id
        hand = int(self._model.body_parentid[left])
        links = _ancestors(self._model, hand)
        self.robot = RobotBodies(links, hand, (left, right), *(_corner(corner) for corner in workspace))

    def state(self, data: mujoco.MjData, force: Array | None) -> ToolState:
        """What the tool does now; `force` [3] N is what it exerts, in the wrist's own frame."""
        held = held_body(self._model, data, self.robot.fingers)
        tip = self._robot.tcp_pos(data)
        below = tip - np.array((0.0, 0.0, _TIP))
        turn = data.site_xmat[self._wrist].reshape(3, 3)
        return ToolState(
            pose=np.concatenate((tip, self._robot.tcp_quat(data))),
            target=np.concatenate((data.ctrl[POSITION], data.ctrl[ROTATION])),
            opening=float(self._robot.opening(data)[0]),
            target_opening=float(data.ctrl[GRIPPER]),
            holds=held is not None,
            below=surface_below(self._model, data, below, -1 if held is None else held),
            force=None if force is None else -(turn @ force),
        )


def _ancestors(model: mujoco.MjModel, body: int) -> tuple[int, ...]:
    """The bodies that `body` hangs from, the base first; the world is none."""
    parent = int(model.body_parentid[body])
    return (*_ancestors(model, parent), parent) if parent else ()


def _corner(corner: Array) -> Triple:
    x, y, z = map(float, corner)
    return x, y, z
