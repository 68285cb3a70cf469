"""A test of the policy is as sure as it says, however often one looks and however many there are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hilt.training.sequential_test import ERROR, LONGEST, SequentialTest


def play(test: SequentialTest, rate: float, generator: np.random.Generator) -> SequentialTest:
    while not test.is_over:
        test.add(bool(generator.random() < rate), 20)
    return test


def chance_to_pass(target: float, rate: float, number: int = 1) -> float:
    """Exact: the probability of every number of failures of an undecided test, episode by episode."""
    undecided, passed = {0: 1.0}, 0.0
    for played in range(1, LONGEST + 1):
        following: dict[int, float] = {}
        for failures, chance in undecided.items():
            for more, share in ((0, rate), (1, 1 - rate)):
                following[failures + more] = following.get(failures + more, 0.0) + share * chance
        undecided = {}
        for failures, chance in following.items():
            test = SequentialTest(target, 0, number, played - failures, failures)
            passed += chance * test.is_passed
            if not test.is_over:
                undecided[failures] = chance
    return passed


def test_a_policy_of_90_percent_is_hardly_handed_over_at_a_target_of_95_within_ten_tests() -> None:
    generator = np.random.default_rng(0)
    runs = 1000
    handed_over = sum(
        any(play(SequentialTest(0.95, 200, number), 0.9, generator).is_passed for number in range(1, 11))
        for _ in range(runs)
    )
    assert handed_over / runs <= 0.1


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95, 0.99])
def test_twice_the_failures_pass_with_at_most_the_shared_error_and_half_of_them_mostly_do(
    target: float,
) -> None:
    odds = (1 - target) / target
    bad, good = 1 / (1 + 2 * odds), 1 / (1 + odds / 2)
    assert sum(chance_to_pass(target, bad, number) for number in range(1, 6)) <= ERROR
    assert chance_to_pass(target, good) >= 0.85
    assert chance_to_pass(target, bad) < chance_to_pass(target, target) < chance_to_pass(target, good)


@pytest.mark.parametrize("rate", [0.3, 0.9, 0.97])
def test_the_rate_is_unbiased_at_the_stop_and_successes_over_played_is_not(rate: float) -> None:
    """Exact, over the outcomes at which the test stops."""
    undecided, mean, naive = {0: 1.0}, 0.0, 0.0
    for played in range(1, 400):
        following: dict[int, float] = {}
        for failures, chance in undecided.items():
            for more, share in ((0, rate), (1, 1 - rate)):
                following[failures + more] = following.get(failures + more, 0.0) + share * chance
        undecided = {}
        for failures, chance in following.items():
            test = SequentialTest(0.9, 0, 1, played - failures, failures)
            if test.is_over:
                mean += chance * test.rate
                naive += chance * test.successes / played
            else:
                undecided[failures] = chance
    assert sum(undecided.values()) < 1e-3
    assert mean == pytest.approx(rate, abs=2e-3)
    assert abs(naive - rate) > 0.005


def test_without_a_target_all_episodes_are_played_and_nothing_is_passed() -> None:
    test = play(SequentialTest(0.0, 10), 0.7, np.random.default_rng(1))
    assert test.played == 10
    assert test.rate == test.successes / 10
    assert not test.is_passed


def test_a_target_of_one_can_be_reached() -> None:
    assert play(SequentialTest(1.0, 0), 1.0, np.random.default_rng(0)).is_passed


def test_the_table_of_the_documentation_is_what_the_test_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| (0\.\d+) \| [\d, ]+ \| ([\d.% |]+) \|$", text, re.MULTILINE)
    rates = [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995]
    assert len(rows) == 5
    for target, chances in rows:
        written = [float(chance.removesuffix(" %")) for chance in chances.split(" | ")]
        exact = [100 * chance_to_pass(float(target), rate) for rate in rates]
        assert written == pytest.approx(exact, abs=0.051)
