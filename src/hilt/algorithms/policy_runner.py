"""A trained policy, one observation at a time: `action = policy(observation)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilt.algorithms.base import Policy
from hilt.data.transition import Action
from hilt.processors.observation import select, to_batch, to_features
from hilt.processors.pictures import fitted

RawObservation = Mapping[str, Any] | NDArray[Any]

_LARGEST_SEED = 2**63 - 1


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
        described = {**policy.config["input_features"], **policy.config["output_features"]}
        self.shapes = {name: tuple(feature["shape"]) for name, feature in described.items()}
        """Of those features, and of the action."""
        self._pictures = {name: shape for name, shape in self.shapes.items() if len(shape) == 3}

    @torch.inference_mode()
    def __call__(self, observation: RawObservation) -> Action:
        """Action [A], environment units, for one observation: an environment's own, or named features."""
        features = select(to_features(observation), self.features)
        for name, shape in self._pictures.items():
            features[name] = fitted(name, features[name], shape, "the policy")
        action = self._policy.act(
            to_batch(features, self._device), deterministic=self._deterministic, generator=self._generator
        )
        return np.asarray(action[0].cpu().numpy(), np.float32)

    def reset(self, seed: int = 0) -> None:
        """The episode of `seed` begins.

        A deterministic runner repeats itself exactly in the same episode, and draws other noise in another
        one: an evaluation of many episodes is not one draw of the noise.
        """
        self._policy.reset()
        if self._deterministic:
            mixed = np.random.SeedSequence([self._seed, seed % 2**64]).generate_state(1, np.uint64)
            self._generator.manual_seed(int(mixed[0]) & _LARGEST_SEED)

    def interrupt(self) -> None:
        """The operator is in control: what was planned is void."""
        self._policy.interrupt()
