"""PegInsertion: put a square peg, already in the gripper, into a hole that leaves 1 mm on every side.

The hole is at a random place, and in every episode the peg sits in the hand a few millimetres and
degrees off: where the tool is does not tell where the tip is, so it takes correction to get in.
"""

from __future__ import annotations

from typing import ClassVar

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.control import CLOSE, Controller
from hilt.envs.physics import GRIPPER, POSITION, Array, Physics
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import Flags, Task, TaskExpert, Variation, distance

HALF_WIDTH, HALF_LENGTH = 0.012, 0.037
"""Half the peg's edges, m."""

CLEARANCE = 0.001
"""Between peg and hole, per side, m."""

FLOOR, DEPTH = 0.005, 0.03
"""Height of the hole's bottom above the table, and of its rim above the bottom, m."""

BLOCK = 0.045
"""Half the edge of the block that the hole is in, m."""

SEATED = 0.003
"""The tip counts as being at the bottom within this, m."""

HOLE_XY, HOLE_RANGE, MAX_YAW = np.array((0.45, 0.0)), 0.05, np.pi / 6
GRASP = 0.022
"""How far the peg reaches up between the fingers, m."""

GRASP_SHIFT, GRASP_TILT = 0.003, np.radians(3.0)
"""Largest error of the grasp: along the fingers' faces, m, and about the axis on which they close, rad."""

SETTLING_S = 0.2
DROPPED = 0.025
"""A peg that has slipped this far from its place is no longer in the hand, m."""

CAUGHT = HALF_WIDTH / 2
"""The tip is within the walls when it is below the rim and no further than this aside, m."""

MAX_TILT = np.radians(12.0)
"""A peg that leans more than this is about to fall from the hand, rad."""

JAMMED = np.radians(3.5)
"""The expert slows down when the peg leans more than this inside, and backs out at twice as much, rad."""

FUNNEL, NEAR = 3.0, 0.003
"""The expert's height above the rim per distance to the hole, from this distance on, m."""

DESCENT, PRESS = 0.015, 0.008
"""How far ahead the expert aims when it descends, and how far below the tool when it feels its way, m."""


def peg_and_hole(clearance: float, contact: str) -> str:
    """A block of four walls and a floor, moved by mocap, and the peg, as MJCF.

    `clearance` is on every side [m], `contact` says how hard they are (attributes solref and solimp).
    """
    inner = HALF_WIDTH + clearance
    thick, middle = (BLOCK - inner) / 2, (BLOCK + inner) / 2
    height = FLOOR + DEPTH / 2
    walls = "".join(
        f'<geom class="wall" pos="{x} {y} {height}" size="{a} {b} {DEPTH / 2}"/>'
        for x, y, a, b in (
            (middle, 0, thick, BLOCK),
            (-middle, 0, thick, BLOCK),
            (0, middle, inner, thick),
            (0, -middle, inner, thick),
        )
    )
    return f"""<mujoco>
      <default>
        <default class="fit">
          <geom type="box" group="2" contype="1" conaffinity="3" condim="4" friction="0.15 0.005 0.0001"
            {contact}/>
          <default class="wall"><geom rgba="0.20 0.36 0.62 1"/></default>
          <default class="floor"><geom rgba="0.08 0.14 0.25 1"/></default>
          <default class="peg"><geom mass="0.05" priority="1" rgba="0.95 0.65 0.15 1"/></default>
        </default>
      </default>
      <worldbody>
        <body name="hole" mocap="true" pos="{HOLE_XY[0]} {HOLE_XY[1]} 0">
          <geom class="floor" pos="0 0 {FLOOR / 2}" size="{BLOCK} {BLOCK} {FLOOR / 2}"/>
          {walls}
          <site name="bottom" pos="0 0 {FLOOR}"/>
        </body>
        <body name="peg" pos="{HOLE_XY[0]} {HOLE_XY[1]} 0.2">
          <freejoint name="peg"/>
          <geom class="peg" size="{HALF_WIDTH} {HALF_WIDTH} {HALF_LENGTH}"/>
          <site name="tip" pos="0 0 {-HALF_LENGTH}"/>
          <site name="grasp" pos="0 0 {HALF_LENGTH - GRASP}"/>
        </body>
      </worldbody>
    </mujoco>"""


