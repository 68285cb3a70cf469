"""PickCube: grasp a cube of 4 cm and lift it by 10 cm."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.control import CLOSE, OPEN, STAY, Controller
from hilt.envs.physics import Array, Physics, body_pose
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import POSE, Flags, Task, TaskExpert, Variation, distance, square_to

HALF = 0.02
"""Half the cube's edge, m."""

LIFT = 0.10
"""How far the cube has to be lifted, m."""

FIXED_XY = (0.5, 0.0)
SPAWN_LOW, SPAWN_HIGH = (0.3, -0.15), (0.5, 0.15)
MAX_YAW = np.pi / 4


class PickCube(Task):
    """Success: the cube is held between both fingers and has been lifted by 10 cm."""

    @classmethod
    def scene(cls) -> str:
        return f"""<mujoco>
          <worldbody>
            <body name="cube" pos="{FIXED_XY[0]} {FIXED_XY[1]} {HALF}">
              <freejoint name="cube"/>
              <geom name="cube" class="object" type="box" size="{HALF} {HALF} {HALF}" mass="0.1"
                rgba="0.85 0.16 0.12 1"/>
            </body>
          </worldbody>
          <sensor>
            <contact name="left_holds_cube" body1="left_finger" body2="cube"/>
            <contact name="right_holds_cube" body1="right_finger" body2="cube"/>
          </sensor>
        </mujoco>"""

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        self._cube = robot.model.body("cube").id
        self._qpos = robot.model.joint("cube").qposadr[0]
        self._touch = [robot.model.sensor(f"{side}_holds_cube").adr[0] for side in ("left", "right")]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        xy = rng.uniform(SPAWN_LOW, SPAWN_HIGH) if self.variation.randomize else FIXED_XY
        angle = rng.uniform(-MAX_YAW, MAX_YAW) if self.variation.randomize and self.variation.turned else 0.0
        pose = (*xy, HALF, np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2))
        data.qpos[self._qpos : self._qpos + 7] = pose

    def cube_pos(self, data: Physics) -> Array:
        """`[..., 3]` m."""
        return data.xpos[..., self._cube, :]

    def cube_quat(self, data: Physics) -> Array:
        return data.xquat[..., self._cube, :]

    def is_held(self, data: Physics) -> Flags:
        """`[...]`: both fingers touch the cube."""
        return np.asarray((data.sensordata[..., self._touch] > 0).all(axis=-1))

    def environment_state(self, data: Physics) -> Array:
        return body_pose(data, self._cube)

    @property
    def environment_names(self) -> list[str]:
        return [f"cube.{part}" for part in POSE]

    def is_success(self, data: Physics) -> Flags:
        return np.asarray(self.is_held(data) & (self.cube_pos(data)[..., 2] >= HALF + LIFT))

    def is_lost(self, data: Physics) -> Flags:
        return self.is_away(self.cube_pos(data))

    def dense_reward(self, data: Physics) -> Array:
        """0.2 for being near the cube, 0.2 for holding it, 0.6 for lifting it."""
        near = 1.0 - np.tanh(5.0 * distance(self.robot.tcp_pos(data), self.cube_pos(data)))
        held = self.is_held(data)
        lifted = np.clip((self.cube_pos(data)[..., 2] - HALF) / LIFT, 0.0, 1.0)
        return np.asarray(0.2 * near + 0.2 * held + 0.6 * held * lifted)

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return PickCubeExpert(self, data, controller)


class PickCubeExpert(TaskExpert):
    """Descends onto the cube while aligning with it, closes the fingers, lifts."""

    task: PickCube

    def action(self) -> NDArray[np.float32]:
        cube, tcp = self.task.cube_pos(self.data), self.robot.tcp_pos(self.data)
        aside = float(np.hypot(*(cube - tcp)[:2]))
        grasps = aside < 0.012 and abs(tcp[2] - cube[2]) < 0.012
        if bool(self.task.is_held(self.data)) and grasps:
            return self.steer(np.array((*tcp[:2], HALF + LIFT + 0.04)), self._aligned(), CLOSE)
        if grasps:
            return self.steer(cube, self._aligned(), CLOSE)
        opens = STAY if self.robot.is_open(self.data) else OPEN
        above = np.clip(5.0 * (aside - 0.01), 0.0, 0.07)
        return self.steer(cube + np.array((0.0, 0.0, above)), self._aligned(), opens)

    def in_danger(self) -> bool:
        cube = self.task.cube_pos(self.data)
        near_edge = self.task.is_near_edge(cube, 0.04)
        dropped = cube[2] > HALF + 0.015 and not self.task.is_held(self.data)
        return bool(near_edge or dropped)

    def _aligned(self) -> Array:
        return square_to(float(rotations.yaw(self.task.cube_quat(self.data))))
