"""A test of the policy alone: when it begins, what ends it, and that actors act half of the time."""

from __future__ import annotations

import pytest
import torch

from hilt.rollout.evaluation import wilson_interval
from hilt.training import validation
from hilt.training.validation import Exam, Validation
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


def report(version: int, rate: float = 0.5) -> dict[str, float]:
    return {"validation": rate, "validated_version": float(version)}


def test_without_a_target_only_the_number_of_updates_counts(clock: Time) -> None:
    tests = Validation(target=None, every=10)
    clock.now += 1000
    assert not tests.is_due(9, success_rate=1.0)
    assert tests.is_due(10, success_rate=0.0)
    tests.begin(weights(1), 10)
    tests.finish(report(1))
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
    assert tests.finish(report(6)) is None
    assert tests.version == 7
    finished = tests.finish(report(7, rate=0.25))
    assert finished is not None
    assert (finished[0], finished[1].version) == (0.25, 7)
    assert tests.version == 0
    assert tests.finish(report(7)) is None


def test_a_long_test_is_followed_by_as_much_acting(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    clock.now += 1000
    tests.begin(weights(1), 0)
    clock.now += 20
    tests.finish(report(1))
    clock.now += 19
    assert not tests.is_due(0, success_rate=1.0)
    clock.now += 2
    assert tests.is_due(0, success_rate=1.0)


def test_an_actor_that_died_meanwhile_is_not_waited_for_for_ever(clock: Time) -> None:
    tests = Validation(target=0.9, every=0)
    tests.begin(weights(1), 0)
    clock.now += 100
    assert not tests.give_up_if_late()
    clock.now += 100
    assert tests.give_up_if_late()
    assert tests.version == 0


def played(exam: Exam, *episodes: tuple[int, bool]) -> int:
    """After how many of (count, is success) `exam` is decided."""
    outcomes = [is_success for count, is_success in episodes for _ in range(count)]
    for is_success in outcomes:
        if exam.is_decided:
            break
        exam.add(is_success)
    return exam.played


def test_an_exam_without_failures_is_passed_as_surely_by_fewer_episodes() -> None:
    exam = Exam(200, 0.985)
    assert played(exam, (200, True)) == 86
    assert exam.rate == 1.0
    low, of_all = wilson_interval(86, 86)[0], wilson_interval(197, 200)[0]
    assert wilson_interval(85, 85)[0] < of_all <= low


def test_an_exam_is_passed_by_the_fewest_successes_needed() -> None:
    exam = Exam(200, 0.985)
    assert played(exam, (3, False), (197, True)) == 200
    assert exam.rate == 0.985


def test_what_was_not_played_of_a_failed_exam_counts_as_failed() -> None:
    exam = Exam(10, 0.8)
    assert played(exam, (2, False), (1, True), (1, False), (6, True)) == 4
    assert exam.rate == 0.1


def test_without_a_target_all_episodes_are_played() -> None:
    exam = Exam(10, 0.0)
    assert played(exam, (7, True), (3, False)) == 10
    assert exam.rate == 0.7
