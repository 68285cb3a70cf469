"""Force and torque: the mean over a control step, from the history that MuJoCo keeps of its sensors."""

from __future__ import annotations

import numpy as np

from hilt.envs.panda.robot import WRENCH_SENSORS, Array, Panda, Physics


class WrenchSensor:
    """Wrist force [N], then the torque at joints 1..7 [N m]: 3 + 21 numbers."""

    def __init__(self, robot: Panda) -> None:
        self._current = np.concatenate(
            [robot.model.sensor(name).adr[0] + np.arange(3) for name in WRENCH_SENSORS]
        )
        # [24, samples]: where in `history` the samples of each number lie, in any order.
        self._samples = np.stack(
            [
                begin + axis + 3 * np.arange(count)
                for begin, count in robot.wrench_slots()
                for axis in range(3)
            ]
        )

    def now(self, data: Physics) -> Array:
        """The reading of this instant, `[..., 24]`: what a robot at rest is tared with."""
        return data.sensordata[..., self._current]

    def prime(self, history: Array, reading: Array) -> None:
        """Fills the `history` of one simulation with a `reading` [24], as if the robot had rested so far."""
        history[self._samples] = reading[:, None]

    def mean(self, data: Physics) -> Array:
        """The mean of the physics steps of the last control step, `[..., 24]`."""
        return np.asarray(data.history[..., self._samples].mean(axis=-1))
