"""PlaceInBin: pick a cube, carry it over the rim of a bin and let go of it inside."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.carrying import CarryingExpert
from hilt.envs.control import Controller
from hilt.envs.physics import Array, Physics, body_pose
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import POSE, Flags, Task, TaskExpert, Variation, distance

HALF = 0.02
"""Half the cube's edge, m."""

INNER, WALL, RIM = 0.055, 0.004, 0.06
"""Half the inner edge of the bin, half the thickness of its walls, the height of its rim, m."""

FIXED_CUBE, FIXED_BIN = np.array((0.36, -0.1)), np.array((0.48, 0.1))
CUBE_LOW, CUBE_HIGH = np.array((0.28, -0.2)), np.array((0.42, 0.2))
BIN_LOW, BIN_HIGH = np.array((0.44, -0.15)), np.array((0.52, 0.15))
APART = 0.15
"""Between the middles of cube and bin at least: an open finger fits between, m."""

MAX_YAW = np.pi / 4


def _bin() -> str:
    """A floor and four walls, moved by mocap."""
    middle, outer = INNER + WALL, INNER + 2 * WALL
    walls = "".join(
        f'<geom class="object" type="box" pos="{x} {y} {RIM / 2}" size="{a} {b} {RIM / 2}" rgba="{colour}"/>'
        for x, y, a, b, colour in (
            (middle, 0, WALL, outer, "0.30 0.44 0.34 1"),
            (-middle, 0, WALL, outer, "0.30 0.44 0.34 1"),
            (0, middle, INNER, WALL, "0.36 0.52 0.40 1"),
            (0, -middle, INNER, WALL, "0.36 0.52 0.40 1"),
        )
    )
    return f"""<body name="bin" mocap="true" pos="{FIXED_BIN[0]} {FIXED_BIN[1]} 0">
      <geom class="object" type="box" pos="0 0 0.002" size="{INNER} {INNER} 0.002" rgba="0.18 0.28 0.21 1"/>
      {walls}
    </body>"""


class PlaceInBin(Task):
    """Success: the cube is in the bin, below its rim, and no finger touches it."""

    time_limit_s = 15.0

    @classmethod
    def scene(cls) -> str:
        return f"""<mujoco>
          <worldbody>
            {_bin()}
            <body name="cube" pos="{FIXED_CUBE[0]} {FIXED_CUBE[1]} {HALF}">
              <freejoint name="cube"/>
              <geom class="object" type="box" size="{HALF} {HALF} {HALF}" mass="0.1" rgba="0.85 0.16 0.12 1"/>
            </body>
          </worldbody>
          <sensor>
            <contact name="left_holds_cube" body1="left_finger" body2="cube"/>
            <contact name="right_holds_cube" body1="right_finger" body2="cube"/>
          </sensor>
        </mujoco>"""

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        model = robot.model
        self._cube, self._bin = model.body("cube").id, model.body("bin").id
        self._qpos, self._mocap = model.joint("cube").qposadr[0], model.body("bin").mocapid[0]
        self._touch = [model.sensor(f"{side}_holds_cube").adr[0] for side in ("left", "right")]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        cube_xy, bin_xy, yaws = FIXED_CUBE, FIXED_BIN, np.zeros(2)
        if self.variation.randomize:
            cube_xy, bin_xy = _apart(rng)
            yaws = rng.uniform(-MAX_YAW, MAX_YAW, 2) * self.variation.turned
        halves = [(np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)) for yaw in yaws]
        data.qpos[self._qpos : self._qpos + 7] = (*cube_xy, HALF, *halves[0])
        data.mocap_pos[self._mocap] = (*bin_xy, 0.0)
        data.mocap_quat[self._mocap] = halves[1]

    def cube_pos(self, data: Physics) -> Array:
        """`[..., 3]` m."""
        return data.xpos[..., self._cube, :]

    def cube_yaw(self, data: Physics) -> Array:
        """`[...]` rad."""
        return rotations.yaw(data.xquat[..., self._cube, :])

    def bin_pos(self, data: Physics) -> Array:
        """Middle of its floor, `[..., 3]` m."""
        return data.xpos[..., self._bin, :]

    def is_touched(self, data: Physics) -> Flags:
        """`[..., 2]`: the left finger touches the cube, the right one does."""
        return np.asarray(data.sensordata[..., self._touch] > 0)

    def is_in_bin(self, data: Physics) -> Flags:
        """`[...]`: the middle of the cube is between the walls and below the rim."""
        offset = self.cube_pos(data) - self.bin_pos(data)
        yaw = rotations.yaw(data.xquat[..., self._bin, :])
        cos, sin = np.cos(yaw), np.sin(yaw)
        along = np.abs(cos * offset[..., 0] + sin * offset[..., 1])
        across = np.abs(cos * offset[..., 1] - sin * offset[..., 0])
        return np.asarray((np.maximum(along, across) < INNER) & (offset[..., 2] < RIM))

    def environment_state(self, data: Physics) -> Array:
        """Poses of the cube and the bin, `[..., 14]`."""
        return np.concatenate((body_pose(data, self._cube), body_pose(data, self._bin)), axis=-1)

    @property
    def environment_names(self) -> list[str]:
        return [f"{name}.{part}" for name in ("cube", "bin") for part in POSE]

    def is_success(self, data: Physics) -> Flags:
        return np.asarray(self.is_in_bin(data) & ~self.is_touched(data).any(axis=-1))

    def is_lost(self, data: Physics) -> Flags:
        return self.is_away(self.cube_pos(data))

    def dense_reward(self, data: Physics) -> Array:
        """0.2 for being near the cube, 0.2 for holding it, 0.5 for bringing it over or into the bin."""
        cube = self.cube_pos(data)
        near = 1.0 - np.tanh(5.0 * distance(self.robot.tcp_pos(data), cube))
        held = self.is_touched(data).all(axis=-1)
        way = distance(cube[..., :2], self.bin_pos(data)[..., :2])
        brought = (1.0 - np.tanh(5.0 * way)) * np.clip((cube[..., 2] - HALF) / (RIM - HALF), 0.0, 1.0)
        inside_bin = self.is_in_bin(data)
        return np.asarray(np.where(inside_bin, 0.9, 0.2 * near + held * (0.2 + 0.5 * brought)))

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return PlaceInBinExpert(self, data, controller)