class PegInsertion(Task):
    """Success: the tip of the peg is at the bottom of the hole."""

    time_limit_s = 10.0
    grasp_tilt: ClassVar[float] = GRASP_TILT

    @classmethod
    def scene(cls) -> str:
        return peg_and_hole(CLEARANCE, 'solref="0.01 1" solimp="0.98 0.999 0.0005"')

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        model = robot.model
        self._tip, self._grasp, self._bottom = (model.site(name).id for name in ("tip", "grasp", "bottom"))
        self._qpos = model.joint("peg").qposadr[0]
        self._hole = model.body("hole").mocapid[0]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        varies = float(self.variation.randomize)
        turns = varies * float(self.variation.turned)
        hole_xy = HOLE_XY + varies * rng.uniform(-HOLE_RANGE, HOLE_RANGE, 2)
        yaw, tilt = (
            turns * rng.uniform(-MAX_YAW, MAX_YAW),
            varies * rng.uniform(-self.grasp_tilt, self.grasp_tilt),
        )
        along, up = varies * rng.uniform(-GRASP_SHIFT, GRASP_SHIFT, 2)
        data.mocap_pos[self._hole] = (*hole_xy, 0.0)
        data.mocap_quat[self._hole] = rotations.from_rotation_vector(np.array((0.0, 0.0, yaw)))
        self.robot.place(data, tuple(self.robot.joint_pos(data)), 2 * HALF_WIDTH)
        peg_quat = rotations.from_rotation_vector(np.array((0.0, tilt, 0.0)))
        below = (GRASP - HALF_LENGTH) * np.array((np.sin(tilt), 0.0, np.cos(tilt)))
        data.qpos[self._qpos : self._qpos + 3] = data.ctrl[POSITION] + (along, 0.0, up) + below
        data.qpos[self._qpos + 3 : self._qpos + 7] = peg_quat
        data.ctrl[GRIPPER] = 0.0
        mujoco.mj_step(self.robot.model, data, round(SETTLING_S / self.robot.model.opt.timestep))

    def tip(self, data: Physics) -> Array:
        """Middle of the peg's lower end from the middle of the hole's bottom, in its frame, `[..., 3]` m."""
        offset = data.site_xpos[..., self._tip, :] - data.site_xpos[..., self._bottom, :]
        return turned(offset, -self.hole_yaw(data))

    def turn(self, data: Physics) -> Array:
        """Rotation vector from the hole's orientation to the peg's, in the hole's frame, `[..., 3]` rad."""
        from_hole = rotations.conjugate(data.site_xquat[..., self._bottom, :])
        return rotations.to_rotation_vector(rotations.multiply(from_hole, data.site_xquat[..., self._tip, :]))

    def hole_yaw(self, data: Physics) -> Array:
        """`[...]` rad."""
        return rotations.yaw(data.site_xquat[..., self._bottom, :])

    def slip(self, data: Physics) -> Array:
        """How far the peg is from where the hand should hold it, `[...]` m."""
        return distance(data.site_xpos[..., self._grasp, :], self.robot.tcp_pos(data))

    def environment_state(self, data: Physics) -> Array:
        """Hole: position [m], yaw [rad]; peg in the hole's frame: `tip` [m], `turn` [rad]; `[..., 10]`."""
        hole = data.site_xpos[..., self._bottom, :]
        return np.concatenate(
            (hole, self.hole_yaw(data)[..., None], self.tip(data), self.turn(data)), axis=-1
        )

    @property
    def environment_names(self) -> list[str]:
        hole = ["hole.x", "hole.y", "hole.z", "hole.yaw"]
        return hole + [f"peg_tip.{axis}" for axis in "xyz"] + [f"peg_turn.{axis}" for axis in "xyz"]

    def is_success(self, data: Physics) -> Flags:
        return np.asarray(self._in_hole(data) & (self.tip(data)[..., 2] <= SEATED))

    def is_lost(self, data: Physics) -> Flags:
        """The peg has left the workspace, or has fallen from the hand without being in the hole."""
        away = self.is_away(data.site_xpos[..., self._grasp, :])
        return np.asarray(away | ((self.slip(data) > DROPPED) & ~self._in_hole(data)))

    def dense_reward(self, data: Physics) -> Array:
        """0.4 for having the tip above the hole, 0.6 for the depth reached inside."""
        tip = self.tip(data)
        aside = np.sqrt((tip[..., :2] ** 2).sum(axis=-1))
        depth = np.clip((DEPTH - tip[..., 2]) / (DEPTH - SEATED), 0.0, 1.0)
        return np.asarray(0.4 * (1.0 - np.tanh(20.0 * aside)) + 0.6 * depth * self._in_hole(data))

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return PegInsertionExpert(self, data, controller)

    def _in_hole(self, data: Physics) -> Flags:
        """`[...]`: the tip is below the rim, within the walls."""
        tip = self.tip(data)
        aside = np.abs(tip[..., :2]).max(axis=-1)
        return np.asarray((aside < CAUGHT) & (tip[..., 2] < DEPTH - 0.001))


