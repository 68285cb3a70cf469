"""Every rule that stands between a command and a real arm, alone and together with others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilt.envs import rotations
from hilt.envs.panda.real.safety import RESPONSES, Limits, Response, Rule, Safety, Situation

LIMITS = Limits(
    period=0.1,
    low=np.array((0.2, -0.3, 0.0)),
    high=np.array((0.6, 0.3, 0.5)),
    step=0.05,
    turn=0.2,
    speed=0.4,
    acceleration=3.0,
    force=20.0,
    state_age=0.1,
    picture_age=0.2,
    policy_delay=0.2,
    operator_silence=0.5,
)
HERE = np.array((0.4, 0.0, 0.2))
DOWN = np.array((0.0, 1.0, 0.0, 0.0))


def safety(**limits: float) -> Safety:
    return Safety(replace(LIMITS, **limits), np.array((-1.0, -1, -1, 0)), np.array((1.0, 1, 1, 2)))


def moved(guard: Safety, way: tuple[float, float, float], start: np.ndarray = HERE) -> np.ndarray:
    """The target after a step that wants to go `way`."""
    guard.begin_step()
    return guard.target((start, DOWN), (start + np.array(way), DOWN))[0]


def test_every_rule_has_a_response() -> None:
    assert set(RESPONSES) == set(Rule)


def test_a_step_that_breaks_no_rule_is_left_as_it_is() -> None:
    guard = safety()
    guard.situation(Situation())
    action = np.array((0.5, -1.0, 0.0, 2.0), np.float32)
    assert np.array_equal(guard.action(action), action)
    assert np.allclose(moved(guard, (0.01, 0.0, -0.02)), HERE + np.array((0.01, 0.0, -0.02)))
    assert guard.response is None
    assert not guard.counts


@pytest.mark.parametrize("action", [np.zeros(3), np.zeros((1, 4)), 0.0, np.zeros(7)])
def test_shape(action: np.ndarray) -> None:
    guard = safety()
    assert guard.action(action) is None
    assert guard.broken == [Rule.SHAPE]
    assert guard.ends_episode


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_not_finite(number: float) -> None:
    guard = safety()
    assert guard.action((0.0, number, 0.0, 1.0)) is None
    assert guard.broken == [Rule.FINITE]
    assert guard.ends_episode


def test_a_target_that_is_not_finite_moves_nothing() -> None:
    guard = safety()
    assert np.array_equal(moved(guard, (np.nan, 0.0, 0.0)), HERE)
    assert guard.broken == [Rule.FINITE]
    assert guard.ends_episode


def test_bounds() -> None:
    guard = safety()
    assert np.array_equal(guard.action((12.0, 0.0, -1.5, 3.0)), (1.0, 0.0, -1.0, 2.0))
    assert guard.broken == [Rule.BOUNDS]
    assert guard.response is Response.CLIP
    assert not guard.holds


@pytest.mark.parametrize("corner", [(0.21, -0.29, 0.01), (0.59, 0.29, 0.49)])
def test_workspace(corner: tuple[float, float, float]) -> None:
    guard, start = safety(), np.array(corner)
    outward = np.sign(start - HERE) * 0.016
    target = moved(guard, tuple(outward), start)
    assert ((target >= LIMITS.low) & (target <= LIMITS.high)).all()
    assert guard.broken == [Rule.WORKSPACE]


def test_a_target_from_outside_comes_back_into_the_workspace_even_where_nothing_may_move() -> None:
    guard, outside = safety(), np.array((0.4, 0.0, -0.03))
    guard.situation(Situation(force=100.0))
    assert guard.target((outside, DOWN), (outside, DOWN))[0][2] == 0.0


def test_step() -> None:
    guard = safety(speed=100.0, acceleration=1000.0)
    assert np.allclose(moved(guard, (0.3, 0.0, 0.0)), HERE + np.array((0.05, 0.0, 0.0)))
    assert guard.broken == [Rule.STEP]


def test_a_turn_beyond_a_step() -> None:
    guard = safety()
    wanted = rotations.multiply(rotations.from_rotation_vector(np.array((0.0, 0.0, 1.0))), DOWN)
    _, reached = guard.target((HERE, DOWN), (HERE, wanted))
    turn = rotations.to_rotation_vector(rotations.multiply(reached, rotations.conjugate(DOWN)))
    assert np.allclose(turn, (0.0, 0.0, 0.2))
    assert guard.broken == [Rule.STEP]


def test_speed() -> None:
    guard = safety(acceleration=1000.0)
    assert np.allclose(moved(guard, (0.0, 0.045, 0.0)), HERE + np.array((0.0, 0.04, 0.0)))
    assert guard.broken == [Rule.SPEED]


def test_acceleration_limits_what_is_gained_step_by_step() -> None:
    guard, places = safety(), [HERE]
    for _ in range(3):
        places.append(moved(guard, (0.04, 0.0, 0.0), places[-1]))
    assert np.allclose(np.diff(places, axis=0)[:, 0], (0.03, 0.04, 0.04))
    assert guard.counts == {Rule.ACCELERATION: 1}


def test_braking_is_not_limited_and_turning_round_begins_from_rest() -> None:
    guard = safety()
    there = moved(guard, (0.03, 0.0, 0.0))
    assert np.allclose(moved(guard, (0.0, 0.0, 0.0), there), there)
    assert guard.response is None
    there = moved(guard, (0.03, 0.0, 0.0), there)
    assert np.allclose(moved(guard, (-0.04, 0.0, 0.0), there), there - np.array((0.03, 0.0, 0.0)))
    assert guard.broken == [Rule.ACCELERATION]


@pytest.mark.parametrize(
    ("situation", "rule", "response"),
    [
        (Situation(force=21.0), Rule.FORCE, Response.HOLD),
        (Situation(state_age=0.11), Rule.STALE_STATE, Response.STOP),
        (Situation(picture_age=0.21), Rule.STALE_PICTURES, Response.TRUNCATE),
        (Situation(operator_silence=0.6), Rule.LOST_OPERATOR, Response.HOLD),
        (Situation(learner_silence=11.0), Rule.LOST_LEARNER, Response.HOLD),
        (Situation(policy_delay=0.21), Rule.LATE_POLICY, Response.HOLD),
        (Situation(force=np.nan), Rule.FORCE, Response.HOLD),
        (Situation(operator_silence=np.inf), Rule.LOST_OPERATOR, Response.HOLD),
    ],
)
def test_in_a_situation_like_this_nothing_moves(situation: Situation, rule: Rule, response: Response) -> None:
    guard = safety()
    guard.situation(situation)
    assert (guard.broken, guard.response) == ([rule], response)
    assert guard.ends_episode == (response >= Response.TRUNCATE)
    target, _ = guard.target((HERE, DOWN), (HERE + 0.01, DOWN))
    assert np.array_equal(target, HERE)


def test_a_situation_at_the_limit_is_none() -> None:
    guard = safety()
    guard.situation(Situation(force=20.0, state_age=0.1, picture_age=0.2, policy_delay=0.2))
    assert guard.response is None


def test_the_gravest_response_is_given_and_each_rule_counted_once_in_a_step() -> None:
    guard = safety()
    guard.situation(Situation(force=50.0, state_age=1.0))
    guard.action((9.0, 0.0, 0.0, 1.0))
    assert guard.response is Response.STOP
    assert guard.counts == {Rule.FORCE: 1, Rule.STALE_STATE: 1, Rule.BOUNDS: 1}


def test_after_a_hold_the_target_begins_from_rest() -> None:
    guard = safety()
    there = moved(guard, (0.03, 0.0, 0.0))
    guard.begin_step()
    guard.situation(Situation(force=50.0))
    guard.target((there, DOWN), (there, DOWN))
    assert np.allclose(moved(guard, (0.04, 0.0, 0.0), there), there + np.array((0.03, 0.0, 0.0)))


def test_whatever_is_commanded_the_target_stays_in_the_box_and_within_its_step() -> None:
    guard, rng, place = safety(), np.random.default_rng(0), HERE
    for _ in range(2000):
        before = place
        place = moved(guard, tuple(rng.normal(0, 0.1, 3)), before)
        assert ((place >= LIMITS.low) & (place <= LIMITS.high)).all()
        assert np.linalg.norm(place - before) <= 0.04 + 1e-9