class PlaceInBinExpert(CarryingExpert):
    """Takes the cube, carries it over the rim, and lets go above the floor of the bin."""

    task: PlaceInBin
    cruise, clear = 0.14, 0.075
    drop = RIM + HALF + 0.012
    """Height of the cube over the middle of the bin at which it is let go, m."""

    def action(self) -> NDArray[np.float32]:
        cube, tcp = self.task.cube_pos(self.data), self.robot.tcp_pos(self.data)
        goal = self.task.bin_pos(self.data) + np.array((0.0, 0.0, self.drop))
        aside = float(distance(cube[:2], goal[:2]))
        held = self.task.is_touched(self.data).all() and distance(cube, tcp) < 0.02
        if self.task.is_in_bin(self.data) or (aside < self.placed and cube[2] > RIM):
            return self.retreat()
        if held:
            return self._over_the_rim(cube, goal)
        return self.fetch(cube, float(self.task.cube_yaw(self.data)))

    def in_danger(self) -> bool:
        cube = self.task.cube_pos(self.data)
        near_edge = self.task.is_near_edge(cube, 0.03)
        aloft = cube[2] > HALF + 0.015 and not self.task.is_in_bin(self.data)
        return bool(near_edge or (aloft and not self.task.is_touched(self.data).all()))

    def _over_the_rim(self, cube: Array, goal: Array) -> NDArray[np.float32]:
        """Up where the cube is, as long as it is lower than the rim, then across."""
        aside = float(distance(cube[:2], goal[:2]))
        if cube[2] < RIM + HALF + 0.005:
            too_near = aside < INNER + 2 * WALL + 1.5 * HALF
            goal = np.array((*(cube[:2] if too_near else cube[:2] + 0.3 * (goal - cube)[:2]), goal[2]))
        return self.carry(cube, goal)


def _apart(rng: np.random.Generator) -> tuple[Array, Array]:
    """Random places of cube and bin, `[2]` m each, not too near to each other."""
    while True:
        cube, box = rng.uniform(CUBE_LOW, CUBE_HIGH), rng.uniform(BIN_LOW, BIN_HIGH)
        if distance(cube, box) >= APART:
            return cube, box
