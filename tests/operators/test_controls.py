"""One driver at a time, and a robot that holds still when that one falls silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hilt.data.transition import Action
from hilt.operators.actions import X, zero_motion
from hilt.operators.base import NOTHING, Command, Event, Expert
from hilt.operators.browser import BrowserOperator
from hilt.operators.compose import FirstOf
from hilt.operators.controls import Controls, Held, Phase

LOW, HIGH = np.array([-1, -1, -1, 0], np.float32), np.array([1, 1, 1, 2], np.float32)
STILL = np.array([0, 0, 0, 1], np.float32)
FORWARD = Held(np.eye(7)[X], clutch=True)
NOTHING_HELD = Held(zero_motion(), clutch=False)


class Desk:
    """A seat without a server: the same controls, and a clock that the test turns."""

    def __init__(self) -> None:
        self.now, self.lost = 0.0, 0
        self.controls = Controls(on_lost=self.count, clock=lambda: self.now)

    def count(self) -> None:
        self.lost += 1


@pytest.fixture
def desk() -> Desk:
    return Desk()


def operator(desk: Desk, **options: Any) -> BrowserOperator:
    return BrowserOperator(desk, fps=10, action_low=LOW, action_high=HIGH, **options)


def test_the_page_that_acts_first_drives_and_the_second_watches(desk: Desk) -> None:
    assert desk.controls.hear(1, FORWARD)
    assert not desk.controls.hear(2, FORWARD)
    assert not desk.controls.declare(2, Event.SUCCESS)
    assert not desk.controls.toggle(2)
    assert desk.controls.seating.driver == 1
    assert desk.controls.read().event is None


def test_watching_takes_no_seat(desk: Desk) -> None:
    assert not desk.controls.hear(1, NOTHING_HELD)
    assert desk.controls.seating.driver is None


def test_letting_go_hands_back_on_the_very_step(desk: Desk) -> None:
    person = operator(desk)
    desk.controls.hear(1, FORWARD)
    np.testing.assert_array_equal(person.command(STILL).action, [1, 0, 0, 1])
    assert person.interactive
    desk.controls.hear(1, NOTHING_HELD)
    assert person.command(STILL) == NOTHING
    assert not person.interactive


def test_silence_holds_still_for_a_second_then_frees_the_seat(desk: Desk) -> None:
    person, answers = operator(desk), []
    desk.controls.hear(1, FORWARD)
    for step in range(16):
        desk.now = 0.05 + 0.1 * step
        answers.append(person.command(STILL).action)
    assert all(action is not None and action[X] == 1 for action in answers[:3])
    assert all(np.array_equal(action, STILL) for action in answers[3:13])
    assert answers[13:] == [None] * 3
    assert desk.lost == 1
    assert desk.controls.seating.driver is None


def test_a_closed_page_holds_still_from_the_very_next_step(desk: Desk) -> None:
    person = operator(desk)
    desk.controls.hear(1, FORWARD)
    person.command(STILL)
    desk.controls.lose(1)
    desk.now = 0.1
    np.testing.assert_array_equal(person.command(STILL).action, STILL)


def test_a_page_that_comes_back_within_the_second_goes_on(desk: Desk) -> None:
    person = operator(desk)
    desk.controls.toggle(1)
    person.command(STILL)
    desk.now = 0.8
    np.testing.assert_array_equal(person.command(STILL).action, STILL)
    desk.controls.hear(1, FORWARD)
    assert person.command(STILL).action[X] == 1
    assert desk.lost == 0


def test_giving_control_back_is_no_loss(desk: Desk) -> None:
    person = operator(desk)
    desk.controls.toggle(1)
    person.command(STILL)
    desk.controls.toggle(1)
    assert person.command(STILL) == NOTHING
    assert desk.lost == 0


def test_an_idle_driver_who_leaves_frees_the_seat_without_a_loss(desk: Desk) -> None:
    desk.controls.take_seat(1)
    desk.controls.read()
    desk.now = 5.0
    desk.controls.read()
    assert desk.controls.seating.driver is None
    assert desk.lost == 0


def test_the_seat_is_handed_over_only_with_consent(desk: Desk) -> None:
    desk.controls.hear(1, FORWARD)
    desk.controls.ask(2)
    assert desk.controls.seating.asking == 2
    desk.controls.answer(2, yes=True)
    desk.controls.answer(1, yes=False)
    assert desk.controls.seating.driver == 1
    desk.controls.ask(2)
    desk.controls.answer(1, yes=True)
    assert desk.controls.seating.driver == 2
    assert desk.controls.read().phase is Phase.FREE


def test_the_seat_of_a_dead_driver_is_free_even_where_nobody_reads(desk: Desk) -> None:
    desk.controls.take_seat(1)
    assert not desk.controls.take_seat(2)
    desk.now += 1.2
    assert not desk.controls.take_seat(2)
    desk.now += 0.2
    assert not desk.controls.hear(2, NOTHING_HELD)
    assert desk.controls.take_seat(2)
    assert not desk.controls.take_seat(1)


def test_who_asked_inherits_the_seat_of_a_driver_who_is_lost(desk: Desk) -> None:
    desk.controls.hear(1, FORWARD)
    desk.controls.read()
    desk.controls.ask(2)
    desk.now = 2.0
    desk.controls.read()
    assert desk.controls.seating.driver == 2


def test_presses_before_the_episode_count_for_nothing(desk: Desk) -> None:
    person = operator(desk)
    desk.controls.toggle(1)
    desk.controls.declare(1, Event.SUCCESS)
    person.reset(None)
    assert person.command(STILL) == NOTHING


def test_without_a_policy_the_driver_is_in_control_throughout(desk: Desk) -> None:
    person = operator(desk, sole=True)
    assert person.command(STILL) == NOTHING
    desk.controls.take_seat(1)
    np.testing.assert_array_equal(person.command(STILL).action, STILL)


def test_the_wait_from_arrival_to_execution_is_measured(desk: Desk) -> None:
    desk.controls.hear(1, FORWARD)
    desk.now = 0.06
    desk.controls.read()
    assert desk.controls.seating.wait_ms == pytest.approx(60)


def test_the_first_operator_in_control_wins_and_every_one_is_asked(desk: Desk) -> None:
    class Always:
        interactive, asked = True, 0

        def reset(self, expert: Expert | None) -> None:
            """Nothing to forget."""

        def command(self, policy_action: Action) -> Command:
            self.asked += 1
            return Command(np.array([0, 1, 0, 1], np.float32), Event.FAILURE)

        def close(self) -> None:
            """Nothing to let go of."""

    other = Always()
    both = FirstOf(operator(desk), other)
    np.testing.assert_array_equal(both.command(STILL).action, [0, 1, 0, 1])
    desk.controls.hear(1, FORWARD)
    command = both.command(STILL)
    np.testing.assert_array_equal(command.action, [1, 0, 0, 1])
    assert command.event is Event.FAILURE
    assert other.asked == 2
