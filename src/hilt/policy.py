"""A trained policy, one observation at a time: `action = policy(observation)`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilt.algorithms.base import Policy
from hilt.algorithms.registry import policy_from_config
from hilt.data.transition import Action
from hilt.processors.observation import select, to_batch, to_features
from hilt.training.checkpoints import CheckpointError, read_model
from hilt.transport.weights import Weights

RawObservation = Mapping[str, Any] | NDArray[Any]


class PolicyRunner:
    """Acts by `policy`. Its noise, if it acts with any, depends on `seed` and the episode alone."""

    def __init__(
        self, policy: Policy, *, deterministic: bool = True, seed: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        self._policy = policy.to(device).eval()
        self._deterministic = deterministic
        self._device = torch.device(device)
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._seed = seed
        self.features = list(policy.config["input_features"])
        """Names of the features that it looks at."""

    @torch.inference_mode()
    def __call__(self, observation: RawObservation) -> Action:
        """Action [A], environment units, for one observation: an environment's own, or named features."""
        features = select(to_features(observation), self.features)
        action = self._policy.act(
            to_batch(features, self._device), deterministic=self._deterministic, generator=self._generator
        )
        return np.asarray(action[0].cpu().numpy(), np.float32)

    def reset(self) -> None:
        """An episode begins; a deterministic runner repeats itself exactly in the same episode."""
        self._policy.reset()
        if self._deterministic:
            self._generator.manual_seed(self._seed)

    def interrupt(self) -> None:
        """The operator is in control: what was planned is void."""
        self._policy.interrupt()


class FreshPolicy:
    """A policy that takes up the newest weights at the next step; at the next chunk, where it plans them."""

    def __init__(self, first: Weights, newest: Callable[[], Weights | None], *, seed: int) -> None:
        self._policy = policy_from_config(dict(first.config))
        self._policy.load_state_dict(first.tensors)
        self._newest = newest
        self._runner = PolicyRunner(self._policy, deterministic=False, seed=seed)
        self.version = first.version
        self._taken_at = time.monotonic()

    def __call__(self, observation: RawObservation) -> Action:
        """Action [A] for one observation, by weights that are as new as they can be."""
        self.refresh()
        return self._runner(observation)

    def refresh(self) -> None:
        """Take up newer weights now, unless a chunk is being executed."""
        if self._policy.is_mid_plan:
            return
        weights = self._newest()
        if weights is not None:
            self._policy.load_state_dict(weights.tensors)
            self.version = weights.version
            self._taken_at = time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the weights were taken up: how far the actor lags behind a learner that learns."""
        return time.monotonic() - self._taken_at

    def reset(self) -> None:
        self._runner.reset()

    def interrupt(self) -> None:
        self._runner.interrupt()

    def deterministic(self) -> PolicyRunner:
        """The same weights without exploration, for validation."""
        return PolicyRunner(self._policy, deterministic=True)


def load_policy(
    folder: str | Path, *, device: torch.device | str = "cpu", deterministic: bool = True
) -> PolicyRunner:
    """The policy saved in `folder` (`.../pretrained_model`, or the checkpoint above it).

    Raises:
        CheckpointError: it is missing, damaged, or not a policy.
    """
    config, tensors = read_model(Path(folder))
    try:
        policy = policy_from_config(config)
        policy.load_state_dict(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder} holds no policy that this version can build: {error}") from error
    return PolicyRunner(policy, deterministic=deterministic, device=device)
