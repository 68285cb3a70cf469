"""What a task is: a scene, a start, success, reward and an expert.

A new task of hilt's is a new file beside this one: the module `my_task.py` holds the class `MyTask`; its id
is then `hilt/MyTask-v0`. One of yours is a class in a module of yours, `env.task: "package.module:MyTask"`.
The tasks' quantities are functions of `Physics`, indexed from the right, so that they serve one simulation
and a batch of them alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.control import DOWN, STAY, Controller
from hilt.envs.physics import Array, Physics
from hilt.envs.robot import Robot

POSE = ("x", "y", "z", "qw", "qx", "qy", "qz")
"""What the numbers of a pose are."""

Flags = NDArray[np.bool_]

BELOW, ABOVE = np.array((0.02, 0.02, 0.05)), np.array((0.02, 0.02, 0.5))
"""What is further than this outside the robot's workspace, at its low and its high corner, is lost, m."""


@dataclass(frozen=True)
class Variation:
    """What may differ between episodes."""

    randomize: bool = True
    """Places are drawn anew in every episode."""

    turned: bool = False
    """Objects are also turned: the robot can rotate its tool (`ee_delta_pose`)."""


class Task(ABC):
    """One task, bound to the model that was built from its `scene`."""

    timestep: ClassVar[float] = 0.004
    """Longest physics step that the task's contacts bear, s."""

    time_limit_s: ClassVar[float] = 10.0
    """Length of an episode unless the user says otherwise, s."""

    @classmethod
    @abstractmethod
    def scene(cls) -> str:
        """MJCF `<mujoco>` element with the task's objects and sensors.

        Class "object" (`table.xml`) is for geoms that touch the table, each other and the gripper; what is
        only seen has contype="0" conaffinity="0".
        """

    def __init__(self, robot: Robot, variation: Variation) -> None:
        self.robot = robot
        self.variation = variation
        low, high = np.array(robot.workspace)
        self._low, self._high = low - BELOW, high + ABOVE

    @abstractmethod
    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        """Places the objects. The robot is at its start, the gripper open; both may be changed."""

    @abstractmethod
    def environment_state(self, data: Physics) -> Array:
        """Privileged: the poses of the objects, `[..., K]`, m and unit quaternions."""

    @property
    @abstractmethod
    def environment_names(self) -> list[str]:
        """What these K numbers are."""

    @abstractmethod
    def is_success(self, data: Physics) -> Flags:
        """`[...]`: the task is accomplished in this state."""

    @abstractmethod
    def is_lost(self, data: Physics) -> Flags:
        """`[...]`: an object has left the workspace; the episode is over."""

    def is_away(self, pos: Array) -> Flags:
        """`[...]`: what is at `pos` `[..., 3]` m has left the workspace."""
        return ~inside(pos, self._low, self._high)

    def is_near_edge(self, pos: Array, margin: float) -> Flags:
        """`[...]`: what is at `pos` `[..., 3]` m has `margin` m or less left before it is lost, sideways."""
        return ~inside(pos[..., :2], self._low[:2] + margin, self._high[:2] - margin)

    @abstractmethod
    def dense_reward(self, data: Physics) -> Array:
        """`[...]`, between 0 and 1, growing as the task advances."""

    def accomplished(self, data: Physics) -> Array:
        """`[...]`, 0 to 1: the share of the task's parts that are accomplished, where it has several."""
        return self.is_success(data).astype(np.float64)

    @abstractmethod
    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        """The expert of this task, who reads `data`."""


class TaskExpert(ABC):
    """A skilled operator with privileged knowledge of one simulation. No memory: acts on what is there."""

    gain: ClassVar[float] = 0.7
    """Part of the remaining way to cover in one step; below 1, since the tool lags behind its target."""

    def __init__(self, task: Task, data: mujoco.MjData, controller: Controller) -> None:
        self.task = task
        self.robot = task.robot
        self.data = data
        self.controller = controller
        self.view_axes: Array = np.eye(3)
        """Of the picture that the operator looks at, `[3, 3]`: columns right, up, back."""
        self._misplaced: Array = np.zeros(3)

    def seen_with_error(self, error: Array) -> None:
        """From now on things seem to be `error` `[3]` m from their places: right, up, towards the viewer."""
        self._misplaced = self.view_axes @ error

    @abstractmethod
    def action(self) -> NDArray[np.float32]:
        """The action `[A]`, environment units, that a skilled person would give now."""

    def progress(self) -> float:
        """How far the task has come, 0..1; 1 on success."""
        return 1.0 if self.task.is_success(self.data) else float(self.task.dense_reward(self.data))

    @abstractmethod
    def in_danger(self) -> bool:
        """Something is about to go wrong: an object near the edge, a lost grasp."""

    def steer(self, goal_pos: Array, goal_quat: Array, gripper: float = STAY) -> NDArray[np.float32]:
        """The action that brings the tool to a pose (m, unit quaternion), with the gripper's command."""
        scale = self.controller.scale
        goal_pos = goal_pos + self._misplaced
        parts = [self.gain * (goal_pos - self.robot.tcp_pos(self.data)) / scale.position]
        if self.controller.rotates:
            turn = rotations.multiply(goal_quat, rotations.conjugate(self.robot.tcp_quat(self.data)))
            parts.append(self.gain * rotations.to_rotation_vector(turn) / scale.rotation)
        if self.controller.use_gripper:
            parts.append(np.array([gripper]))
        return np.clip(np.concatenate(parts), self.controller.space.low, self.controller.space.high).astype(
            np.float32
        )


def square_to(yaw: float) -> Array:
    """The tool straight down, its fingers parallel to the faces of a cube at `yaw`, the nearest way round."""
    quarter = np.pi / 2
    turn = np.array((0.0, 0.0, yaw - quarter * round(yaw / quarter)))
    return rotations.multiply(rotations.from_rotation_vector(turn), DOWN)


def inside(pos: Array, low: Array, high: Array) -> Flags:
    """`[...]`: every coordinate of `pos` `[..., D]` lies between `low` and `high`."""
    return np.asarray(((pos >= low) & (pos <= high)).all(axis=-1))


def distance(a: Array, b: Array) -> Array:
    """Euclidean, `[...]`."""
    return np.asarray(np.sqrt(((a - b) ** 2).sum(axis=-1)))
