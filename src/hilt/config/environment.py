# ruff: noqa: RUF012 -- pydantic copies mutable defaults
"""`env`: the task, what is observed, how the robot is commanded, when an episode ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hilt.config.features import FeatureConfig, FeatureType, camera_of
from hilt.config.fields import (
    NoEffect,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    Refused,
    Section,
    invalid,
)
from hilt.config.processor import Processor
from hilt.config.randomization import RandomizationConfig
from hilt.config.robot import FRANKA, RobotConfig
from hilt.config.tasks import ActionMode, TaskChoice, resolve_task

ObsType = Literal["state", "pixels"]

ACTION_MODES: dict[int, ActionMode] = {
    3: "ee_delta_pos",
    4: "ee_delta_pos",
    6: "ee_delta_pose",
    7: "ee_delta_pose",
}
"""Size of the action -> how the robot is commanded; 3 and 6 leave the gripper to a discrete critic."""


class EnvConfig(Section):
    type: Literal["gym_manipulator", "gym_manipulator_acfql", "gymnasium", "franka"] = "gym_manipulator"
    """The first two are hilt's tasks; `gymnasium` is an environment of your own, `franka` a real arm."""
    name: Annotated[
        str, Refused('a real arm is "env.type": "franka"', ("hilt", "gym_hil", "gymnasium", "franka"))
    ] = "hilt"
    """Which robot."""
    task: str = "hilt/PickCube-v0"
    """Task id (hilt's or the field's), or a task of your own on a simulated arm, `package.module:Class`; with
    `gymnasium`, any Gymnasium id (`package.module:Id-v0`); with `franka`, any name."""
    fps: Annotated[int, Field(ge=1, le=500)] = 10
    """Control steps per second."""
    features: dict[str, FeatureConfig] = {}
    """Name -> type and shape. The VISUAL ones are the cameras that are rendered, at those sizes; empty: the
    task's own."""
    features_map: dict[str, str] = {}
    """Name in the environment -> name for the policy and the dataset."""
    robot: RobotConfig = Field(default_factory=RobotConfig)  # its type is inferred: no two share one
    teleop: Annotated[
        Any, Refused("hilt has no leader arms; --operator=gamepad, keyboard, quest or browser")
    ] = None
    """A teleoperation device of a real arm."""
    processor: Processor = Processor()
    obs_type: ObsType = "state"
    """What is observed; inferred from `features`: pixels when there is a camera."""
    force_torque: bool = False
    """Wrist force and joint torques in the state; inferred from `features` (a state of [42], where the arm is
    hilt's), else from the task."""
    action_mode: ActionMode = "ee_delta_pos"
    """Translation, or translation and rotation; inferred from the action's shape, else from the task."""
    image_size: PositiveInt = 128
    """Height and width [pixels] of the pictures, where `features` does not say."""
    reward_type: Literal["sparse", "dense", "subgoals"] = "sparse"
    """1 on success and 0 otherwise; a reward that grows with progress; or a share of 1 for each part of the
    task when it is accomplished, taken back when it is undone (ArrangeBoxes: a fifth for each box)."""
    step_cost: NonNegativeFloat = 0.0
    """Subtracted from the reward of every step that a policy learns from, so that haste counts; what is
    logged and evaluated stays the environment's reward. Keep it below 1 / (steps of an episode): above,
    failing soon costs less than succeeding late. (`policy.discount` below 1 rewards haste, too.)"""
    randomize: bool = True
    """Objects at random places; false: always at the same."""
    randomization: RandomizationConfig = RandomizationConfig()
    number_of_steps_after_success: NonNegativeInt = 0
    """Steps that an episode goes on after success, each paying 1, before it terminates."""
    video_record: Annotated[Any, NoEffect("an evaluation films its episodes by itself")] = None
    """Videos while recording."""
    viewer: bool = False
    """MuJoCo's viewer window; inferred from the task (`...Viewer...`)."""
    kwargs: dict[str, Any] = {}
    """Arguments for the constructor of an environment of your own."""
    success_reward_threshold: float | None = None
    """Reward from which a step of your own environment is a success, where it reports no `is_success`."""
    may_run_unattended: bool | None = None
    """The arm may move unattended, without a person to stop it; null: as the environment says, else true.
    false: the policy is never tested alone; episodes of training that nobody touched are the test of
    `target_success_rate`."""
    trust_operator: bool = False
    """The operator is the only judge: reward 1, and the end, when they declare success; nothing before."""

    @field_validator("type", mode="before")
    @classmethod
    def _default_type(cls, value: Any) -> Any:
        return "gym_manipulator" if value is None else value

    @field_validator("robot", mode="before")
    @classmethod
    def _named_robot(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _infer(self) -> EnvConfig:
        if self.type == "franka":
            self._infer_robot()
        else:
            self.robot.require_simulated()
        if self.type != "gymnasium":
            self._require_joints()
            self._infer_options(self.choice)
        return self

    def _infer_robot(self) -> None:
        """A real arm sees what its cameras see, and never moves alone."""
        self.robot.infer("type", FRANKA)
        self.robot.require_real(self.cameras_declared)
        self.infer("obs_type", "pixels" if self.robot.cameras else "state")
        self.infer("may_run_unattended", False)

    def _require_joints(self) -> None:
        said, joints = self.processor.reset.fixed_reset_joint_positions, self.robot.joints
        if said is not None and joints is not None and len(said) != joints:
            key = ("processor", "reset", "fixed_reset_joint_positions")
            raise invalid(f"must have {joints} items, has {len(said)}", *key)

    def _has_forces(self, state: int | None) -> bool | None:
        """What the size of the state says of force and torque; None where the arm's class knows its size."""
        joints = self.robot.joints
        if state is None or joints is None:
            return None
        sizes = {2 * joints + 4: False, 5 * joints + 7: True}
        if state not in sizes:
            plain, forces = sizes
            raise invalid(
                f"the state has shape [{plain}], or [{forces}] with force and torque, not [{state}]",
                "features",
            )
        return sizes[state]

    def _infer_options(self, choice: TaskChoice) -> None:
        state, action = self._size("STATE"), self._size("ACTION")
        if action is not None and action not in ACTION_MODES:
            raise invalid(
                f"an action has shape [4] or [7] ([3] or [6] without the gripper), not [{action}]", "features"
            )
        self._imply("force_torque", self._has_forces(state), choice.force_torque)
        self._imply("action_mode", ACTION_MODES[action] if action else None, choice.action_mode)
        self._imply("obs_type", self._declared_obs_type(), "state")
        self.infer("viewer", choice.viewer)

    def _declared_obs_type(self) -> ObsType | None:
        types = {feature.type for feature in self.features.values()}
        if {"VISUAL", "ENV"} <= types:
            raise invalid("ENV (object poses) is privileged: pixels do not come with it", "features")
        return "pixels" if "VISUAL" in types else "state" if self.features else None

    def _imply(self, key: str, declared: object, default: object) -> None:
        """`declared` by the features, else the task's `default`; a contradiction with the key is an error."""
        if declared is not None and key in self.model_fields_set and getattr(self, key) != declared:
            raise invalid(f"the features say {declared!r}", key)
        self.infer(key, default if declared is None else declared)

    def _size(self, kind: FeatureType) -> int | None:
        return next((feature.shape[0] for feature in self.features.values() if feature.type == kind), None)

    @property
    def choice(self) -> TaskChoice:
        """What `task` stands for; only where hilt has the arm, simulated or real."""
        if self.type == "franka":
            return TaskChoice(self.task)
        try:
            return resolve_task(self.task)
        except ValueError as error:
            raise invalid(str(error), "task") from None

    @property
    def is_simulated(self) -> bool:
        """The task is one on an arm that hilt simulates."""
        return self.type not in ("gymnasium", "franka")

    @property
    def is_hilts(self) -> bool:
        """Whether task and arm come with hilt, so that every process can open them."""
        return self.is_simulated and ":" not in self.task and self.robot.comes_with_hilt

    @property
    def gym_id(self) -> str:
        """The id that `gymnasium.make` knows."""
        return self.choice.gym_id if self.is_simulated else self.task

    @property
    def cameras(self) -> dict[str, tuple[int, int]]:
        """Camera -> (height, width) [pixels] as rendered; empty without pixels."""
        if self.type == "franka":
            own = {name: (camera.size[0], camera.size[1]) for name, camera in self.robot.cameras.items()}
            return {**own, **self.cameras_declared}
        if self.obs_type == "state":
            return {}
        return self.cameras_declared or dict.fromkeys(("front", "wrist"), (self.image_size, self.image_size))

    @property
    def cameras_declared(self) -> dict[str, tuple[int, int]]:
        """Camera -> (height, width) [pixels], of those among `features`."""
        declared = ((camera_of(name), f.shape) for name, f in self.features.items() if f.type == "VISUAL")
        return {camera: (shape[1], shape[2]) for camera, shape in declared}

    @property
    def action_size(self) -> int | None:
        """Size of the action that `features` declares."""
        return self._size("ACTION")

    def policy_features(self) -> dict[str, FeatureConfig]:
        """The declared features as the policy sees them: renamed, pictures cut and resized."""
        return {self.features_map.get(name, name): self._processed(name) for name in self.features}

    def _processed(self, name: str) -> FeatureConfig:
        """The declared feature after crop and resize."""
        feature, processing = self.features[name], self.processor.image_preprocessing
        crops = processing.crop_params_dict or {}
        crop = crops.get(name) or crops.get(self.features_map.get(name, name))
        size = processing.resize_size or (crop and crop[2:])
        if feature.type != "VISUAL" or not size or 0 in size:
            return feature
        return FeatureConfig(type="VISUAL", shape=[3, *size])
