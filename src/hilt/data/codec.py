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


def _to_array(tensor: Tensor, feature: Feature) -> np.ndarray:
    if tensor.dtype != feature.dtype or tuple(tensor.shape) != feature.shape:
        raise SchemaError(
            f"{tensor.name!r} is {tensor.dtype}{tuple(tensor.shape)}, expected {feature.dtype}{feature.shape}"
        )
    if len(tensor.data) != feature.nbytes:
        raise SchemaError(f"{tensor.name!r} carries {len(tensor.data)} bytes, expected {feature.nbytes}")
    return np.frombuffer(tensor.data, feature.dtype).reshape(feature.shape)


def _to_observation(tensors: Iterable[Tensor], features: Mapping[str, Feature]) -> Observation:
    observation = {}
    for tensor in tensors:
        if tensor.name not in features or tensor.name in observation:
            raise SchemaError(f"observation {tensor.name!r} is unknown or twice; known: {sorted(features)}")
        observation[tensor.name] = _to_array(tensor, features[tensor.name])
    return observation


class Encoder:
    """Transitions of one actor, in the order in which they happened, to Steps."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def encode(self, transition: Transition) -> Step:
        """One Step; it holds `observation` only if the previous call was not the step before."""
        key = (transition.episode_id, transition.step)
        continues = self._last == (transition.episode_id, transition.step - 1)
        self._last = key
        return Step(
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
            action=_to_array(step.action, self.schema.action),
            policy_action=_to_array(step.policy_action, self.schema.action),
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
