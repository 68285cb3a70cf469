"""The constructor arguments that every hilt environment takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from hilt.envs.control import ActionMode
from hilt.envs.physics import Array
from hilt.envs.randomization import Randomization
from hilt.envs.robot import Robot

ObsType = Literal["state", "pixels"]
RewardType = Literal["sparse", "dense", "subgoals"]
Size = int | tuple[int, int]
"""Of an image: pixels of a square, or (height, width)."""

PHYSICS_RATE_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class EnvOptions:
    """Arguments of `gym.make("hilt/...", ...)`. Raises ValueError naming the argument that does not fit."""

    obs_type: ObsType = "state"
    """`state` adds `environment_state` (object poses), `pixels` adds the cameras' images."""

    force_torque: bool = False
    """`agent_pos` has wrist force and joint torques too, averaged over the control step."""

    action_mode: ActionMode = "ee_delta_pos"
    """Actions of 3 translations, with `ee_delta_pose` of 3 rotations too; then the gripper."""

    use_gripper: bool = True
    """False: no gripper in the action space."""

    reward_type: RewardType = "sparse"
    """`sparse` is 1 on success, `dense` between 0 and 1 for what has been done so far, `subgoals` the change
    of the share of the task's parts that are accomplished: 1 in total on success."""

    randomize: bool = True
    """False: the objects are at the same place in every episode."""

    randomization: Randomization | Mapping[str, float] | None = None
    """How far looks, physics, latency and noise may be from their nominal values; None: not at all."""

    image_size: Size = 128
    """Of the images of the cameras `front` and `wrist`, when `cameras` does not say otherwise."""

    cameras: Mapping[str, Size] | Sequence[str] | None = None
    """Which cameras `pixels` holds, and their sizes; None: `front` and `wrist`."""

    terminate_on_success: bool = True
    """The episode ends at success."""

    number_of_steps_after_success: int = 0
    """So many more steps, each with reward 1, before the episode terminates."""

    fps: float = 10.0
    """Control steps per second of simulated time."""

    control_time_s: float | None = None
    """Length of an episode, s; None: the task's own."""

    position_step: float | Sequence[float] = 0.025
    """What a translation of 1 means, m, for all axes or each."""

    rotation_step: float = 0.1
    """What a rotation of 1 means, rad."""

    workspace: tuple[Sequence[float] | None, Sequence[float] | None] = (None, None)
    """Low and high corner of the box that the tool stays in, m; None: the arm's own."""

    fixed_reset_joint_positions: Sequence[float] | None = None
    """Where the arm starts, rad [J]; None: at home."""

    gripper_penalty: float = 0.0
    """`info["discrete_penalty"]` of a step that closes an open gripper or opens a closed one; <= 0."""

    render_mode: Literal["rgb_array"] | None = "rgb_array"
    render_camera: str = "view"
    render_size: Size = (480, 640)

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_numbers()

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> EnvOptions:
        """Raises TypeError naming an argument that no hilt environment has."""
        known = {field.name for field in fields(EnvOptions)}
        for name in arguments:
            if name not in known:
                raise TypeError(
                    f"{name!r} is no argument of a hilt environment; they are: {', '.join(sorted(known))}"
                )
        return EnvOptions(**arguments)

    @property
    def camera_sizes(self) -> dict[str, tuple[int, int]]:
        """Camera -> (height, width)."""
        cameras = self.cameras if self.cameras is not None else ("front", "wrist")
        if not isinstance(cameras, Mapping):
            cameras = dict.fromkeys(cameras, self.image_size)
        return {name: height_width(size) for name, size in cameras.items()}

    def steps(self, default_time_s: float) -> int:
        """Control steps of an episode."""
        seconds = default_time_s if self.control_time_s is None else self.control_time_s
        return max(1, round(seconds * self.fps))

    def substeps(self, longest_timestep: float) -> int:
        """Physics steps of a control step, none longer than `longest_timestep` s; they divide it exactly."""
        return int(np.ceil(1.0 / (self.fps * longest_timestep) - PHYSICS_RATE_TOLERANCE))

    def bounds(self, robot: type[Robot]) -> tuple[Array, Array]:
        """Low and high corner of the box that the tool of `robot` stays in, m."""
        low, high = (
            np.asarray(own if said is None else said, np.float64)
            for said, own in zip(self.workspace, robot.workspace, strict=True)
        )
        _require(
            low.shape == high.shape == (3,), f"workspace {self.workspace}: two corners of three numbers [m]"
        )
        _require(
            bool((low < high).all()),
            f"workspace {low.tolist()}, {high.tolist()}: the low corner must lie below the high one",
        )
        return low, high

    def check_fit(self, robot: type[Robot], cameras: Sequence[str]) -> None:
        """The arm has as many joints, and the model has the cameras, that are named here."""
        for name in (*self.camera_sizes, self.render_camera):
            _require(name in cameras, f"camera {name!r}: one of {', '.join(cameras)}")
        joints, number = self.fixed_reset_joint_positions, len(robot.joints)
        _require(
            joints is None or len(joints) == number,
            f"fixed_reset_joint_positions {joints}: {number} angles [rad]",
        )

    def _check_choices(self) -> None:
        for name, kind in (("obs_type", ObsType), ("action_mode", ActionMode), ("reward_type", RewardType)):
            value, allowed = getattr(self, name), get_args(kind)
            _require(value in allowed, f"{name} {value!r}: one of {', '.join(allowed)}")
        _require(
            self.render_mode in ("rgb_array", None), f"render_mode {self.render_mode!r}: rgb_array or None"
        )

    def _check_numbers(self) -> None:
        _require(self.fps > 0, f"fps {self.fps}: must be positive")
        _require(
            self.control_time_s is None or self.control_time_s > 0,
            f"control_time_s {self.control_time_s}: > 0",
        )
        _require(
            np.shape(self.position_step) in ((), (3,)),
            f"position_step {self.position_step}: one number or three",
        )
        _require(
            self.number_of_steps_after_success >= 0,
            f"number_of_steps_after_success {self.number_of_steps_after_success}: 0 or more",
        )
        _require(
            self.gripper_penalty <= 0, f"gripper_penalty {self.gripper_penalty}: a penalty is not positive"
        )


def height_width(size: Size) -> tuple[int, int]:
    """(height, width) in pixels. Raises ValueError unless both are positive."""
    height, width = (size, size) if isinstance(size, int) else size
    _require(height > 0 and width > 0, f"image size {size}: positive numbers of pixels")
    return int(height), int(width)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
