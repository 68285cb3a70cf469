"""An arm in a few lines: its tool is where it was sent, at once. Tests set what it measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilt.envs.panda.real.arm import STOPPED, ArmFaultError, ArmState
from hilt.envs.panda.robot import Panda

START = np.array((0.48, 0.0, 0.15))
DOWN = np.array((0.0, 1.0, 0.0, 0.0))


class FakeArm:
    """`log` has what it was told, in order."""

    def __init__(self) -> None:
        self.position, self.quat, self.opening = START.copy(), DOWN, 0.08
        self.force, self.torque, self.age = np.zeros(3), np.zeros(7), 0.0
        self.fault: str | None = None
        self.log: list[str] = []

    def state(self) -> ArmState:
        self._require()
        pose = (self.position.copy(), self.quat)
        return ArmState(
            np.array(Panda.home), np.zeros(7), pose, self.force, self.torque, self.opening, self.age
        )

    def move_to(self, pose: tuple[np.ndarray, np.ndarray]) -> None:
        self._require()
        self.position, self.quat = pose

    def grip(self, opening: float) -> None:
        self.opening = opening

    def home(self, joints: Sequence[float]) -> None:
        self._require()
        self.log.append("home")
        self.position, self.quat = START.copy(), DOWN

    def stop(self) -> None:
        self.log.append("stop")
        self.fault = self.fault or STOPPED

    def recover(self) -> None:
        self.log.append("recover")
        self.fault = None

    def close(self) -> None:
        self.log.append("close")

    def _require(self) -> None:
        if self.fault is not None:
            raise ArmFaultError(self.fault)
