"""The robot: its model with a task's scene around it, and where its quantities lie in MuJoCo's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any, Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HOME = (0.0, 0.195, 0.0, -2.43, 0.0, 2.62, 0.785)
"""Home joint positions, rad."""

MAX_OPENING = 0.08
"""Distance between the fingers of the open gripper, m."""

POSITION = slice(0, 3)
ROTATION = slice(3, 7)
GRIPPER = 7
"""Where in `ctrl` the target stands: tool position [m], tool quaternion and gripper opening [m]."""


class Physics(Protocol):
    """State and derived quantities: an `MjData` (`[...]` is nothing) or a `mujoco.batch.Batch` (N).

    Code that indexes from the right (`qpos[..., i]`) serves one simulation and many alike.
    `userdata` is the tool's commanded quaternion; the one in `ctrl` is the nearest that the arm can hold.
    """

    qpos: Array
    qvel: Array
    ctrl: Array
    userdata: Array
    mocap_pos: Array
    mocap_quat: Array
    history: Array
    sensordata: Array
    xpos: Array
    xquat: Array
    site_xpos: Array
    site_xquat: Array


WRENCH_SENSORS = ("wrist_force", *(f"joint{i}_torque" for i in range(1, 8)))
"""Force at the wrist [N], torque at each joint [N m]: three numbers each."""


def wrench_sensors(samples: int) -> str:
    """MJCF of the force-torque sensors; each remembers its last `samples` physics steps."""
    torques = "".join(
        f'<torque name="joint{i}_torque" site="joint{i}" nsample="{samples}"/>' for i in range(1, 8)
    )
    force = f'<force name="wrist_force" site="wrist" nsample="{samples}"/>'
    return f"<mujoco><sensor>{force}{torques}</sensor></mujoco>"


def load_model(scene: str, timestep: float, wrench_samples: int = 0) -> mujoco.MjModel:
    """The Panda at its table with the `scene` of a task (an MJCF `<mujoco>` element).

    `timestep` [s] is one physics step; `wrench_samples` > 0 adds force-torque sensors with that much history.
    """
    files = {
        name: resources.files(__package__).joinpath(name).read_bytes() for name in ("panda.xml", "table.xml")
    }
    files["task.xml"] = scene.encode()
    if wrench_samples:
        files["wrench.xml"] = wrench_sensors(wrench_samples).encode()
    includes = "".join(f'<include file="{name}"/>' for name in files)
    model = mujoco.MjModel.from_xml_string(f'<mujoco model="hilt">{includes}</mujoco>', files)
    model.opt.timestep = timestep
    return model


def state_names(force_torque: bool) -> list[str]:
    """What the numbers of `agent_pos` are."""
    joints = [f"joint_{number}" for number in range(1, 8)]
    names = [f"{joint}.pos" for joint in joints] + [f"{joint}.vel" for joint in joints]
    names += ["gripper.opening", *(f"tcp.{axis}" for axis in "xyz")]
    if force_torque:
        names += [f"wrist.force_{axis}" for axis in "xyz"]
        names += [f"{joint}.torque_{axis}" for joint in joints for axis in "xyz"]
    return names


class Panda:
    """Reads the robot's quantities out of `Physics`, and puts the robot into a pose."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self.model = model
        self._tcp = model.site("tcp").id
        self._joints = np.array([model.joint(f"joint{i}").qposadr[0] for i in range(1, 8)])
        self._dofs = np.array([model.joint(f"joint{i}").dofadr[0] for i in range(1, 8)])
        self._fingers = np.array([model.joint(f"{side}_finger").qposadr[0] for side in ("left", "right")])

    def joint_pos(self, data: Physics) -> Array:
        """`[..., 7]` rad."""
        return data.qpos[..., self._joints]

    def joint_vel(self, data: Physics) -> Array:
        """`[..., 7]` rad/s."""
        return data.qvel[..., self._dofs]

    def opening(self, data: Physics) -> Array:
        """Measured distance between the fingers, `[..., 1]` m."""
        return np.asarray(data.qpos[..., self._fingers].sum(axis=-1, keepdims=True))

    def tcp_pos(self, data: Physics) -> Array:
        """Point between the fingertips, `[..., 3]` m."""
        return data.site_xpos[..., self._tcp, :]

    def tcp_quat(self, data: Physics) -> Array:
        """Orientation of the tool, `[..., 4]`."""
        return data.site_xquat[..., self._tcp, :]

    def place(
        self, data: mujoco.MjData, joints: Sequence[float] = HOME, opening: float = MAX_OPENING
    ) -> None:
        """Puts the robot at rest at `joints` [rad], and the controller's target where its tool then is."""
        data.qpos[self._joints] = joints
        data.qpos[self._fingers] = opening / 2
        mujoco.mj_kinematics(self.model, data)
        data.ctrl[POSITION] = self.tcp_pos(data)
        data.ctrl[ROTATION] = self.tcp_quat(data)
        data.ctrl[GRIPPER] = opening
        data.userdata[:] = data.ctrl[ROTATION]

    def wrench_slots(self) -> list[tuple[int, int]]:
        """Per force-torque sensor: where its samples begin in `history`, and how many there are."""
        sensors = [self.model.sensor(name).id for name in WRENCH_SENSORS]
        samples = [int(self.model.sensor_history[i, 0]) for i in sensors]
        # A history buffer is: two words of bookkeeping, n times, n samples.
        return [
            (int(self.model.sensor_historyadr[i]) + 2 + n, n) for i, n in zip(sensors, samples, strict=True)
        ]


def body_pose(data: Physics, body: int) -> Array:
    """Position [m] and quaternion (w >= 0) of a body, `[..., 7]`."""
    quat: Any = data.xquat[..., body, :]
    return np.concatenate((data.xpos[..., body, :], np.where(quat[..., :1] < 0, -quat, quat)), axis=-1)
