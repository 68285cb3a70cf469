"""Actions: what a command of the policy or the operator does to the controller's target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.physics import GRIPPER, POSITION, ROTATION, Array

ActionMode = Literal["ee_delta_pos", "ee_delta_pose"]

CLOSE, STAY, OPEN = 0.0, 1.0, 2.0
"""The gripper's command; proportional in between."""

GRIPPER_STEP = 0.04
"""Change of the wanted opening by one full close or open command, m."""

MAX_LEAD = 0.04
"""How far the target may run ahead of the tool, m: bounds the force against an obstacle."""

MAX_ROTATION_LEAD = 0.4
"""The same for the orientation, rad."""

MAX_TILT = np.pi / 2
"""How far the target's orientation may be from a tool that points straight down, rad."""

DOWN = np.array((0.0, 1.0, 0.0, 0.0))
"""The tool pointing straight down."""


@dataclass(frozen=True)
class ActionScale:
    """What an action of 1 means, and where it may lead.

    `position` [m] per axis, `rotation` [rad]; `low` and `high` bound the target position [m].
    """

    position: Array
    rotation: float
    low: Array
    high: Array


class Tool(Protocol):
    """Where the tool is: a simulated one in its `Physics`, a real one as measured. And what it can do."""

    @property
    def max_opening(self) -> float:
        """Of the gripper, m."""
        ...

    def tcp_pos(self, data: Any) -> Array:
        """`[..., 3]` m."""
        ...

    def tcp_quat(self, data: Any) -> Array:
        """`[..., 4]`."""
        ...

    def within_reach(self, pos: Array, quat: Array) -> Array:
        """The orientation nearest to `quat` `[..., 4]` that the tool can have at `pos` `[..., 3]` m."""
        ...


class Targets(Protocol):
    """Where the target stands: `ctrl` and `userdata` of `Physics`."""

    ctrl: Array
    userdata: Array


class Controller:
    """Moves the target of an impedance controller: that in a simulated arm's MJCF, or a real arm's.

    Actions `[..., A]`: dx, dy, dz; with `ee_delta_pose` rotations about the world's x, y, z; with a gripper
    its command (0 closes, 1 stays, 2 opens).
    """

    def __init__(self, tool: Tool, mode: ActionMode, use_gripper: bool, scale: ActionScale) -> None:
        self.scale = scale
        self.rotates = mode == "ee_delta_pose"
        self.use_gripper = use_gripper
        self._tool = tool
        motion = 6 if self.rotates else 3
        self.space = spaces.Box(
            np.array([-1.0] * motion + [CLOSE] * use_gripper, np.float32),
            np.array([1.0] * motion + [OPEN] * use_gripper, np.float32),
        )

    @property
    def names(self) -> list[str]:
        """What the numbers of an action are."""
        turns = ["delta_rx", "delta_ry", "delta_rz"] if self.rotates else []
        return ["delta_x", "delta_y", "delta_z", *turns, *(["gripper"] if self.use_gripper else [])]

    def checked(self, action: NDArray[np.float32], leading: tuple[int, ...] = ()) -> Array:
        """The action, clipped to its space. Raises ValueError for a wrong shape or a number not finite."""
        values: Array = np.asarray(action, np.float64)
        expected = (*leading, *self.space.shape)
        if values.shape != expected:
            raise ValueError(f"action of shape {values.shape}: this environment takes {expected}")
        if not np.isfinite(values).all():
            raise ValueError(f"action {values.tolist()}: every number must be finite")
        return np.asarray(np.minimum(np.maximum(values, self.space.low), self.space.high))

    def gripper_command(self, action: Array) -> Array:
        """`[...]`, 0 closes, 1 stays, 2 opens."""
        return np.asarray(action[..., -1] if self.use_gripper else np.full(action.shape[:-1], STAY))

    def way(self, action: NDArray[np.float32]) -> Array:
        """How far `action` [..., A] moves the target, `[..., 3]` m, where nothing bounds it."""
        values = np.asarray(action[..., :3], np.float64)
        bounded = np.clip(values, self.space.low[:3], self.space.high[:3])
        return np.asarray(bounded * self.scale.position)

    def reverses_gripper(self, data: Targets, action: Array) -> NDArray[np.bool_]:
        """`[...]`: closes a gripper that was told to be open, or opens one that was told to be closed."""
        command = self.gripper_command(action)
        opening = data.ctrl[..., GRIPPER] / self._tool.max_opening
        closes = (command < 0.5) & (opening > 0.51)
        opens = (command > 1.5) & (opening < 0.49)
        return np.asarray(closes | opens)

    def apply(self, data: Targets, action: Array) -> None:
        """Writes the new target into `ctrl`; `action` as `checked` returned it."""
        self._move(data, action)
        if self.rotates:
            self._rotate(data, action)
        data.ctrl[..., ROTATION] = self._tool.within_reach(data.ctrl[..., POSITION], data.userdata)
        if self.use_gripper:
            opening = data.ctrl[..., GRIPPER] + (action[..., -1] - STAY) * GRIPPER_STEP
            data.ctrl[..., GRIPPER] = np.minimum(np.maximum(opening, 0.0), self._tool.max_opening)

    def _move(self, data: Targets, action: Array) -> None:
        target = data.ctrl[..., POSITION] + action[..., :3] * self.scale.position
        tcp_pos = self._tool.tcp_pos(data)
        target = np.minimum(np.maximum(target, tcp_pos - MAX_LEAD), tcp_pos + MAX_LEAD)
        data.ctrl[..., POSITION] = np.minimum(np.maximum(target, self.scale.low), self.scale.high)

    def _rotate(self, data: Targets, action: Array) -> None:
        turn = rotations.from_rotation_vector(action[..., 3:6] * self.scale.rotation)
        wanted = rotations.multiply(turn, data.userdata)
        wanted = rotations.limit_angle(wanted, self._tool.tcp_quat(data), MAX_ROTATION_LEAD)
        data.userdata[:] = rotations.limit_angle(wanted, DOWN, MAX_TILT)
