"""`FrankaEnv`: the Gymnasium environment of a real arm, with the numbers of the simulated one."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hilt.data.transition import STATE
from hilt.envs.control import STAY, ActionScale, Controller
from hilt.envs.errors import RenderingError
from hilt.envs.panda.real.arm import STOPPED, Arm, ArmFaultError, ArmState
from hilt.envs.panda.real.cameras import Cameras, Image, resized
from hilt.envs.panda.real.options import PUT_BACK, People, RealOptions
from hilt.envs.panda.real.safety import Response, Rule, Safety, Situation
from hilt.envs.panda.real.target import MeasuredTool, Target
from hilt.envs.panda.robot import Panda
from hilt.envs.physics import Array
from hilt.errors import UserError

Observation = dict[str, Any]
Info = dict[str, Any]

NOT_ALLOWED = "not_allowed"
"""The fault of an arm that a person did not allow to move."""


class UnattendedError(UserError, RuntimeError):
    """A person has to allow what the arm is to do next, and there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an action."""

    action: Array
    """What is done, `[A]`."""
    penalty: float = 0.0
    """For the gripper."""
    shadow: Array | None = None
    """In shadow mode, the way that the action would have gone, `[3]` m."""


class FrankaEnv(gym.Env):  # type: ignore[misc]
    """A Franka arm at its table. Actions, observations, frames and the gripper are `ArmEnv`'s with a Panda.

    A step gives the arm its target, waits until the control period is over, and looks. Success is for people
    or for a classifier to say. What stops the arm ends the episode as truncated, and has its name in
    `info["fault"]`; `info["safety"]` names the rules that the step has broken, and `info["executed_action"]`
    is what was done: no motion where the rules held the arm. `info["shadow"]` is the way that an action in
    shadow mode would have gone, m.

    Args:
        arm: this environment alone commands it.
        cameras: what is seen; None: nothing.
        put_back: restores the scene once the arm is at home; None: a person is asked to.
    """

    def __init__(
        self,
        arm: Arm,
        options: RealOptions,
        cameras: Cameras | None = None,
        put_back: Callable[[Arm], None] | None = None,
    ) -> None:
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": options.fps,
            "robot_type": "franka",
            "real_time": True,
            "resettable": False,
            "may_run_unattended": False,
        }
        self.render_mode = None if cameras is None else "rgb_array"
        self.options, self.people, self.max_steps = options, People(), options.steps
        everywhere = np.full(3, np.inf)  # the workspace is the safety rules' to keep, and to count
        scale = ActionScale(np.asarray(options.position_step), options.rotation_step, -everywhere, everywhere)
        self.controller = Controller(MeasuredTool(), options.action_mode, options.use_gripper, scale)
        self.action_space = self.controller.space
        self.observation_space = _space(options, cameras)
        self.safety = Safety(options.limits, self.action_space.low, self.action_space.high)
        self.fault: str | None = None
        """What has stopped the arm, until it is cleared."""
        self._arm, self._cameras, self._put_back = arm, cameras, put_back
        self._state, self._target = arm.state(), Target()
        self._tare = np.zeros(24)
        self._allowed, self._steps = not options.hold_to_run, 0
        self._period_ends = self._seen_at = self._picture_age = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """The arm goes home, and the scene is put back.

        A person allows the first motion, and the first after a fault. Where they want the end instead,
        nothing moves, and the episode's first step is its last.

        Raises:
            UnattendedError: there is nobody to ask.
        """
        super().reset(seed=seed)
        self.safety.begin()
        self._steps, self._period_ends = 0, 0.0
        try:
            self._allow_motion()
            self._go_home()
        except ArmFaultError as error:
            self.fault = self.fault or error.reason
        return self._look(), {"fault": self.fault, "discrete_penalty": 0.0}

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, Info]:
        self.safety.begin_step()
        self._steps += 1
        done = Decision(self._neutral_action)
        try:
            self._require_no_fault()
            self._state = self._arm.state()
            done = self._decide(action)
            self._command(done.action)
            self._wait()
            self._state = self._arm.state()
        except ArmFaultError as error:
            self.fault = self.fault or error.reason
        observation = self._look()
        self.safety.situation(Situation(state_age=self._state.age, picture_age=self._picture_age))
        if self.safety.response is Response.STOP:
            self.stop(str(self.safety.gravest))
        truncated = self.safety.ends_episode or self.fault is not None or self._steps >= self.max_steps
        info = {
            "executed_action": done.action.astype(np.float32),
            "discrete_penalty": done.penalty,
            "safety": tuple(self.safety.broken),
            "fault": self.fault,
            "shadow": done.shadow,
        }
        return observation, 0.0, False, truncated, info

    def stop(self, fault: str = STOPPED) -> None:
        """The arm stops at once, and stays until a person allows more. From any thread."""
        self.fault = self.fault or fault
        self._arm.stop()

    def render(self) -> Image:
        """What the first camera sees, uint8 `[H, W, 3]`. Raises RenderingError without a camera."""
        if self._cameras is None:
            raise RenderingError("this arm has no camera (env.robot.cameras)")
        return next(iter(self._cameras.read()[0].values()))

    def live_view(self, size: tuple[int, int]) -> Image:
        """The same, of `size` (height, width)."""
        return resized(self.render(), size)

    @property
    def feature_names(self) -> dict[str, list[str]]:
        """What the numbers of `observation.state` and `action` are."""
        return {STATE: Panda.state_names(self.options.force_torque), "action": self.controller.names}

    def close(self) -> None:
        """The arm ends its motion, and is let go of; so are the cameras."""
        self._arm.close()
        if self._cameras is not None:
            self._cameras.close()

    # Before an episode

    def _allow_motion(self) -> None:
        if self.fault is not None and self.fault not in self.options.recover:
            self._ask(f"The arm has stopped: {self.fault}. Is all clear, and may it move again?")
        elif not self._allowed:
            self._ask("The arm goes to its home position next. Is all clear?")
        if self.fault is not None:
            self._arm.recover()
        self.fault, self._allowed = None, True

    def _go_home(self) -> None:
        self._target.open()
        self._arm.grip(self._target.opening)
        self._arm.home(self.options.home)
        if self._put_back is not None:
            self._put_back(self._arm)
        else:
            self._ask(PUT_BACK)
        self._state = self._arm.state()
        self._target.rest(self._state.tcp)
        self._tare = _wrench(self._state)

    def _ask(self, sentence: str) -> None:
        """Raises ArmFaultError where a person wants the end instead, UnattendedError where there is none."""
        if self.people.confirms is None:
            raise UnattendedError(
                f"{sentence} There is nobody to ask: open the page (leave out --no-ui), or say in env.robot "
                "what may be done without (hold_to_run, reset, recover)"
            )
        if not self.people.confirms(sentence):
            raise ArmFaultError(NOT_ALLOWED)

    # During one

    @property
    def _neutral_action(self) -> Array:
        """No motion, the gripper as it is."""
        neutral = np.zeros(self.action_space.shape)
        if self.controller.use_gripper:
            neutral[-1] = STAY
        return neutral

    def _require_no_fault(self) -> None:
        if self.fault is not None:
            raise ArmFaultError(self.fault)

    def _situation(self) -> Situation:
        held = self.options.hold_to_run
        return Situation(
            force=float(np.linalg.norm(self._state.force - self._tare[:3])),
            state_age=self._state.age,
            picture_age=self._picture_age,
            operator_silence=self.people.operator_silence() if held else 0.0,
            learner_silence=self.people.learner_silence(),
            policy_delay=time.monotonic() - self._seen_at,
        )

    def _decide(self, action: NDArray[np.float32]) -> Decision:
        """The action itself where the rules let it pass; else, and in shadow mode, no motion."""
        self.safety.situation(self._situation())
        values = self.safety.action(action)
        if values is None or self.safety.holds:
            return Decision(self._neutral_action)
        if self.options.shadow and not self.people.drives():
            return Decision(self._neutral_action, shadow=self._rehearsed(values))
        reverses = bool(self.controller.reverses_gripper(self._target, values))
        return Decision(values, self.options.gripper_penalty * reverses)

    def _command(self, action: Array) -> None:
        """Move the target by `action` [A] as the simulator does, and send the arm where safety lets it go."""
        target = self._target
        if Rule.FORCE in self.safety.broken:
            target.rest(self._state.tcp)
        before, target.tool = target.pose, self._state.tcp
        self.controller.apply(target, action)
        target.pose = self.safety.target(before, target.pose)
        self._arm.move_to(target.pose)
        self._arm.grip(target.opening)

    def _rehearsed(self, action: Array) -> Array:
        """The way [3 m] on which `action` would have sent the arm; safety says what it thinks of it."""
        before, target = self._target.pose, deepcopy(self._target)
        target.tool = self._state.tcp
        self.controller.apply(target, action)
        return np.asarray(self.safety.target(before, target.pose)[0] - before[0])

    def _wait(self) -> None:
        """Until the control period is over; a step that comes late has a whole one."""
        now, period = time.monotonic(), self.safety.limits.period
        if self._period_ends <= now:
            self._period_ends = now + period
        time.sleep(self._period_ends - now)
        self._period_ends += period

    def _look(self) -> Observation:
        """`agent_pos` float32 [18 or 42] and, with cameras, `pixels`; notes when, and how old they are."""
        state = self._state
        parts = [state.joint_pos, state.joint_vel, np.array([state.opening]), state.tcp[0]]
        if self.options.force_torque:
            parts.append(_wrench(state) - self._tare)
        observation: Observation = {"agent_pos": np.concatenate(parts).astype(np.float32)}
        if self._cameras is not None:
            observation["pixels"], self._picture_age = self._cameras.read()
        self._seen_at = time.monotonic()
        return observation


def _wrench(state: ArmState) -> Array:
    """Force at the tool, then three torques at each joint, `[24]`: that about its axis is the third."""
    torques = np.zeros((7, 3))
    torques[:, 2] = state.torque
    return np.concatenate((state.force, torques.ravel()))


def _space(options: RealOptions, cameras: Cameras | None) -> spaces.Dict:
    size = len(Panda.state_names(options.force_torque))
    space: dict[str, spaces.Space[Any]] = {"agent_pos": spaces.Box(-np.inf, np.inf, (size,), np.float32)}
    if cameras is not None:
        images = {name: spaces.Box(0, 255, (*size, 3), np.uint8) for name, size in cameras.sizes.items()}
        space["pixels"] = spaces.Dict(images)
    return spaces.Dict(space)
