"""What is pressed counts once, however short; what is held counts while it is held."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.operators.actions import GRIPPER, ActionMap, X, Y, zero_motion
from hilt.operators.base import Event, OperatorUnavailableError
from hilt.operators.latch import Latch


def along(axis: int, value: float = 1.0) -> NDArray[np.float64]:
    motion = zero_motion()
    motion[axis] = value
    return motion


def test_a_tap_between_two_steps_counts_for_exactly_one() -> None:
    latch = Latch()
    latch.hold(along(X), clutch=True)
    latch.hold(zero_motion(), clutch=False)
    assert latch.read().motion[X] == 1
    assert not latch.read().motion.any()


def test_a_tap_of_the_clutch_takes_over_for_exactly_one_step() -> None:
    latch = Latch()
    latch.hold(zero_motion(), clutch=True)
    latch.hold(zero_motion(), clutch=False)
    assert [latch.read().in_control for _ in range(2)] == [True, False]


def test_letting_go_counts_at_once() -> None:
    latch = Latch()
    latch.hold(along(X), clutch=True)
    assert latch.read().in_control
    latch.hold(zero_motion(), clutch=False)
    grip = latch.read()
    assert not grip.in_control
    assert not grip.motion.any()


def test_a_key_held_for_ten_steps_moves_for_ten_steps() -> None:
    latch = Latch()
    latch.hold(along(Y, -1.0), clutch=False)
    moved = sum(latch.read().motion[Y] for _ in range(10))
    latch.hold(zero_motion(), clutch=False)
    assert moved + latch.read().motion[Y] == -10


def test_the_gravest_of_several_events_counts_and_none_is_left_over() -> None:
    latch = Latch()
    for event in (Event.SUCCESS, Event.RERECORD, Event.FAILURE):
        latch.declare(event)
    assert latch.read().event is Event.RERECORD
    assert latch.read().event is None


def test_presses_during_a_reset_count_for_nothing_and_what_is_held_stays_held() -> None:
    latch = Latch()
    latch.toggle()
    latch.declare(Event.SUCCESS)
    latch.hold(along(X), clutch=False)
    latch.hold(along(Y), clutch=False)
    latch.reset()
    grip = latch.read()
    assert grip.event is None
    assert not grip.in_control
    np.testing.assert_array_equal(grip.motion, along(Y))


def test_an_action_of_four_closes_at_zero_stays_at_one_and_opens_at_two() -> None:
    actions = ActionMap([-1, -1, -1, 0], [1, 1, 1, 2])
    for fraction, gripper in ((-1, 0), (0, 1), (1, 2), (0.5, 1.5)):
        action = actions(along(GRIPPER, fraction))
        np.testing.assert_array_equal(action, np.array([0, 0, 0, gripper], np.float32))
        assert action.dtype == np.float32


@pytest.mark.parametrize("low", [[-1] * 5, [-1] * 8, [-np.inf] * 4])
def test_actions_that_nobody_can_steer_are_refused_with_a_way_out(low: list[float]) -> None:
    with pytest.raises(OperatorUnavailableError, match="package.module:Class|bound their Box"):
        ActionMap(low, -np.array(low))
