"""`env.processor`: what becomes of observations and actions, how an episode begins, who judges it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hilt.config.fields import (
    Fraction,
    NoEffect,
    NonNegativeFloat,
    NonNegativeInt,
    Point,
    PositiveFloat,
    PositiveInt,
    Refused,
    Section,
    invalid,
)

ControlMode = Literal[
    "gamepad", "keyboard", "keyboard_ee", "meta_quest", "quest", "browser", "scripted", "none"
]


class ObservationProcessing(Section):
    add_joint_velocity_to_observation: Annotated[bool, NoEffect("the state always holds them")] = False
    """Joint velocities in the state."""
    add_current_to_observation: Annotated[
        bool, Refused("a simulated arm has no motor currents; force and torque: a ...Ft... task", (False,))
    ] = False
    """Motor currents in the state."""
    add_ee_pose_to_observation: Annotated[bool, NoEffect("the state always holds the TCP position")] = False
    """Position of the end effector in the state."""
    display_cameras: Annotated[bool, NoEffect("the operator's page shows the cameras")] = False
    """Show the camera pictures."""


class ImagePreprocessing(Section):
    crop_params_dict: dict[str, Annotated[list[NonNegativeInt], Field(min_length=4, max_length=4)]] | None = (
        None
    )
    """Camera feature -> [top, left, height, width] in pixels, cut out before resizing, of what is rendered
    and of the pictures of a dataset."""
    resize_size: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] | None = None
    """[height, width] in pixels of every picture that the policy sees, rendered or from a dataset; null: as
    they are. Pictures of a dataset that have this size already are taken as cut and resized before."""


class Gripper(Section):
    use_gripper: bool = True
    """The last dimension of the action is the gripper; without it the gripper stays as it is."""
    gripper_penalty: Annotated[float, Field(le=0)] = 0.0
    """Added (as `discrete_penalty`) when the gripper is told to close or open; 0 or negative."""
    gripper_penalty_in_reward: bool = False
    """The penalty is part of the reward that every critic learns from, not only the discrete one."""
    min_bound_gripper_pos: Annotated[float, Refused("0 closes the gripper", (0.0,))] = 0.0
    """The command that closes the gripper."""
    max_bound_gripper_pos: Annotated[float, Refused("2 opens the gripper", (2.0,))] = 2.0
    """The command that opens the gripper."""
    gripper_quantization_threshold: Annotated[float | None, NoEffect("the gripper is proportional")] = None
    """Threshold of a gripper that only opens or closes."""
    neutral_action: Annotated[float, Refused("1 leaves the gripper as it is", (1.0,))] = 1.0
    """The command that leaves the gripper as it is."""


class Reset(Section):
    fixed_reset_joint_positions: list[float] | None = None
    """Joint positions [rad] at the beginning of an episode; null is the arm's home."""
    reset_time_s: NonNegativeFloat = 5.0
    """Pause [s] between two episodes while a person is at the controls."""
    control_time_s: PositiveFloat | None = None
    """Longest episode [s], truncated after control_time_s * fps steps; null: the task's own."""
    terminate_on_success: bool = True
    """Success ends the episode."""


class EndEffectorBounds(Section):
    min: Point | None = None
    """Lower corner [m] of the space that TCP targets are clipped to; null: the arm's own."""
    max: Point | None = None
    """Upper corner [m]; null: the arm's own."""

    @model_validator(mode="after")
    def _ordered(self) -> EndEffectorBounds:
        corners = zip(self.min or (), self.max or (), strict=False)
        if any(low >= high for low, high in corners):
            raise invalid("every number of min must be below that of max")
        return self


class StepSizes(Section):
    x: PositiveFloat = 0.025
    """Motion [m] that an action of 1 commands along x."""
    y: PositiveFloat = 0.025
    """The same along y."""
    z: PositiveFloat = 0.025
    """The same along z."""


class InverseKinematics(Section):
    urdf_path: Annotated[str | None, NoEffect("the simulated arm has its own model")] = None
    """Model of a real arm."""
    target_frame_name: Annotated[str | None, NoEffect("the simulated arm has its own model")] = None
    """Frame of a real arm that is controlled."""
    end_effector_bounds: EndEffectorBounds = EndEffectorBounds()
    end_effector_step_sizes: StepSizes = StepSizes()


class RewardClassifierUse(Section):
    pretrained_path: str | None = None
    """Folder or hub id of a trained reward classifier; it then gives the reward and ends episodes."""
    success_threshold: Fraction | None = None
    """Probability above which a frame counts as success; null is the threshold that was calibrated in
    training (0.5 where there is none)."""
    success_reward: float = 1.0
    """Reward of a successful frame."""
    debounce: PositiveInt = 2
    """Frames in a row that must be above the threshold."""
    terminate_on_success: bool = True
    """The classifier's success ends the episode (when reset.terminate_on_success says so, too)."""


class Processor(Section):
    control_mode: ControlMode | None = None
    """Device at the controls, where `operator` says nothing."""
    observation: ObservationProcessing = ObservationProcessing()
    image_preprocessing: ImagePreprocessing = ImagePreprocessing()
    gripper: Gripper = Gripper()
    reset: Reset = Reset()
    inverse_kinematics: InverseKinematics = InverseKinematics()
    reward_classifier: RewardClassifierUse = RewardClassifierUse()
    max_gripper_pos: Annotated[float | None, NoEffect("the simulated gripper knows its opening")] = None
    """Greatest opening of a real gripper."""
