"""`ArmEnv`: the Gymnasium environment of every hilt task."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.data.scene import Frame, Scene
from hilt.data.transition import ENVIRONMENT_STATE, STATE
from hilt.envs.cameras import COARSE, LIVE, Cameras, Image, Look
from hilt.envs.core import Core, Progress
from hilt.envs.options import EnvOptions, height_width
from hilt.envs.physics import Array
from hilt.envs.randomization import Randomization, Randomizer
from hilt.envs.robot import Robot
from hilt.envs.scene import body_poses, describe
from hilt.envs.tasks.base import Task, TaskExpert
from hilt.envs.tool import ToolObserver

Observation = dict[str, Any]
Info = dict[str, Any]


class ArmEnv(gym.Env):  # type: ignore[misc]
    """A task for an arm with a parallel gripper at a table; the other arguments are those of `EnvOptions`.

    Observation: `agent_pos` float32 [S] = joint positions (J, rad), joint velocities (J, rad/s), gripper
    opening (1, m), tool position (3, m); with `force_torque` also wrist force (3, N) and joint torques (3 J,
    N m). The Panda has J = 7, S = 18, or 42. `environment_state` or `pixels` beside it.
    `info["is_success"]` always, `info["discrete_penalty"]` on every step; with `randomization`,
    `info["randomization"]`: what was drawn for this episode.

    `reset(options={"initial_state": state})` begins exactly where an earlier episode's `initial_state` did.
    Raises ValueError for an action that is misshapen or not finite, SimulationError when the physics fails.
    """

    def __init__(self, task: type[Task], robot: type[Robot], **options: Any) -> None:
        self.options = EnvOptions.of(options)
        self.core = Core(task, robot, self.options)
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": self.options.fps,
            "robot_type": robot.name,
        }
        self.render_mode = self.options.render_mode
        self.observation_space = self.core.observation_space
        self.action_space = self.core.controller.space
        self.max_steps = self.core.max_steps
        self.data = mujoco.MjData(self.core.model)
        self.expert: TaskExpert = self.core.task.expert(self.data, self.core.controller)
        self.expert.view_axes = self.view_axes
        self.initial_state: Array = np.zeros(self.core.state_size)
        self._progress = Progress.start()
        self._tare: Array = np.zeros(0)
        self._cameras: dict[Look, Cameras] = {}
        self._tool = ToolObserver(self.core.robot, self.options.bounds(robot))
        self._randomizer = self._make_randomizer()

    @property
    def task(self) -> Task:
        return self.core.task

    @property
    def model(self) -> mujoco.MjModel:
        return self.core.model

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        super().reset(seed=seed)
        if (
            self._randomizer is not None
        ):  # a generator of its own: starts are those that there would be without
            self._randomizer.begin(self.np_random.spawn(1)[0])
        state = (options or {}).get("initial_state")
        self.initial_state = (
            self.core.initial_state(self.np_random, self.data)
            if state is None
            else np.array(state, np.float64)
        )
        self.core.restore(self.data, self.initial_state)
        self._progress = Progress.start()
        self._tare = self.core.tare(self.data)
        return self._observe(), self._info(is_success=False, discrete_penalty=0.0)

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, Info]:
        values = self.core.controller.checked(action)
        if self._randomizer is not None:
            values = self._randomizer.delayed(values)
        penalty = self.core.penalty(self.data, values)
        self.core.controller.apply(self.data, values)
        mujoco.mj_step(self.core.model, self.data, nstep=self.core.substeps)
        # Derived quantities lag the state by one physics step until they are computed anew.
        mujoco.mj_forward(self.core.model, self.data)
        self.core.check(self.data.qpos, self.data.warning.number)
        result = self.core.outcome(self.data, self._progress)
        info = self._info(is_success=bool(result.is_success), discrete_penalty=float(penalty))
        return self._observe(), float(result.reward), bool(result.terminated), bool(result.truncated), info

    def render(self) -> NDArray[np.uint8] | None:
        """One frame `[H, W, 3]` of `render_camera`; None when `render_mode` is None."""
        if self.render_mode is None:
            return None
        return self.live_view(height_width(self.options.render_size))

    def live_view(self, size: tuple[int, int]) -> Image:
        """What `render_camera` sees, uint8 `[H, W, 3]`, quickly enough for a person at the controls."""
        camera = self.options.render_camera
        return self._lens(LIVE).images(self.data, {camera: size})[camera]

    def describe_scene(self) -> Scene | None:
        """What is to be seen, as plain data; colours are those of this episode."""
        return describe(self.model, self._tool.robot)

    def scene_frame(self, proposed: NDArray[np.float32] | None = None) -> Frame:
        """Where everything is; `proposed` [A] is the action that the policy would have taken."""
        wrench = self.core.wrench
        force = None if wrench is None else (wrench.mean(self.data) - self._tare)[:3]
        way = None if proposed is None else self.core.controller.way(proposed)
        return Frame(body_poses(self.data), self._tool.state(self.data, force), way)

    @property
    def feature_names(self) -> dict[str, list[str]]:
        """What the numbers of `observation.state`, `observation.environment_state` and `action` are."""
        return {
            STATE: self.core.robot.state_names(self.options.force_torque),
            ENVIRONMENT_STATE: self.core.task.environment_names,
            "action": self.core.controller.names,
        }

    @property
    def view_axes(self) -> Array:
        """Orientation of `render_camera` in the world, `[3, 3]`: columns right, up, back."""
        return np.asarray(self.model.cam_mat0[self.model.camera(self.options.render_camera).id]).reshape(3, 3)

    def close(self) -> None:
        """Frees the graphics; the environment can be reset and used again afterwards."""
        while self._cameras:
            self._cameras.popitem()[1].close()

    def _observe(self) -> Observation:
        observation = self.core.observation(self.data, self._tare)
        if self._randomizer is not None:
            observation = self._randomizer.noisy(observation)
        if self.options.obs_type == "pixels":
            observation["pixels"] = self._lens(COARSE).images(self.data, self.options.camera_sizes)
        return observation

    def _info(self, **info: Any) -> Info:
        return info if self._randomizer is None else {**info, "randomization": self._randomizer.drawn}

    def _make_randomizer(self) -> Randomizer | None:
        ranges = Randomization.of(self.options.randomization)
        if not ranges:
            return None
        space = self.core.controller.space
        neutral = (space.low + space.high).astype(np.float64) / 2
        return Randomizer(self.model, ranges, list(self.options.camera_sizes), neutral, self.options.fps)

    def _lens(self, look: Look) -> Cameras:
        if look not in self._cameras:
            self._cameras[look] = Cameras(self.core.model, look)
        return self._cameras[look]
