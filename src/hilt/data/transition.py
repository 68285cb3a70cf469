"""`Transition`: the one currency, from the environment to the disk, to the wire, to the batch."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.errors import UserError

Observation = dict[str, NDArray[Any]]
"""Feature name -> array. Names are the field's: `observation.state`, `observation.environment_state`
(float32 vectors) and `observation.images.CAMERA` (uint8, [C, H, W])."""

Action = NDArray[np.float32]
"""Float32 `[A]`, in environment units."""

STATE = "observation.state"
ENVIRONMENT_STATE = "observation.environment_state"
IMAGES = "observation.images"
"""Prefix of the camera features: `observation.images.front` is what the camera `front` saw."""

_LARGEST = float(np.finfo(np.float32).max)


class Controller(enum.IntEnum):
    """Who chose the executed action."""

    POLICY = 0
    OPERATOR = 1


class Judge(enum.StrEnum):
    """Whose word is an episode's success: the first of these that there is."""

    PERSON = "person"
    CLASSIFIER = "classifier"
    ENVIRONMENT = "environment"
    NOBODY = "nobody"


class SchemaError(UserError, ValueError):
    """A transition does not have the shape, type or finite numbers that the schema promises."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Shape and dtype of one array: `float32`, `uint8`, or `float16` for what is computed from pictures."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float16", "uint8"):
            raise ValueError(f"feature dtype {self.dtype!r}: float32, float16 or uint8")
        if any(size < 1 for size in self.shape):
            raise ValueError(f"feature shape {self.shape}: every size must be positive")

    @property
    def is_image(self) -> bool:
        return self.dtype == "uint8" and len(self.shape) == 3

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize

    def check(self, name: str, array: NDArray[Any]) -> None:
        """Raises SchemaError when `array` is of another shape or dtype, or not finite."""
        if array.shape != self.shape or array.dtype != self.dtype:
            raise SchemaError(f"{name} is {array.dtype}{array.shape}, expected {self.dtype}{self.shape}")
        if self.dtype == "float32" and not np.isfinite(array).all():
            raise SchemaError(f"{name} holds a value that is not finite")


@dataclass(frozen=True, slots=True)
class Schema:
    """What every observation and action of one run looks like."""

    observation: Mapping[str, Feature]
    action: Feature

    @property
    def images(self) -> list[str]:
        return [name for name, feature in self.observation.items() if feature.is_image]

    @property
    def vectors(self) -> list[str]:
        return [name for name, feature in self.observation.items() if not feature.is_image]

    @property
    def action_dim(self) -> int:
        return self.action.shape[0]

    def check_observation(self, observation: Observation) -> None:
        """Raises SchemaError when features are missing, unknown, misshapen or not finite."""
        if observation.keys() != self.observation.keys():
            raise SchemaError(f"observation has {sorted(observation)}, expected {sorted(self.observation)}")
        for name, feature in self.observation.items():
            feature.check(name, observation[name])

    def check(self, transition: Transition) -> None:
        """Raises SchemaError when any part of `transition` breaks the schema."""
        if not (0 <= transition.episode_id < 2**63 and 0 <= transition.step < 2**32):
            raise SchemaError(
                f"episode {transition.episode_id}, step {transition.step}: must be in 0..2^63-1 and 0..2^32-1"
            )
        self.check_observation(transition.observation)
        self.check_observation(transition.next_observation)
        self.action.check("action", transition.action)
        self.action.check("policy_action", transition.policy_action)
        if not (abs(transition.reward) <= _LARGEST and abs(transition.discrete_penalty) <= _LARGEST):
            raise SchemaError(
                f"reward {transition.reward}, discrete penalty {transition.discrete_penalty}: must be finite"
            )

    def to_json(self) -> dict[str, Any]:
        """A plain dict from which `from_json` makes the same schema."""
        return {
            "observation": {
                name: {"shape": list(feature.shape), "dtype": feature.dtype}
                for name, feature in self.observation.items()
            },
            "action": {"shape": list(self.action.shape), "dtype": self.action.dtype},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Schema:
        def feature(entry: Mapping[str, Any]) -> Feature:
            return Feature(tuple(int(size) for size in entry["shape"]), str(entry["dtype"]))

        return Schema(
            {str(name): feature(entry) for name, entry in data["observation"].items()},
            feature(data["action"]),
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """One control step.

    `action` is what the robot executed, `policy_action` what the policy proposed (equal when the policy was
    in control, or when there was no policy to ask). `reward` is the environment's alone; the gripper penalty
    is `discrete_penalty` (<= 0). `terminated` and `truncated` are never merged. `episode_id` is unique over
    all actors and restarts of a run (63 bits), so (`episode_id`, `step`) names a transition for ever.
    """

    observation: Observation
    action: Action
    policy_action: Action
    controller: Controller
    reward: float
    terminated: bool
    truncated: bool
    next_observation: Observation
    discrete_penalty: float
    episode_id: int
    step: int
    is_success: bool = False

    @property
    def is_intervention(self) -> bool:
        return self.controller is Controller.OPERATOR

    @property
    def done(self) -> bool:
        """The episode has no further step, for whichever reason."""
        return self.terminated or self.truncated
