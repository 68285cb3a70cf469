"""An arm, as the environment needs one, and what may stop it. `driver.py` has that of Franka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hilt.envs.panda.real.frames import Pose
from hilt.envs.physics import Array

STOPPED = "stopped"
"""The fault of an arm that a person stopped."""
CONNECTION = "connection"
"""The fault of an arm that cannot be reached any more."""
GRIPPER = "gripper"
"""The fault of an arm whose gripper failed."""
HOME_NOT_REACHED = "home_not_reached"
"""The fault of an arm that has not come home in time."""


class ArmFaultError(RuntimeError):
    """The arm has ended its motion: `reason` is the name of its reflex, or STOPPED, CONNECTION ..."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the arm has ended its motion: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ArmState:
    """How the arm is. Forces are those that it exerts, as the simulator's sensors have them."""

    joint_pos: Array
    """`[7]` rad."""
    joint_vel: Array
    """`[7]` rad/s."""
    tcp: Pose
    """Of the point between the fingertips."""
    force: Array
    """At the tool, in its own frame, `[3]` N."""
    torque: Array
    """About the axis of each joint, by what is touched, `[7]` N m."""
    opening: float
    """Between the fingers, m."""
    age: float
    """Since the arm was last heard, s."""


class Arm(Protocol):
    """What the environment needs of an arm. Every method but `stop` and `close` may raise ArmFaultError."""

    def state(self) -> ArmState:
        """How the arm is. Never waits."""
        ...

    def move_to(self, pose: Pose) -> None:
        """The tool is to go to `pose`, beginning now. Never waits."""
        ...

    def grip(self, opening: float) -> None:
        """The fingers are to open or close to `opening` [m]; at 0 they grasp what is there. Never waits."""
        ...

    def home(self, joints: Sequence[float]) -> None:
        """Goes to `joints` [7 rad], slowly, and returns when it is there."""
        ...

    def stop(self) -> None:
        """Ends the motion at once. From any thread."""
        ...

    def recover(self) -> None:
        """Clears the fault, so that the arm may move again."""
        ...

    def close(self) -> None:
        """Ends the motion and lets go of the arm."""
        ...
