"""`Robot`: what an arm is to the simulation, to the tasks and to their experts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import resources
from typing import ClassVar

import mujoco
import numpy as np

from hilt.envs.control import ActionMode, ActionScale, Controller
from hilt.envs.physics import CONTROLS, GRIPPER, POSITION, ROTATION, Array, Physics
from hilt.envs.wrench import wrench_names, wrench_sensors

FINGERS = ("left_finger", "right_finger")
OPEN = 0.875
"""From this share of the greatest opening on, a gripper counts as open."""


class Robot(ABC):
    """An arm with a parallel gripper, bound to the model that its MJCF is part of.

    A subclass says what stands here without a value, and gives its MJCF. In it are, by these names:

    * the bodies of the arm, all with `gravcomp="1"`, from a base at the origin; the table's top is z = 0;
    * the hinges that `joints` names, and in the body of each a site of the same name;
    * the bodies `left_finger` and `right_finger`, each with a slide of its name, from 0 where the fingers
      meet to half of `max_opening`, and a geom `left_pad` or `right_pad`, which holds things;
    * the site `tcp` between the fingertips, z along the tool and y the way of the fingers, the site `wrist`,
      where forces are measured, and the camera `wrist`;
    * actuators that take the pose of `tcp` that is wanted and the opening of the gripper, as `physics.py`
      lays out `ctrl`: an impedance controller.

    What touches things has `contype="2" conaffinity="1"`. `panda/panda.xml` is an example.

    Raises:
        ValueError: the MJCF lacks one of them.
    """

    name: ClassVar[str]
    """In the metadata of what is recorded with it."""

    joints: ClassVar[tuple[str, ...]]
    """From the base on; J in the shapes of arrays."""

    home: ClassVar[tuple[float, ...]]
    """Joint positions at the beginning of an episode, rad [J]: the tool straight down, over the table."""

    max_opening: ClassVar[float]
    """Distance between the fingers of the open gripper, m."""

    workspace: ClassVar[tuple[tuple[float, float, float], tuple[float, float, float]]]
    """Low and high corner of the box that the tool stays in, m."""

    @classmethod
    @abstractmethod
    def mjcf(cls) -> str:
        """The arm as an MJCF `<mujoco>` element."""

    @classmethod
    def assets(cls) -> dict[str, bytes]:
        """Name -> contents of the files that the MJCF refers to, such as meshes."""
        return {}

    @classmethod
    def state_names(cls, force_torque: bool) -> list[str]:
        """What the numbers of `agent_pos` are."""
        joints = [f"joint_{number}" for number in range(1, len(cls.joints) + 1)]
        names = [f"{joint}.pos" for joint in joints] + [f"{joint}.vel" for joint in joints]
        names += ["gripper.opening", *(f"tcp.{axis}" for axis in "xyz")]
        return names + wrench_names(joints) * force_torque

    def __init__(self, model: mujoco.MjModel) -> None:
        self.model = model
        self._require(len(self.home) == len(self.joints), f"home has {len(self.home)} joint positions")
        controls = mujoco.MjData(model).ctrl.shape[0]
        self._require(controls == CONTROLS, f"its actuators take {controls} numbers, not {CONTROLS}")
        try:
            self._tcp = model.site("tcp").id
            self._joints = np.array([model.joint(name).qposadr[0] for name in self.joints])
            self._dofs = np.array([model.joint(name).dofadr[0] for name in self.joints])
            self._fingers = np.array([model.joint(name).qposadr[0] for name in FINGERS])
        except KeyError as error:
            raise ValueError(f"{type(self).__name__}: its MJCF lacks a part: {error.args[0]}") from error

    def joint_pos(self, data: Physics) -> Array:
        """`[..., J]` rad."""
        return data.qpos[..., self._joints]

    def joint_vel(self, data: Physics) -> Array:
        """`[..., J]` rad/s."""
        return data.qvel[..., self._dofs]

    def opening(self, data: Physics) -> Array:
        """Measured distance between the fingers, `[..., 1]` m."""
        return np.asarray(data.qpos[..., self._fingers].sum(axis=-1, keepdims=True))

    def is_open(self, data: mujoco.MjData) -> bool:
        """The fingers are nearly as far apart as they can be."""
        return float(self.opening(data)[0]) > OPEN * self.max_opening

    def tcp_pos(self, data: Physics) -> Array:
        """Point between the fingertips, `[..., 3]` m."""
        return data.site_xpos[..., self._tcp, :]

    def tcp_quat(self, data: Physics) -> Array:
        """Orientation of the tool, `[..., 4]`."""
        return data.site_xquat[..., self._tcp, :]

    def state(self, data: Physics) -> list[Array]:
        """What the arm knows of itself without forces, in the order of `state_names`; 2 J + 4 numbers."""
        return [self.joint_pos(data), self.joint_vel(data), self.opening(data), self.tcp_pos(data)]

    def within_reach(self, pos: Array, quat: Array) -> Array:
        """`quat` `[..., 4]` where the arm can hold its tool so at `pos` `[..., 3]` m; else the nearest to it.

        It can, everywhere in its workspace, unless a subclass says otherwise.
        """
        return quat

    def controller(self, mode: ActionMode, use_gripper: bool, scale: ActionScale) -> Controller:
        """What makes the target in `ctrl` of an action."""
        return Controller(self, mode, use_gripper, scale)

    def place(
        self, data: mujoco.MjData, joints: Sequence[float] | None = None, opening: float | None = None
    ) -> None:
        """Puts the robot at rest at `joints` [rad], and the controller's target where its tool then is.

        None: at home; wide open [m].
        """
        opening = self.max_opening if opening is None else opening
        data.qpos[self._joints] = self.home if joints is None else joints
        data.qpos[self._fingers] = opening / 2
        mujoco.mj_kinematics(self.model, data)
        data.ctrl[POSITION] = self.tcp_pos(data)
        data.ctrl[ROTATION] = self.tcp_quat(data)
        data.ctrl[GRIPPER] = opening
        data.userdata[:] = data.ctrl[ROTATION]

    def _require(self, condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(f"{type(self).__name__}, an arm of {len(self.joints)} joints: {message}")


def load_model(robot: type[Robot], scene: str, timestep: float, wrench_samples: int = 0) -> mujoco.MjModel:
    """An arm at its table with the `scene` of a task (an MJCF `<mujoco>` element).

    `timestep` [s] is one physics step; `wrench_samples` > 0 adds force-torque sensors with that much history.
    """
    table = resources.files(__package__).joinpath("table.xml").read_text()
    parts = {"robot.xml": robot.mjcf(), "table.xml": table, "task.xml": scene}
    if wrench_samples:
        parts["wrench.xml"] = wrench_sensors(robot.joints, wrench_samples)
    files = robot.assets() | {name: text.encode() for name, text in parts.items()}
    includes = "".join(f'<include file="{name}"/>' for name in parts)
    model = mujoco.MjModel.from_xml_string(f'<mujoco model="hilt">{includes}</mujoco>', files)
    model.opt.timestep = timestep
    return model
