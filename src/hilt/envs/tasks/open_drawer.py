"""OpenDrawer: take the handle of a drawer and pull it open by 10 cm."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.carrying import CarryingExpert
from hilt.envs.control import CLOSE, Controller
from hilt.envs.physics import Array, Physics
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import Flags, Task, TaskExpert, Variation, distance, square_to

DEPTH, WIDTH, HEIGHT = 0.08, 0.09, 0.04
"""Half the edges of the cabinet, m."""

PANEL = 0.004
"""Half the thickness of its panels and of the drawer's, m."""

BAR, REACH, GRASP = np.array((0.006, 0.006, 0.03)), 0.045, 0.05
"""Half the edges of the handle, a bar upright before the front; how far before it, and how high, m."""

TRAVEL, OPENED = 0.13, 0.10
"""How far the drawer can come out, and how far it has to, m."""

PLACE, RANGE, MAX_YAW = np.array((0.6, 0.0)), np.array((0.025, 0.12)), np.pi / 8


def _scene() -> str:
    """A cabinet without a front, moved by mocap, and in it a drawer on a slide."""
    inner_width, inner_height = WIDTH - 3 * PANEL, HEIGHT - 3 * PANEL
    panels = "".join(
        f'<geom class="panel" pos="{x} {y} {z}" size="{a} {b} {c}"/>'
        for x, y, z, a, b, c in (
            (0, WIDTH - PANEL, HEIGHT, DEPTH, PANEL, HEIGHT),
            (0, PANEL - WIDTH, HEIGHT, DEPTH, PANEL, HEIGHT),
            (0, 0, 2 * HEIGHT - PANEL, DEPTH, WIDTH, PANEL),
            (DEPTH - PANEL, 0, HEIGHT, PANEL, WIDTH, HEIGHT),
        )
    )
    drawer = "".join(
        f'<geom class="drawer" pos="{x} {y} {z}" size="{a} {b} {c}"/>'
        for x, y, z, a, b, c in (
            (PANEL - DEPTH, 0, HEIGHT, PANEL, inner_width, inner_height),
            (-0.01, 0, 4 * PANEL, DEPTH - 0.02, inner_width, PANEL),
            (-0.01, inner_width - PANEL, HEIGHT - 0.01, DEPTH - 0.02, PANEL, inner_height - 0.015),
            (-0.01, PANEL - inner_width, HEIGHT - 0.01, DEPTH - 0.02, PANEL, inner_height - 0.015),
        )
    )
    bar = " ".join(map(str, BAR))
    stub = REACH / 2
    return f"""<mujoco>
      <default>
        <default class="panel">
          <geom type="box" group="2" contype="1" conaffinity="2" rgba="0.45 0.33 0.24 1"/>
          <default class="drawer"><geom mass="0.1" rgba="0.78 0.66 0.48 1"/></default>
        </default>
      </default>
      <worldbody>
        <body name="cabinet" mocap="true" pos="{PLACE[0]} {PLACE[1]} 0">
          {panels}
          <body name="drawer">
            <joint name="drawer" type="slide" axis="-1 0 0" range="0 {TRAVEL}" damping="8" frictionloss="1"/>
            {drawer}
            <body name="handle" pos="{-DEPTH - REACH} 0 {GRASP}">
              <geom name="handle" class="object" type="box" size="{bar}" mass="0.02" rgba="0.16 0.30 0.62 1"/>
              <geom class="drawer" pos="{stub} 0 0.01" size="{stub} 0.004 0.004" mass="0.01"/>
              <geom class="drawer" pos="{stub} 0 -0.024" size="{stub} 0.004 0.004" mass="0.01"/>
            </body>
          </body>
        </body>
      </worldbody>
      <sensor>
        <contact name="left_holds_handle" geom1="left_pad" geom2="handle"/>
        <contact name="right_holds_handle" geom1="right_pad" geom2="handle"/>
      </sensor>
    </mujoco>"""


class OpenDrawer(Task):
    """Success: the drawer has come out by 10 cm."""

    @classmethod
    def scene(cls) -> str:
        return _scene()

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        model = robot.model
        self._handle, self._mocap = model.body("handle").id, model.body("cabinet").mocapid[0]
        self._qpos = model.joint("drawer").qposadr[0]
        self._touch = [model.sensor(f"{side}_holds_handle").adr[0] for side in ("left", "right")]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        xy, yaw = PLACE, 0.0
        if self.variation.randomize:
            xy = PLACE + rng.uniform(-RANGE, RANGE)
            yaw = float(rng.uniform(-MAX_YAW, MAX_YAW)) * self.variation.turned
        data.mocap_pos[self._mocap] = (*xy, 0.0)
        data.mocap_quat[self._mocap] = (np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))

    def handle_pos(self, data: Physics) -> Array:
        """`[..., 3]` m."""
        return data.xpos[..., self._handle, :]

    def yaw(self, data: Physics) -> Array:
        """Of the cabinet, `[...]` rad."""
        return rotations.yaw(data.xquat[..., self._handle, :])

    def opening(self, data: Physics) -> Array:
        """How far the drawer has come out, `[...]` m."""
        return np.asarray(data.qpos[..., self._qpos])

    def is_held(self, data: Physics) -> Flags:
        """`[...]`: both fingers touch the handle."""
        return np.asarray((data.sensordata[..., self._touch] > 0).all(axis=-1))

    def environment_state(self, data: Physics) -> Array:
        """Handle: position [m], yaw [rad]; opening [m]; `[..., 5]`."""
        rest = np.stack((self.yaw(data), self.opening(data)), axis=-1)
        return np.concatenate((self.handle_pos(data), rest), axis=-1)

    @property
    def environment_names(self) -> list[str]:
        return [f"handle.{axis}" for axis in "xyz"] + ["handle.yaw", "drawer.opening"]

    def is_success(self, data: Physics) -> Flags:
        return np.asarray(self.opening(data) >= OPENED)

    def is_lost(self, data: Physics) -> Flags:
        """Never: nothing here can fall or leave."""
        return np.zeros(self.opening(data).shape, np.bool_)

    def dense_reward(self, data: Physics) -> Array:
        """0.2 for being near the handle, 0.2 for holding it, 0.6 for how far the drawer is open."""
        near = 1.0 - np.tanh(5.0 * distance(self.robot.tcp_pos(data), self.handle_pos(data)))
        opened = np.clip(self.opening(data) / OPENED, 0.0, 1.0)
        return np.asarray(0.2 * near + 0.2 * self.is_held(data) + 0.6 * opened)

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return OpenDrawerExpert(self, data, controller)


class OpenDrawerExpert(CarryingExpert):
    """Takes the handle from above and pulls."""

    task: OpenDrawer
    cruise, clear = 0.14, 0.11

    def action(self) -> NDArray[np.float32]:
        handle, yaw = self.task.handle_pos(self.data), float(self.task.yaw(self.data))
        if self.task.is_held(self.data):
            outwards = np.array((-np.cos(yaw), -np.sin(yaw), 0.0))
            return self.steer(handle + 0.04 * outwards, square_to(yaw), CLOSE)
        return self.fetch(handle, yaw)

    def in_danger(self) -> bool:
        """The tool is beside the handle, lower than it: it would push the drawer, or miss it."""
        tcp, handle = self.robot.tcp_pos(self.data), self.task.handle_pos(self.data)
        return bool(distance(tcp[:2], handle[:2]) > 0.04 and tcp[2] < handle[2] - 0.02)
