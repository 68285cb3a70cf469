"""A real arm from its configuration."""

from __future__ import annotations

from collections.abc import Callable

from hilt.config.environment import EnvConfig
from hilt.config.errors import ConfigError
from hilt.config.robot import RobotConfig
from hilt.envs.panda.real.arm import Arm
from hilt.envs.panda.real.cameras import CameraOptions, Cameras
from hilt.envs.panda.real.driver import Franka, Motion
from hilt.envs.panda.real.env import FrankaEnv
from hilt.envs.panda.real.options import RealOptions
from hilt.envs.panda.robot import Panda
from hilt.errors import import_named


def make_franka(env: EnvConfig) -> FrankaEnv:
    """The environment of the arm at `env.robot.ip`, with its cameras.

    Raises:
        ConfigError: its reset is no function.
        DriverMissingError, ArmUnreachableError: there is no driver, or no arm.
    """
    put_back, options = _put_back(env.robot.reset), camera_options(env)
    arm = connect(env.robot)
    return FrankaEnv(arm, real_options(env), Cameras(options) if options else None, put_back)


def connect(robot: RobotConfig) -> Franka:
    """The arm. Raises DriverMissingError or ArmUnreachableError: there is no driver, or no arm."""
    motion = Motion(
        speed=robot.speed,
        acceleration=robot.acceleration,
        stiffness=robot.stiffness,
        force_limit=robot.force_limit,
    )
    return Franka(robot.ip, motion, robot.gripper, robot.realtime)


def real_options(env: EnvConfig) -> RealOptions:
    """Arguments of the environment."""
    processor, robot = env.processor, env.robot
    steps = processor.inverse_kinematics.end_effector_step_sizes
    bounds, (low, high) = processor.inverse_kinematics.end_effector_bounds, Panda.workspace
    return RealOptions(
        fps=env.fps,
        control_time_s=processor.reset.control_time_s or RealOptions.control_time_s,
        force_torque=env.force_torque,
        action_mode=env.action_mode,
        use_gripper=processor.gripper.use_gripper,
        gripper_penalty=processor.gripper.gripper_penalty,
        position_step=(steps.x, steps.y, steps.z),
        workspace=(tuple(bounds.min or low), tuple(bounds.max or high)),
        home=robot.home or processor.reset.fixed_reset_joint_positions or Panda.home,
        speed=robot.speed,
        acceleration=robot.acceleration,
        force_limit=robot.force_limit,
        hold_to_run=robot.hold_to_run and not robot.shadow,
        shadow=robot.shadow,
        recover=tuple(robot.recover),
    )


def camera_options(env: EnvConfig) -> dict[str, CameraOptions]:
    """Camera -> how it is read; sizes as `features` declare them, else the camera's own."""
    return {
        name: CameraOptions(
            source=camera.source, size=env.cameras[name], crop=camera.crop, options=camera.options
        )
        for name, camera in env.robot.cameras.items()
    }


def _put_back(reset: str) -> Callable[[Arm], None] | None:
    """What restores the scene; None: a person."""
    if reset == "person":
        return None
    if reset == "nothing":
        return lambda arm: None
    try:
        function: Callable[[Arm], None] = import_named(reset)
    except ValueError as error:
        raise ConfigError("env.robot.reset", f'"{reset}": {error}') from error
    return function
