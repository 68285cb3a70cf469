"""`Transition` to and from protobuf `Step`s, storing each frame once.

Consecutive steps of an episode share an observation: it is written as the next observation of the one and
left out of the other. Nothing that is read is executed or unpickled; every tensor is checked against the
schema before it becomes an array.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from hilt.data.transition import Controller, Feature, Observation, Schema, SchemaError, Transition
from hilt.data.transition_pb2 import Step, Tensor


def _to_tensor(name: str, array: np.ndarray) -> Tensor:
    return Tensor(name=name, dtype=str(array.dtype), shape=array.shape, data=array.tobytes())


def _to_array(tensor: Tensor, name: str, feature: Feature) -> np.ndarray:
    # A stranger may have filled the fields that do not fit with megabytes: the message repeats only a little.
    if tensor.dtype != feature.dtype or tuple(tensor.shape) != feature.shape:
        found = f"{tensor.dtype[:16]}{tuple(tensor.shape[:8])}"
        raise SchemaError(f"{name} is {found}, expected {feature.dtype}{feature.shape}")
    data = tensor.data  # every access copies
    if len(data) != feature.nbytes:
        raise SchemaError(f"{name} carries {len(data)} bytes, expected {feature.nbytes}")
    return np.frombuffer(data, feature.dtype).reshape(feature.shape)


def _to_observation(tensors: Iterable[Tensor], features: Mapping[str, Feature]) -> Observation:
    observation = {}
    for tensor in tensors:
        name = tensor.name
        if name not in features or name in observation:
            raise SchemaError(f"observation {name[:80]!r} is unknown or twice; known: {sorted(features)}")
        observation[name] = _to_array(tensor, name, features[name])
    return observation


class Encoder:
    """Transitions of one actor, in the order in which they happened, to Steps."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def encode(self, transition: Transition) -> Step:
        """One Step; it holds `observation` only if the previous call was not the step before."""
        continues = self._last == (transition.episode_id, transition.step - 1)
        step = Step(
            episode_id=transition.episode_id,
            step=transition.step,
            observation=()
            if continues
            else [_to_tensor(name, array) for name, array in transition.observation.items()],
            next_observation=[_to_tensor(name, array) for name, array in transition.next_observation.items()],
            action=_to_tensor("action", transition.action),
            policy_action=_to_tensor("policy_action", transition.policy_action),
            is_intervention=transition.is_intervention,
            reward=transition.reward,
            discrete_penalty=transition.discrete_penalty,
            terminated=transition.terminated,
            truncated=transition.truncated,
            is_success=transition.is_success,
        )
        self._last = (transition.episode_id, transition.step)
        return step

    def reset(self) -> None:
        """The reader has changed or lost its place: the next Step is self-contained."""
        self._last = None


class Decoder:
    """Steps of one stream back to Transitions, checked against the schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._last: tuple[int, int] | None = None
        self._observation: Observation = {}

    def decode(self, step: Step) -> Transition:
        """Raises SchemaError when the Step does not fit the schema or its predecessor is missing.

        The decoder's place in the stream is unchanged by a Step that is refused.
        """
        if step.observation:
            observation = _to_observation(step.observation, self.schema.observation)
        elif self._last == (step.episode_id, step.step - 1):
            observation = self._observation
        else:
            raise SchemaError(f"step {step.step} of episode {step.episode_id}: the step before it is missing")
        transition = Transition(
            observation=observation,
            action=_to_array(step.action, "action", self.schema.action),
            policy_action=_to_array(step.policy_action, "policy_action", self.schema.action),
            controller=Controller.OPERATOR if step.is_intervention else Controller.POLICY,
            reward=step.reward,
            terminated=step.terminated,
            truncated=step.truncated,
            next_observation=_to_observation(step.next_observation, self.schema.observation),
            discrete_penalty=step.discrete_penalty,
            episode_id=step.episode_id,
            step=step.step,
            is_success=step.is_success,
        )
        self.schema.check(transition)
        self._last = (transition.episode_id, transition.step)
        self._observation = transition.next_observation
        return transition
