"""A test of the policy alone: when it begins, what ends it, and that actors act half of the time."""

from __future__ import annotations

import pytest
import torch

from hilt.training import validation
from hilt.training.sequential_test import SequentialTest
from hilt.training.validation import AttendedTest, Validation
from hilt.transport.weights import Weights


class Time:
    """`time.monotonic`, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(validation, "time", clock)
    return clock


def weights(version: int) -> Weights:
    return Weights(version, {"w": torch.ones(1)})


def report(version: int, successes: int = 5, failures: int = 5) -> dict[str, float]:
    rate = successes / (successes + failures)
    return {
        "tested": float(version),
        "Validation passed": float(rate > 0.9),
        "Validation success rate": rate,
        "Validation successes": float(successes),
        "Validation episodes": float(successes + failures),
    }


def test_an_episode_with_help_counts_against_the_policy() -> None:
    test = AttendedTest(0.9)
    helped = {"is_complete": 1.0, "is_success": 1.0, "intervention_steps": 3.0, "length": 9.0}
    results = [test.add(helped) for _ in range(20)]
    (failed,) = [result for result in results if result is not None][:1]
    assert failed["Validation passed"] == 0
    assert test.count > 1
    assert test.add({**helped, "is_complete": 0.0}) is None


def test_without_a_target_only_the_number_of_updates_counts(clock: Time) -> None:
    tests = Validation(target=None, every=10)
    clock.now += 1000
    assert not tests.is_due(9, success_rate=1.0)
    assert tests.is_due(10, success_rate=0.0)
    tests.begin(weights(1), 10)
    tests.hear(report(1))
    assert not tests.is_due(19, success_rate=1.0)
    assert tests.is_due(20, success_rate=0.0)


def test_a_run_that_goes_on_counts_from_where_it_was(clock: Time) -> None:
    tests = Validation(target=None, every=10, updates=500)
    assert not tests.is_due(509, success_rate=0.0)
    assert tests.is_due(510, success_rate=0.0)


def test_with_a_target_recent_episodes_have_to_reach_a_third_of_it(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    clock.now += 1000
    assert not tests.is_due(10**6, success_rate=0.29)
    assert tests.is_due(0, success_rate=0.31)


def test_one_at_a_time_and_reports_of_others_end_nothing(clock: Time) -> None:
    tests = Validation(target=0.9, every=1)
    tests.begin(weights(7), 1)
    assert tests.version == 7
    assert not tests.is_due(10**6, success_rate=1.0)
    assert tests.hear(report(6)) is None
    assert tests.version == 7
    done = tests.hear(report(7, 10, 10))
    assert done is not None
    assert (done.weights.version, done.is_passed) == (7, False)
    assert done.score < 0.5
    assert tests.version == 0
    assert tests.hear(report(7)) is None


def test_a_long_test_is_followed_by_as_much_acting(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    clock.now += 1000
    tests.begin(weights(1), 0)
    clock.now += 20
    tests.hear(report(1))
    clock.now += 19
    assert not tests.is_due(0, success_rate=1.0)
    clock.now += 2
    assert tests.is_due(0, success_rate=1.0)


def test_an_actor_that_died_meanwhile_is_not_waited_for_for_ever(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    tests.begin(weights(1), 0)
    clock.now += 100
    assert not tests.give_up_if_silent()
    clock.now += 100
    assert tests.give_up_if_silent()
    assert tests.version == 0


def test_a_test_may_take_as_long_as_it_takes_while_the_actor_is_heard_of(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    tests.begin(weights(1), 0)
    for _ in range(100):
        clock.now += 100
        assert tests.hear({"testing": 1.0}) is None
        assert not tests.give_up_if_silent()
    assert tests.hear(report(1, 40, 0)) is not None


def test_every_test_of_a_run_has_a_number_of_its_own(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    for number in (1, 2, 3):
        tests.begin(weights(number), 0)
        asked = tests.request
        assert asked is not None
        assert (asked.version, asked.target, asked.number) == (number, 0.9, number)
        tests.hear(report(number))
        assert tests.request is None


def test_a_long_good_test_counts_for_more_than_a_short_lucky_one(clock: Time) -> None:
    tests, scores = Validation(target=0.9, every=0), []
    for number, (successes, failures) in enumerate([(95, 5), (6, 0)], 1):
        tests.begin(weights(number), 0)
        done = tests.hear(report(number, successes, failures))
        assert done is not None
        scores.append(done.score)
    assert scores[0] > scores[1]


def test_with_a_target_for_the_cycle_time_a_slow_success_passes_nothing(clock: Time) -> None:
    tests = Validation(target=0.9, every=0, cycle_steps=20.0)
    clock.now += 5
    assert not tests.is_due(0, success_rate=1.0, cycle_steps=31.0)
    assert tests.is_due(0, success_rate=1.0, cycle_steps=30.0)
    for version, (steps, passed) in enumerate([(21.0, False), (20.0, True)], start=1):
        tests.begin(weights(version), 0)
        result = tests.hear({**report(version, 40, 0), "Validation cycle steps": steps})
        assert result is not None
        assert result.is_passed is passed
    tests.begin(weights(3), 0)
    result = tests.hear(report(3, 0, 9))  # no success, hence no length
    assert result is not None
    assert not result.is_passed


def test_the_length_of_a_cycle_is_the_median_of_the_successes() -> None:
    test = SequentialTest(0.0, 4)
    for is_success, length in ((True, 12), (False, 100), (True, 30), (True, 14)):
        test.add(is_success, length)
    assert test.result["Validation cycle steps"] == 14
