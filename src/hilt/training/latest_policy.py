"""The policy of an actor: it acts by the newest weights that the learner has published."""

from __future__ import annotations

import time
from collections.abc import Callable

from hilt.algorithms.policy_runner import PolicyRunner, RawObservation
from hilt.algorithms.registry import policy_from_config
from hilt.data.transition import Action
from hilt.transport.weights import Weights


class LatestPolicy:
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

    def reset(self, seed: int) -> None:
        self._runner.reset(seed)

    def interrupt(self) -> None:
        self._runner.interrupt()

    def deterministic(self) -> PolicyRunner:
        """The same weights without exploration, for validation."""
        return PolicyRunner(self._policy, deterministic=True)
