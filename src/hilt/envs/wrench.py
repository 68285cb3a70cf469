"""Force and torque: the mean over a control step, from the history that MuJoCo keeps of its sensors."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from hilt.envs.physics import Array, Physics

_FORCE = "wrist_force"


def wrench_names(joints: Sequence[str]) -> list[str]:
    """What the numbers of a reading are: force at the wrist [N], torque at each joint [N m]."""
    names = [f"wrist.force_{axis}" for axis in "xyz"]
    return names + [f"{joint}.torque_{axis}" for joint in joints for axis in "xyz"]


def wrench_sensors(joints: Sequence[str], samples: int) -> str:
    """MJCF of the force-torque sensors; each remembers its last `samples` physics steps.

    They sit at the site `wrist`, and at one of the name of each joint.
    """
    torques = "".join(
        f'<torque name="{_torque(joint)}" site="{joint}" nsample="{samples}"/>' for joint in joints
    )
    force = f'<force name="{_FORCE}" site="wrist" nsample="{samples}"/>'
    return f"<mujoco><sensor>{force}{torques}</sensor></mujoco>"


class WrenchSensor:
    """Wrist force [N], then the torque at each of J joints [N m]: W = 3 + 3 J numbers."""

    def __init__(self, model: mujoco.MjModel, joints: Sequence[str]) -> None:
        sensors = [model.sensor(name).id for name in (_FORCE, *map(_torque, joints))]
        self._current = np.concatenate([model.sensor_adr[i] + np.arange(3) for i in sensors])
        # [W, samples]: where in `history` the samples of each number lie, in any order.
        self._samples = np.stack([_samples(model, i, axis) for i in sensors for axis in range(3)])

    @property
    def size(self) -> int:
        """W."""
        return len(self._current)

    def now(self, data: Physics) -> Array:
        """The reading of this instant, `[..., W]`: what a robot at rest is tared with."""
        return data.sensordata[..., self._current]

    def prime(self, history: Array, reading: Array) -> None:
        """Fills the `history` of one simulation with a `reading` [W], as if the robot had rested so far."""
        history[self._samples] = reading[:, None]

    def mean(self, data: Physics) -> Array:
        """The mean of the physics steps of the last control step, `[..., W]`."""
        return np.asarray(data.history[..., self._samples].mean(axis=-1))


def _torque(joint: str) -> str:
    return f"{joint}_torque"


def _samples(model: mujoco.MjModel, sensor: int, axis: int) -> Array:
    """Where the samples of one axis of a sensor lie in `history`."""
    count = int(model.sensor_history[sensor, 0])
    # A history buffer is: two words of bookkeeping, n times, n samples.
    return np.asarray(model.sensor_historyadr[sensor] + 2 + count + axis + 3 * np.arange(count))
