"""Tests of the policy alone: when there is to be one, which weights are in it, and what came out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hilt.rollout.evaluation import wilson_interval
from hilt.training.plan import Plan
from hilt.training.sequential_test import SequentialTest
from hilt.training.status import Count
from hilt.transport.messages import PolicyTest
from hilt.transport.weights import Weights

_SILENCE_S = 120.0
SIGN_OF_LIFE_S = 5.0
"""An actor that tests says so this often, whatever an episode takes."""
_REST_S = 3.0
_EXPLORATION_TAKES = 1.5
"""Times as long as the policy alone, at most."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that is over, and what was tested."""

    weights: Weights
    is_passed: bool
    rate: float
    """Success rate, unbiased."""
    score: float
    """By which tests are compared: what the success rate is at least (Wilson's 95 % interval), so that a long
    good test counts for more than a short lucky one."""


class Validation:
    """An actor runs the test while training goes on.

    Nothing is published meanwhile, so that the actor tests exactly the weights that are kept here.

    Args:
        target: success rate at which training ends; recent episodes without help that reach a third of it
            cause a test: they were played with exploration.
        every: online updates between two tests, whatever the target; 0: none.
        updates: online updates before the run began, or went on.
        episodes: of a test without a target.
        cycle_steps: median length of successful episodes that a test must not exceed to be passed; recent
            episodes without help that take half as long again, with exploration, cause a test.
    """

    def __init__(
        self,
        target: float | None,
        every: int,
        updates: int = 0,
        episodes: int = 200,
        cycle_steps: float = math.inf,
    ) -> None:
        self._target, self._every, self._episodes = target, every, episodes
        self._cycle_steps = cycle_steps
        self.count = 0
        """Tests that this run has begun; they share their chance to err."""
        self._weights: Weights | None = None
        self._count: Count | None = None
        self._began = self._heard = 0.0
        self._next = time.monotonic() + _REST_S
        self._last_updates = updates

    @property
    def version(self) -> int:
        """Of the weights that are being tested; 0: none are."""
        return 0 if self._weights is None else self._weights.version

    @staticmethod
    def of(plan: Plan, updates: int) -> Validation:
        """What `plan` asks for, after `updates` online updates."""
        return Validation(
            plan.target_success_rate,
            plan.eval_freq,
            max(0, updates),
            plan.validation_episodes,
            plan.target_cycle_steps,
        )

    def is_due(self, updates: int, success_rate: float, cycle_steps: float = 0.0) -> bool:
        """Whether to begin one after `updates` online updates; the others are of recent episodes alone."""
        if self._weights is not None:
            return False
        if self._every and updates - self._last_updates >= self._every:
            return True
        fast = cycle_steps <= _EXPLORATION_TAKES * self._cycle_steps
        wanted = self._target is not None and self.is_promising(success_rate) and fast
        return wanted and time.monotonic() >= self._next

    def is_promising(self, success_rate: float) -> bool:
        """Whether it is at least a third of the target; without a target every rate is promising."""
        return success_rate >= (self._target or 0.0) / 3

    @property
    def request(self) -> PolicyTest | None:
        """What an actor is to test now."""
        if self._weights is None:
            return None
        return PolicyTest(self._weights.version, self._target or 0.0, self._episodes, self.count)

    @property
    def count_of_episodes(self) -> Count | None:
        """How far the test is, as far as its actor has said; None: none is under way."""
        return self._count

    def begin(self, weights: Weights, updates: int) -> None:
        """`weights`, a copy, are being tested."""
        self._weights, self._last_updates = weights, updates
        self._began = self._heard = time.monotonic()
        self.count += 1

    def hear(self, report: Mapping[str, Any]) -> Tested | None:
        """The test that `report` ends; None when it only says that the test goes on, or is about another."""
        weights = self._weights
        if weights is None or weights.version not in (report.get("tested"), report.get("testing")):
            return None
        self._heard = time.monotonic()
        if "testing" in report:
            self._count = Count(int(report.get("played", 0)), int(report.get("longest", 0)), "episodes")
            return None
        self._rest()
        return self.judge(weights, report)

    def judge(self, weights: Weights, result: Mapping[str, Any]) -> Tested:
        """What `SequentialTest.result` says of `weights`."""
        successes, played = int(result["Validation successes"]), int(result["Validation episodes"])
        score, _ = wilson_interval(successes, played)
        is_fast = float(result.get("Validation cycle steps", math.inf)) <= self._cycle_steps
        is_passed = bool(result["Validation passed"]) and is_fast
        return Tested(weights, is_passed, float(result["Validation success rate"]), score)

    def give_up_if_silent(self) -> bool:
        """An actor that died in the middle of a test says nothing any more: True when that is over.

        However long a test takes, one that is under way is heard of every few seconds.
        """
        silent = self._weights is not None and time.monotonic() - self._heard > _SILENCE_S
        if silent:
            self._rest()
        return silent

    def _rest(self) -> None:
        """Actors act at least half of the time: long tests are rare ones."""
        now = time.monotonic()
        self._next = now + max(_REST_S, now - self._began)
        self._weights = self._count = None


class AttendedTest:
    """The same test on the episodes of training: where the arm may not run unattended, or only people judge.

    An episode counts as a success when it needed no help. The policy goes on learning meanwhile, and acts
    with its exploration: what passes is about the average of the policies that were tested.
    """

    def __init__(self, target: float, number: int = 1) -> None:
        self._test = SequentialTest(target, 0, number)

    @property
    def count(self) -> int:
        """Of this test within its run, from 1."""
        return self._test.number

    def add(self, summary: Mapping[str, Any]) -> dict[str, float] | None:
        """One more episode as actors report them; the test's result when that ends it."""
        if not summary["is_complete"]:
            return None
        alone = bool(summary["is_success"]) and not summary["intervention_steps"]
        self._test.add(alone, int(summary["length"]))
        if not self._test.is_over:
            return None
        result = self._test.result
        self._test = SequentialTest(self._test.target, 0, self._test.number + 1)
        return result
