"""Tests of the policy alone: when there is to be one, which weights are in it, and what came out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hilt.transport.weights import Weights

_TIMEOUT_S = 120.0
_REST_S = 3.0
_LEAST_SHARE_OF_ACTING = 2 / 3


class Validation:
    """An actor runs the test while training goes on.

    Nothing is published meanwhile, so that the actor tests exactly the weights that are kept here.

    Args:
        target: success rate at which training ends; recent episodes without help that reach a third of it
            cause a test: they were played with exploration.
        every: online updates between two tests, whatever the target; 0: none.
        updates: online updates before the run began, or went on.
    """

    def __init__(self, target: float | None, every: int, updates: int = 0) -> None:
        self._target, self._every = target, every
        self._weights: Weights | None = None
        self._began = 0.0
        self._next = time.monotonic() + _REST_S
        self._last_updates = updates

    @property
    def version(self) -> int:
        """Of the weights that are being tested; 0: none are."""
        return 0 if self._weights is None else self._weights.version

    def is_due(self, updates: int, success_rate: float) -> bool:
        """Whether to begin one after `updates` online updates; `success_rate` is that of recent episodes."""
        if self._weights is not None:
            return False
        if self._every and updates - self._last_updates >= self._every:
            return True
        wanted = self._target is not None and self.is_promising(success_rate)
        return wanted and time.monotonic() >= self._next

    def is_promising(self, success_rate: float) -> bool:
        """Whether it is at least a third of the target; without a target every rate is promising."""
        return success_rate >= (self._target or 0.0) / 3

    def begin(self, weights: Weights, updates: int) -> None:
        """`weights`, a copy, are being tested."""
        self._weights, self._began, self._last_updates = weights, time.monotonic(), updates

    def finish(self, report: Mapping[str, Any]) -> tuple[float, Weights] | None:
        """Success rate and weights of the test that `report` ends; None when it is of another one."""
        weights = self._weights
        if weights is None or report["validated_version"] != weights.version:
            return None
        self._rest()
        return float(report["validation"]), weights

    def give_up_if_late(self) -> bool:
        """An actor that died in the middle of a test says nothing any more: True when that is over."""
        late = self._weights is not None and time.monotonic() - self._began > _TIMEOUT_S
        if late:
            self._rest()
        return late

    def _rest(self) -> None:
        """Actors act most of the time: long tests are rare ones."""
        now = time.monotonic()
        share = _LEAST_SHARE_OF_ACTING
        self._next = now + max(_REST_S, (now - self._began) * share / (1 - share))
        self._weights = None