class PegInsertionExpert(TaskExpert):
    """Brings the tip over the hole, feels its way in and presses, turning the peg upright where it can.

    The height wanted grows with the distance to the hole, a funnel, so that the action is a smooth function
    of the observation. At the rim, the controller's target stays within `PRESS` of the tool: a light touch,
    under which the peg slides until it finds the hole.
    """

    task: PegInsertion
    press: ClassVar[float] = PRESS

    def action(self) -> NDArray[np.float32]:
        tip, turn = self.task.tip(self.data), self.task.turn(self.data)
        yaw, tcp_quat = self.task.hole_yaw(self.data), self.robot.tcp_quat(self.data)
        way = self._way_inside(tip, turn) if tip[2] < DEPTH - 0.002 else self._way_above(tip)
        upright = rotations.multiply(rotations.from_rotation_vector(turned(-turn, yaw)), tcp_quat)
        action = self.steer(self.robot.tcp_pos(self.data) + turned(way, yaw), upright, CLOSE)
        if tip[2] < DEPTH + 0.002:
            action[2] = max(action[2], self._light_touch())
        return action

    def in_danger(self) -> bool:
        tilt = np.hypot(*self.task.turn(self.data)[:2])
        return bool(self.task.slip(self.data) > DROPPED / 2 or tilt > MAX_TILT)

    def _way_above(self, tip: Array) -> Array:
        """From the tip to the middle of the hole, higher the further aside it is, m."""
        height = DEPTH + np.clip(FUNNEL * (np.hypot(*tip[:2]) - NEAR), -DESCENT, 0.05)
        return np.array((0.0, 0.0, height)) - tip

    def _way_inside(self, tip: Array, turn: Array) -> Array:
        """Down, with the peg's middle over the hole's; up, if the peg jams, m."""
        middle = tip[:2] + HALF_LENGTH * np.array((turn[1], -turn[0]))
        upright = np.clip(2.0 - np.hypot(*turn[:2]) / JAMMED, -0.5, 1.0)
        return np.array((*-middle, -DESCENT * upright))

    def _light_touch(self) -> float:
        """The downward action that brings the controller's target to `PRESS` below the tool."""
        lead = self.data.ctrl[POSITION] - self.robot.tcp_pos(self.data)
        return float(np.clip((-self.press - lead[2]) / self.controller.scale.position[2], -1.0, 1.0))


def turned(vector: Array, angle: Array) -> Array:
    """`vector` `[..., 3]` turned by `angle` `[...]` rad about z."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    return np.stack((cos * x - sin * y, sin * x + cos * y, z), axis=-1)
