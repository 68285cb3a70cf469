"""A test of the policy that may be looked at after every episode, and made many times in one run.

Wald's sequential probability ratio test (1945) of two hypotheses about the chance to fail: its odds are
twice, or half, those that the target allows. It is passed when the evidence for the second is 1 / error of
that for the first: by Ville's inequality a policy that fails at least twice as often as allowed passes with
a chance of `error` at most, however often one looks. The tests of a run share one such chance: the test of
number k has 6 / (pi k)^2 of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

ERROR = 0.1
"""Chance that some test of a run is passed by a policy whose odds to fail are twice those allowed."""
MISS = 0.1
"""Chance that a test is not passed by a policy whose odds to fail are half of those allowed (about)."""
LONGEST = 1000
"""Episodes after which a test that is still not decided is not passed."""
_SMALLEST_FAILURE_RATE = 5e-3
"""What a target of 1 allows: nothing surer can be tested with episodes that end."""


@dataclass(slots=True)
class SequentialTest:
    """The episodes of one test.

    Args:
        target: success rate that it is about; 0: all `planned` episodes are played, and nothing is decided.
        planned: episodes of a test without a target.
        number: of this test within its run, from 1.
    """

    target: float
    planned: int
    number: int = 1
    successes: int = 0
    failures: int = 0
    _lengths: list[int] = field(default_factory=list)

    def add(self, is_success: bool, length: int) -> None:
        """One more episode, of `length` steps."""
        self.successes += is_success
        self.failures += not is_success
        if is_success:
            self._lengths.append(length)

    @property
    def played(self) -> int:
        """Episodes so far."""
        return self.successes + self.failures

    @property
    def longest(self) -> int:
        """Episodes after which it is over in any case."""
        return LONGEST if self.target else self.planned

    @property
    def result(self) -> dict[str, float]:
        """How it ended, as figures that a learner is told and that go into the metrics."""
        cycle = {"Validation cycle steps": float(median(self._lengths))} if self._lengths else {}
        return {
            "Validation passed": float(self.is_passed),
            "Validation success rate": self.rate,
            "Validation episodes": self.played,
            "Validation successes": self.successes,
        } | cycle

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to play."""
        return self._is_over(self.successes, self.failures)

    @property
    def is_passed(self) -> bool:
        """Whether the policy is good enough, as surely as the test promises."""
        return bool(self.target) and self._evidence(self.successes, self.failures) >= self._enough

    @property
    def rate(self) -> float:
        """Success rate, without the bias that stopping at a good or a bad moment gives to successes / played.

        The first episode's outcome, averaged over all orders of the outcomes in which the test would not have
        ended before: the unbiased estimate of Girshick, Mosteller and Savage (1946).
        """
        if not self.target:
            return self.successes / max(self.played, 1)
        ways, begun_well = self._ways()
        return begun_well.get(self.failures, 0.0) / ways[self.failures] if self.played else 0.0

    def _ways(self) -> tuple[dict[int, float], dict[int, float]]:
        """Orders of outcomes by their number of failures: all, and those that begin with a success."""
        ways, begun_well = {0: 1.0, 1: 1.0}, {0: 1.0}
        for played in range(1, self.played):
            ways, begun_well = (self._one_more(played, table) for table in (ways, begun_well))
            scale = max(ways.values())
            ways, begun_well = ({f: n / scale for f, n in table.items()} for table in (ways, begun_well))
        return ways, begun_well

    def _one_more(self, played: int, ways: dict[int, float]) -> dict[int, float]:
        """One more outcome after each order of `played` that leaves the test undecided."""
        longer: dict[int, float] = {}
        for failures, count in ways.items():
            if not self._is_over(played - failures, failures):
                longer[failures] = longer.get(failures, 0.0) + count
                longer[failures + 1] = longer.get(failures + 1, 0.0) + count
        return longer

    def _is_over(self, successes: int, failures: int) -> bool:
        if not self.target:
            return successes + failures >= self.planned
        evidence = self._evidence(successes, failures)
        return evidence >= self._enough or evidence <= math.log(MISS) or successes + failures >= LONGEST

    def _evidence(self, successes: int, failures: int) -> float:
        """Logarithm of the likelihood ratio of half the failures to twice the failures."""
        allowed = max(1 - self.target, _SMALLEST_FAILURE_RATE)
        odds = allowed / (1 - allowed)
        bad, good = 1 / (1 + 2 * odds), 1 / (1 + odds / 2)
        return successes * math.log(good / bad) + failures * math.log((1 - good) / (1 - bad))

    @property
    def _enough(self) -> float:
        return -math.log(ERROR * 6 / (math.pi * self.number) ** 2)
