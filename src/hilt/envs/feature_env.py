"""`Environment`: any Gymnasium environment, speaking in named features. The only adapter between the two."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import gymnasium as gym
import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.data.env_spec import EnvSpec
from hilt.data.transition import Action, Feature, Judge, Observation, Schema
from hilt.envs.errors import EnvironmentFailedError, RenderingError, SimulationError
from hilt.errors import UserError
from hilt.operators.base import Event, Expert
from hilt.processors.observation import crop_and_resize, observed_features, select, to_features

_CANNOT_DRAW = (gym.error.Error, ImportError, RuntimeError, mujoco.FatalError)
"""With these, environments of others say that a package or OpenGL is missing."""


class UnsuitableEnvironmentError(UserError, ValueError):
    """An environment's actions are not of the kind that hilt can learn."""


class StepRefusedError(RuntimeError):
    """A step gave, or was given, numbers that are not finite. Nothing of it may be recorded."""


def require_finite(name: str, array: NDArray[Any]) -> None:
    """Raises StepRefusedError, naming `name`, when `array` holds NaN or infinity."""
    if not np.isfinite(array).all():
        raise StepRefusedError(f"{name} is not finite: {array}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a learned reward says of one observation."""

    reward: float
    success: bool
    terminate: bool
    probability: float
    milliseconds: float


class RewardFunction(Protocol):
    """A learned reward, asked once per control step."""

    def reset(self) -> None:
        """A new episode begins."""
        ...

    def __call__(self, observation: Observation) -> Judgement:
        """Judge `observation` (features, unbatched)."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one executed action led to. `is_success` is the word of `judge`."""

    observation: Observation
    reward: float
    terminated: bool
    truncated: bool
    is_success: bool
    discrete_penalty: float
    info: dict[str, Any]
    ground_truth: bool | None = None
    """The environment's own word, for audits alone; None: it has none."""
    judge: Judge = Judge.ENVIRONMENT


_JUDGED = {"validation": 1, "evaluation": 2}
"""Streams on which policies are judged -> the remainder of their seeds divided by 4; that of others is 0."""


def episode_seed(stream: str, seed: int, index: int) -> int:
    """The seed (31 bits) of episode `index` of the stream called `stream`.

    Validation, the final evaluation and all that trains have no seed in common, so that no policy is ever
    judged on an episode that it was trained on. Streams that train share seeds by chance only.
    """
    sequence = np.random.SeedSequence((zlib.crc32(stream.encode()), seed, index))
    return int(sequence.generate_state(1)[0]) & 0x7FFFFFFC | _JUDGED.get(stream, 0)


class Environment:
    """One environment, its features, and the way in which its episodes end.

    Args:
        env: actions a Box, observations a Box or a Dict of vectors and uint8 pictures.
        features: names of the features to keep, in order; None keeps all.
        transform: applied to the features of every observation (crop, resize).
        sizes: camera -> (3, H, W) of its pictures among the features that are kept; others as they are.
        reward_function: gives reward and success in place of the environment, whose word is `ground_truth`.
        success_threshold: for environments without `info["is_success"]`: a step reward from which the step
            is a success.
        trust_operator: the operator is the only judge: reward 1 and the end on SUCCESS, nothing before.

    Raises:
        UnsuitableEnvironmentError: actions of another kind. ObservationError: observations of another kind.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        features: Sequence[str] | None = None,
        *,
        transform: Callable[[Observation], Observation] | None = None,
        sizes: Mapping[str, tuple[int, ...]] | None = None,
        reward_function: RewardFunction | None = None,
        success_threshold: float | None = None,
        trust_operator: bool = False,
    ) -> None:
        if not isinstance(env.action_space, gym.spaces.Box) or len(env.action_space.shape) != 1:
            raise UnsuitableEnvironmentError(
                f"actions must be a Box of one dimension, these are {env.action_space}"
            )
        self.gym = env
        self._transform = transform
        self._sizes = dict(sizes or {})
        self._reward_function = reward_function
        self._success_threshold = success_threshold
        self._trust_operator = trust_operator
        self.action_low = env.action_space.low.astype(np.float32)
        self.action_high = env.action_space.high.astype(np.float32)
        available = observed_features(self._all_features(env.observation_space.sample()))
        self.features = list(features) if features is not None else list(available)
        sample = select({name: np.empty(0) for name in available}, self.features)
        self.schema = Schema(
            {name: self._kept(name, available[name]) for name in sample},
            Feature(self.action_low.shape, "float32"),
        )

    @property
    def neutral_action(self) -> Action:
        """[A]: no motion, the gripper as it is: the middle of each bounded axis, 0 of the others."""
        bounded = np.isfinite(self.action_low) & np.isfinite(self.action_high)
        middle = (np.where(bounded, self.action_low, 0) + np.where(bounded, self.action_high, 0)) / 2
        return self.clip(middle.astype(np.float32))

    @property
    def spec(self) -> EnvSpec:
        """What other processes need to know of it."""
        said, sizes = self.gym.metadata, {**self.schema.observation, "action": self.schema.action}
        fitting = {name: tuple(map(str, self.names[name])) for name in sizes if name in self.names}
        return EnvSpec(
            self.schema,
            tuple(self.action_low.tolist()),
            tuple(self.action_high.tolist()),
            tuple(self.neutral_action.tolist()),
            self.fps,
            real_time=bool(said.get("real_time", False)),
            resettable=bool(said.get("resettable", True)),
            may_run_unattended=bool(said.get("may_run_unattended", True)),
            names={name: words for name, words in fitting.items() if len(words) == sizes[name].shape[0]},
        )

    @property
    def expert(self) -> Expert | None:
        """Privileged knowledge of the task, where the environment offers it."""
        return getattr(self.gym.unwrapped, "expert", None)

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """Feature, or `action` -> what each of its numbers is, where the environment tells it."""
        said = getattr(self.gym.unwrapped, "feature_names", None)
        return said if isinstance(said, Mapping) else {}

    @property
    def robot_type(self) -> str | None:
        """Name of the robot, where the environment tells it."""
        said = self.gym.metadata.get("robot_type")
        return None if said is None else str(said)

    @property
    def initial_state(self) -> NDArray[np.float64] | None:
        """The simulator's state right after the last reset, where the environment tells it."""
        return getattr(self.gym.unwrapped, "initial_state", None)

    @property
    def time_limit_s(self) -> float | None:
        """Longest episode [s], where the environment tells it."""
        steps = getattr(self.gym.unwrapped, "max_steps", None)
        return None if steps is None else float(steps) / self.fps

    @property
    def fps(self) -> float:
        """Control steps per second of simulated time [Hz]."""
        return float(self.gym.metadata.get("render_fps", 10))

    def reset(self, seed: int, initial_state: NDArray[np.float64] | None = None) -> Observation:
        """Begin the episode of `seed`, from `initial_state` if one is given."""
        options = None if initial_state is None else {"initial_state": initial_state}
        raw, _ = self._ask("reset", lambda: self.gym.reset(seed=seed, options=options))
        if self._reward_function is not None:
            self._reward_function.reset()
        return self._checked(self._all_features(raw))

    def step(self, action: Action, event: Event | None = None) -> Outcome:
        """Execute `action` [A]; an operator's SUCCESS or FAILURE ends the episode.

        Raises:
            StepRefusedError: action, simulator or observation are not finite.
            EnvironmentFailedError: the environment itself raised something.
        """
        require_finite("the action", action)
        try:
            raw, reward, terminated, truncated, info = self._ask("step", lambda: self.gym.step(action))
        except SimulationError as error:
            raise StepRefusedError(f"the simulator refused the step: {error}") from error
        features = self._all_features(raw)
        observation = self._checked(features)
        require_finite("the environment's reward", np.asarray(reward))
        truth = self._own_word(float(reward), info)
        outcome = Outcome(
            observation,
            float(reward),
            bool(terminated),
            bool(truncated),
            bool(truth),
            float(info.get("discrete_penalty", 0.0)),
            dict(info),
            ground_truth=truth,
            judge=Judge.NOBODY if truth is None else Judge.ENVIRONMENT,
        )
        return self._with_event(self._with_reward_function(outcome, features), event)

    def clip(self, action: Action) -> Action:
        """`action` [A] within the bounds of the action space, as it will be executed and recorded."""
        return np.clip(action, self.action_low, self.action_high).astype(np.float32)

    def render(self) -> NDArray[np.uint8]:
        """One picture, uint8 [H, W, 3]. Raises RenderingError where none can be drawn."""
        if self.gym.render_mode != "rgb_array":
            raise RenderingError("this environment draws no pictures (render_mode is not rgb_array)")
        try:
            return np.asarray(self.gym.render())
        except RenderingError:
            raise
        except _CANNOT_DRAW as error:
            raise RenderingError(f"this environment draws no pictures: {error}") from error

    def live_view(self, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        """A picture for people who watch, uint8 [H, W, 3], of `size` where the environment can; None: no way.

        Raises:
            RenderingError: there is no OpenGL.
        """
        unwrapped = self.gym.unwrapped
        if hasattr(unwrapped, "live_view"):
            return np.asarray(unwrapped.live_view(size))
        return self.render() if self.gym.render_mode == "rgb_array" else None

    def close(self) -> None:
        self.gym.close()

    def _ask(self, what: str, ask: Callable[[], Any]) -> Any:
        """What the environment answers. Raises EnvironmentFailedError for what it should not have raised."""
        try:
            return ask()
        except (SimulationError, UserError):
            raise
        except Exception as error:
            name = self.gym.spec.id if self.gym.spec is not None else type(self.gym.unwrapped).__name__
            raise EnvironmentFailedError(name, what, error) from error

    def _all_features(self, raw: Any) -> Observation:
        features = to_features(raw)
        return features if self._transform is None else self._transform(features)

    def _kept(self, name: str, feature: Feature) -> Feature:
        return replace(feature, shape=self._sizes[name]) if name in self._sizes else feature

    def _checked(self, features: Observation) -> Observation:
        """The features that are kept. Raises StepRefusedError when a number is not finite."""
        observation = select(features, self.features)
        for name, shape in self._sizes.items():
            if name in observation:
                observation[name] = crop_and_resize(observation[name], None, (shape[1], shape[2]))
        for name, array in observation.items():
            if array.dtype == np.float32:
                require_finite(f"the environment's {name}", array)
        return observation

    def _own_word(self, reward: float, info: dict[str, Any]) -> bool | None:
        """Whether the environment itself calls the step a success; None: it does not say."""
        if self._success_threshold is not None:
            return reward >= self._success_threshold
        said = info.get("is_success", info.get("success"))
        return None if said is None else bool(said)

    def _with_reward_function(self, outcome: Outcome, features: Observation) -> Outcome:
        """The classifier sees all `features`, those that the policy does not use included."""
        lost = outcome.terminated and not outcome.ground_truth
        if self._trust_operator:
            return replace(outcome, reward=0.0, terminated=lost, is_success=False, judge=Judge.PERSON)
        if self._reward_function is None:
            return outcome
        judged = self._reward_function(features)
        return replace(
            outcome,
            reward=judged.reward,
            terminated=judged.terminate or lost,
            is_success=judged.success,
            judge=Judge.CLASSIFIER,
            info={**outcome.info, "reward_classifier": judged},
        )

    @staticmethod
    def _with_event(outcome: Outcome, event: Event | None) -> Outcome:
        if event not in (Event.SUCCESS, Event.FAILURE):
            return outcome
        success = event is Event.SUCCESS
        return replace(
            outcome,
            reward=float(success),
            terminated=True,
            truncated=False,
            is_success=success,
            judge=Judge.PERSON,
        )
