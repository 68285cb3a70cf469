"""What one environment and a vector of them share: the model, the spaces, and functions of the physics.

Arrays have the leading dimensions `[...]` of the `Physics` they are computed from: none for an `MjData`, N
for a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hilt.envs.control import ActionScale
from hilt.envs.errors import SimulationError, SimulatorVersionError
from hilt.envs.options import EnvOptions
from hilt.envs.physics import Array, Physics
from hilt.envs.robot import Robot, load_model
from hilt.envs.tasks.base import Flags, Task, Variation
from hilt.envs.wrench import WrenchSensor

STATE = mujoco.mjtState.mjSTATE_INTEGRATION
FATAL = [
    int(warning)
    for warning in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
    )
]


@dataclass
class Progress:
    """Of the episodes, `[...]`: control steps so far, and since the first success (-1 before it); the share
    of the task's parts that were accomplished after the last step."""

    steps: NDArray[np.int64]
    after_success: NDArray[np.int64]
    accomplished: Array

    @staticmethod
    def start(leading: tuple[int, ...] = ()) -> Progress:
        return Progress(np.zeros(leading, np.int64), np.full(leading, -1, np.int64), np.zeros(leading))


@dataclass(frozen=True)
class Outcome:
    """Of one control step, `[...]` each."""

    reward: Array
    terminated: Flags
    truncated: Flags
    is_success: Flags


def require_mujoco() -> None:
    """Raises SimulatorVersionError where MuJoCo is too old for hilt's own environments."""
    if int(mujoco.__version__.partition(".")[0]) < 4:
        raise SimulatorVersionError(
            f"hilt's own environments need MuJoCo 4, this is {mujoco.__version__}: pip install 'mujoco>=4'"
        )


class Core:
    """A task and a robot, without any state of an episode."""

    def __init__(self, task: type[Task], robot: type[Robot], options: EnvOptions) -> None:
        require_mujoco()
        self.options = options
        self.substeps = options.substeps(task.timestep)
        samples = self.substeps if options.force_torque else 0
        self.model = load_model(robot, task.scene(), 1.0 / options.fps / self.substeps, samples)
        options.check_fit(robot, [self.model.camera(i).name for i in range(self.model.ncam)])
        self.robot = robot(self.model)
        self.task = task(self.robot, Variation(options.randomize, options.action_mode == "ee_delta_pose"))
        position_step = np.broadcast_to(np.asarray(options.position_step, np.float64), (3,))
        scale = ActionScale(position_step, options.rotation_step, *options.bounds(robot))
        self.controller = self.robot.controller(options.action_mode, options.use_gripper, scale)
        self.max_steps = options.steps(task.time_limit_s)
        self.wrench = WrenchSensor(self.model, robot.joints) if options.force_torque else None
        self.state_size = mujoco.mj_stateSize(self.model, STATE)
        self.observation_space = self._observation_space()

    def initial_state(self, rng: np.random.Generator, data: mujoco.MjData) -> Array:
        """Draws the start of an episode: a state vector for `restore`. Uses `data` as scratch."""
        mujoco.mj_resetData(self.model, data)
        self.robot.place(data, self.options.fixed_reset_joint_positions)
        self.task.reset(rng, data)
        data.time = 0.0
        state = np.empty(self.state_size)
        mujoco.mj_getState(self.model, data, state, STATE)
        return state

    def restore(self, data: mujoco.MjData, state: Array) -> None:
        """Puts `data` exactly into a state that `initial_state` returned. Raises ValueError if it is none."""
        state = np.asarray(state, np.float64)
        if state.shape != (self.state_size,) or not np.isfinite(state).all():
            raise ValueError(
                f"initial state of shape {state.shape}: {self.state_size} finite numbers "
                "from the same task are needed"
            )
        mujoco.mj_resetData(self.model, data)
        mujoco.mj_setState(self.model, data, state, STATE)
        mujoco.mj_forward(self.model, data)
        if self.wrench is not None:
            self.wrench.prime(data.history, self.wrench.now(data))

    def observation(self, data: Physics, tare: Array) -> dict[str, Any]:
        """`agent_pos` float32 `[..., S]`, and with state observations `environment_state`."""
        parts = self.robot.state(data)
        if self.wrench is not None:
            parts.append(self.wrench.mean(data) - tare)
        observation = {"agent_pos": np.concatenate(parts, axis=-1, dtype=np.float32, casting="same_kind")}
        if self.options.obs_type == "state":
            observation["environment_state"] = self.task.environment_state(data).astype(np.float32)
        return observation

    def tare(self, data: Physics) -> Array:
        """What the force-torque sensors read at the start of an episode, `[..., W]`; without them `[0]`."""
        return self.wrench.now(data) if self.wrench is not None else np.zeros(0)

    def outcome(self, data: Physics, progress: Progress) -> Outcome:
        """Advances `progress` by one control step, and says what that step has brought."""
        success = self.task.is_success(data)
        progress.steps = progress.steps + 1
        terminated = self.task.is_lost(data)
        if self.options.terminate_on_success:
            since = progress.after_success + 1
            progress.after_success = np.where(success | (since > 0), since, -1)
            success = progress.after_success >= 0
            over = progress.after_success >= self.options.number_of_steps_after_success
            terminated = np.where(success, over, terminated)
        truncated = (progress.steps >= self.max_steps) & ~terminated
        return Outcome(self._reward(data, success, progress), terminated, truncated, success)

    def penalty(self, data: Physics, action: Array) -> Array:
        """Gripper penalty of an action about to be applied, `[...]`."""
        return np.where(self.controller.reverses_gripper(data, action), self.options.gripper_penalty, 0.0)

    def check(self, qpos: Array, warnings: NDArray[np.int32]) -> None:
        """Raises SimulationError when positions are not finite or MuJoCo counted a fatal warning."""
        if warnings[..., FATAL].any() or not np.isfinite(qpos).all():
            raise SimulationError(
                "the simulation became unstable (positions, velocities or accelerations not finite or huge); "
                "this step does not count: reset the environment"
            )

    def _reward(self, data: Physics, success: Flags, progress: Progress) -> Array:
        if self.options.reward_type == "sparse":
            return success.astype(np.float64)
        if self.options.reward_type == "subgoals":
            before, progress.accomplished = progress.accomplished, self.task.accomplished(data)
            return progress.accomplished - before
        return np.where(success, 1.0, self.task.dense_reward(data))

    def _observation_space(self) -> spaces.Dict:
        data = mujoco.MjData(self.model)
        self.restore(data, self.initial_state(np.random.default_rng(0), data))
        vectors = self.observation(data, self.tare(data))
        space: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(-np.inf, np.inf, value.shape, np.float32) for name, value in vectors.items()
        }
        if self.options.obs_type == "pixels":
            images = self.options.camera_sizes.items()
            space["pixels"] = spaces.Dict(
                {name: spaces.Box(0, 255, (*size, 3), np.uint8) for name, size in images}
            )
        return spaces.Dict(space)
