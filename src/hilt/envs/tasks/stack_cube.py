"""StackCube: put the red cube onto the blue one and let go of it."""

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
"""Half a cube's edge, m."""

ASIDE, GAP = 0.015, 0.004
"""How far from the middle of the other the upper cube may be, and from resting on it, m."""

STILL = 0.02
"""Below this speed it rests, m/s."""

FIXED = np.array(((0.36, -0.1), (0.46, 0.1)))
SPAWN_LOW, SPAWN_HIGH, APART = np.array((0.3, -0.18)), np.array((0.5, 0.18)), 0.1
MAX_YAW = np.pi / 4
NAMES, COLOURS = ("cube", "base"), ("0.85 0.16 0.12 1", "0.15 0.35 0.75 1")
ON_TOP = np.array((0.0, 0.0, 2 * HALF))


class StackCube(Task):
    """Success: the red cube lies on the blue one, at rest, and no finger touches it."""

    time_limit_s = 15.0

    @classmethod
    def scene(cls) -> str:
        cubes = "".join(
            f"""<body name="{name}" pos="{xy[0]} {xy[1]} {HALF}">
              <freejoint name="{name}"/>
              <geom class="object" type="box" size="{HALF} {HALF} {HALF}" mass="0.1" rgba="{colour}"/>
            </body>"""
            for name, xy, colour in zip(NAMES, FIXED, COLOURS, strict=True)
        )
        touches = "".join(
            f'<contact name="{side}_holds_cube" body1="{side}_finger" body2="cube"/>'
            for side in ("left", "right")
        )
        return f"<mujoco><worldbody>{cubes}</worldbody><sensor>{touches}</sensor></mujoco>"

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        model = robot.model
        self._cube, self._base = (model.body(name).id for name in NAMES)
        self._qpos = [model.joint(name).qposadr[0] for name in NAMES]
        self._velocity = model.joint("cube").dofadr[0] + np.arange(3)
        self._touch = [model.sensor(f"{side}_holds_cube").adr[0] for side in ("left", "right")]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        places, yaws = FIXED, np.zeros(2)
        if self.variation.randomize:
            places = _apart(rng)
            yaws = rng.uniform(-MAX_YAW, MAX_YAW, 2) * self.variation.turned
        for address, xy, yaw in zip(self._qpos, places, yaws, strict=True):
            data.qpos[address : address + 7] = (*xy, HALF, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))

    def cube_pos(self, data: Physics) -> Array:
        """`[..., 3]` m."""
        return data.xpos[..., self._cube, :]

    def cube_yaw(self, data: Physics) -> Array:
        """`[...]` rad."""
        return rotations.yaw(data.xquat[..., self._cube, :])

    def goal_pos(self, data: Physics) -> Array:
        """Where the red cube belongs, `[..., 3]` m."""
        return np.asarray(data.xpos[..., self._base, :] + ON_TOP)

    def is_touched(self, data: Physics) -> Flags:
        """`[..., 2]`: the left finger touches the red cube, the right one does."""
        return np.asarray(data.sensordata[..., self._touch] > 0)

    def is_on_top(self, data: Physics) -> Flags:
        """`[...]`: the red cube lies on the blue one, in the hand or not."""
        offset = self.cube_pos(data) - self.goal_pos(data)
        return np.asarray(
            (np.hypot(offset[..., 0], offset[..., 1]) <= ASIDE) & (np.abs(offset[..., 2]) <= GAP)
        )

    def environment_state(self, data: Physics) -> Array:
        """Poses of the red and the blue cube, `[..., 14]`."""
        return np.concatenate((body_pose(data, self._cube), body_pose(data, self._base)), axis=-1)

    @property
    def environment_names(self) -> list[str]:
        return [f"{name}.{part}" for name in NAMES for part in POSE]

    def is_success(self, data: Physics) -> Flags:
        speed = np.sqrt((data.qvel[..., self._velocity] ** 2).sum(axis=-1))
        return np.asarray(self.is_on_top(data) & ~self.is_touched(data).any(axis=-1) & (speed < STILL))

    def is_lost(self, data: Physics) -> Flags:
        return np.asarray(self.is_away(self.cube_pos(data)) | self.is_away(data.xpos[..., self._base, :]))

    def dense_reward(self, data: Physics) -> Array:
        """0.2 for being near the red cube, 0.2 for holding it, 0.5 for bringing it to its place, where 0.1 is
        for letting go."""
        cube = self.cube_pos(data)
        near = 1.0 - np.tanh(5.0 * distance(self.robot.tcp_pos(data), cube))
        touched, on_top = self.is_touched(data), self.is_on_top(data)
        advanced = on_top | touched.all(axis=-1)
        brought = 1.0 - np.tanh(5.0 * distance(cube, self.goal_pos(data)))
        freed = on_top & ~touched.any(axis=-1)
        return np.asarray(np.where(on_top, 0.2, 0.2 * near) + advanced * (0.2 + 0.5 * brought) + 0.1 * freed)

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return StackCubeExpert(self, data, controller)


class StackCubeExpert(CarryingExpert):
    """Takes the red cube, carries it over the blue one, puts it down, lets go and withdraws."""

    task: StackCube
    placed = 0.006

    def action(self) -> NDArray[np.float32]:
        cube, goal = self.task.cube_pos(self.data), self.task.goal_pos(self.data)
        tcp = self.robot.tcp_pos(self.data)
        offset = cube - goal
        if self.task.is_on_top(self.data) and (
            np.hypot(*offset[:2]) < self.placed or self.robot.is_open(self.data)
        ):
            return self.retreat()
        if self.task.is_touched(self.data).all() and distance(cube, tcp) < 0.02:
            return self.carry(cube, goal - np.array((0.0, 0.0, 0.002)))
        return self.fetch(cube, float(self.task.cube_yaw(self.data)))

    def in_danger(self) -> bool:
        cube = self.task.cube_pos(self.data)
        near_edge = self.task.is_near_edge(cube, 0.03)
        aloft = cube[2] > HALF + 0.015 and not self.task.is_on_top(self.data)
        return bool(near_edge or (aloft and not self.task.is_touched(self.data).all()))


def _apart(rng: np.random.Generator) -> Array:
    """Random places of the two cubes, `[2, 2]` m, an open finger between them."""
    while True:
        places = rng.uniform(SPAWN_LOW, SPAWN_HIGH, (2, 2))
        if distance(places[0], places[1]) >= APART:
            return places
