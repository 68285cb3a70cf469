"""Tests of the policy alone: when there is to be one, which weights are in it, and what came out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hilt.rollout.evaluation import wilson_interval
from hilt.transport.weights import Weights

_TIMEOUT_S = 120.0
_REST_S = 3.0


@dataclass(slots=True)
class Exam:
    """The episodes of one test: `planned` ones, unless it is clear before that the rate `target` is reached
    or missed. A target of 0 is never clear before the end."""

    planned: int
    target: float
    played: int = 0
    successes: int = 0

    def add(self, is_success: bool) -> None:
        """One more episode."""
        self.played += 1
        self.successes += is_success

    @property
    def is_decided(self) -> bool:
        """Whether nothing is to be learned from the episodes that are left."""
        return self._is_passed or self.played - self.successes > self.planned - self._needed

    @property
    def rate(self) -> float:
        """Success rate; of one that is not passed, episodes that were not played count as failures."""
        return self.successes / (self.played if self._is_passed else self.planned)

    @property
    def _needed(self) -> int:
        return math.ceil(round(self.target * self.planned, 6))

    @property
    def _is_passed(self) -> bool:
        """With the certainty (lower end of Wilson's interval) that the fewest successes needed among all
        planned episodes would give."""
        if not self._needed:
            return False
        certain, _ = wilson_interval(self.successes, self.played)
        enough, _ = wilson_interval(self._needed, self.planned)
        return certain >= enough


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
        """Actors act at least half of the time: long tests are rare ones."""
        now = time.monotonic()
        self._next = now + max(_REST_S, now - self._began)
        self._weights = None
