"""The gripper goes where the hand went: translation and rotation, steps limited, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from hilt.operators.hand import HandPose, HandTracker
from hilt.operators.rotation import IDENTITY, from_vector, inverse, multiply, to_vector


def executed(tracker: HandTracker, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where commands of at most one step each have taken the gripper: way [m], turn (quaternion)."""
    way, turn = np.zeros(3), IDENTITY
    for _ in range(steps):
        motion = tracker.motion()
        assert np.abs(motion).max() <= 1
        way = way + motion[:3] * 0.025
        turn = multiply(from_vector(motion[3:6] * 0.1), turn)
    return way, turn


def stroke(way: ArrayLike, rotation: ArrayLike, seconds: float = 1.0, samples: int = 60) -> list[HandPose]:
    """A hand that moves evenly by `way` [m] and turns by `rotation` [rad]."""
    return [
        HandPose(
            np.array(way) * k / samples, from_vector(np.array(rotation) * k / samples), seconds * k / samples
        )
        for k in range(samples + 1)
    ]


def test_commands_add_up_to_the_motion_of_the_hand() -> None:
    tracker, generator = HandTracker(), np.random.default_rng(3)
    way, rotation = generator.uniform(-0.2, 0.2, 3), generator.uniform(-0.6, 0.6, 3)
    tracker.follow(stroke(way, rotation))
    moved, turned = executed(tracker, 20)
    np.testing.assert_allclose(moved, way, atol=1e-9)
    error = to_vector(multiply(turned, inverse(from_vector(rotation))))
    assert np.linalg.norm(error) < 1e-6


def test_turns_about_different_axes_compose_in_the_order_of_the_hand() -> None:
    first, second = np.array([0.5, 0, 0]), np.array([0, 0, 0.7])
    poses = stroke([0, 0, 0], first)
    poses += [
        HandPose(np.zeros(3), multiply(from_vector(second * k / 60), from_vector(first)), 1 + k / 60)
        for k in range(61)
    ]
    tracker, turned = HandTracker(), IDENTITY
    for start in range(0, len(poses), 6):
        tracker.follow(poses[start : start + 6])
        turned = multiply(executed(tracker, 1)[1], turned)
    turned = multiply(executed(tracker, 20)[1], turned)
    goal = multiply(from_vector(second), from_vector(first))
    assert np.linalg.norm(to_vector(multiply(turned, inverse(goal)))) < np.deg2rad(2)


def test_scales_apply_to_way_and_turn() -> None:
    tracker = HandTracker(position_scale=0.5, rotation_scale=2.0)
    tracker.follow(stroke([0.1, 0, 0], [0, 0, 0.3]))
    moved, turned = executed(tracker, 20)
    np.testing.assert_allclose(moved, [0.05, 0, 0], atol=1e-9)
    np.testing.assert_allclose(to_vector(turned), [0, 0, 0.6], atol=1e-6)


def test_an_open_clutch_re_anchors_and_forgets_what_was_owed() -> None:
    tracker = HandTracker()
    tracker.follow([*stroke([0.2, 0, 0], [0, 0, 0]), None])
    far = [
        HandPose(pose.position + np.array([0, 0.5, 0]), pose.orientation, pose.time_s)
        for pose in stroke([0, 0, 0.05], [0] * 3)
    ]
    tracker.follow(far)
    np.testing.assert_allclose(executed(tracker, 10)[0], [0, 0, 0.05], atol=1e-9)


@pytest.mark.parametrize("pose", [([1.0, 0, 0], [0, 0, 0]), ([0, 0, 0], [0, 2.0, 0])])
def test_jumps_that_no_hand_makes_are_refused(pose: tuple[list[float], list[float]]) -> None:
    tracker = HandTracker()
    way, rotation = pose
    tracker.follow(
        [
            HandPose(np.zeros(3), IDENTITY, 0.0),
            HandPose(np.array(way), from_vector(np.array(rotation)), 0.02),
            HandPose(np.array(way) + np.array([0, 0.001, 0]), from_vector(np.array(rotation)), 0.04),
        ]
    )
    assert tracker.refused == 1
    moved, turned = executed(tracker, 5)
    np.testing.assert_allclose(moved, [0, 0.001, 0], atol=1e-9)
    assert np.linalg.norm(to_vector(turned)) < 1e-9
