"""Figures of a classifier, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from hilt.rewards.calibration import calibrate, precision_recall_curve, quality, roc_auc
from hilt.rewards.report import mistakes


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.random(400) < 0.3
    scores = np.round(1 / (1 + np.exp(-(rng.normal(size=400) * 1.5 + 4.0 * labels - 2.0))), 3)
    return scores, labels


def test_auc_is_the_probability_that_a_success_scores_higher(scored: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = scored
    positives, negatives = scores[labels][:, None], scores[~labels][None, :]
    expected = (positives > negatives).mean() + 0.5 * (positives == negatives).mean()
    assert roc_auc(scores, labels) == pytest.approx(expected)


def test_the_curve_is_the_quality_at_each_threshold(scored: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = scored
    for threshold, precision, recall in zip(*precision_recall_curve(scores, labels), strict=True):
        at = quality(scores, labels, threshold)
        assert (at.precision, at.recall) == pytest.approx((precision, recall))


@pytest.mark.parametrize("target", [0.8, 0.9, 0.97])
def test_calibration_reaches_its_precision_at_the_highest_recall(
    scored: tuple[np.ndarray, np.ndarray], target: float
) -> None:
    scores, labels = scored
    threshold = calibrate(scores, labels, target)
    reached = quality(scores, labels, threshold)
    assert reached.precision >= target
    better = [q for q in (quality(scores, labels, t) for t in scores) if q.precision >= target]
    assert reached.recall == max(q.recall for q in better)


def test_a_single_failure_that_looks_like_success_does_not_cost_the_successes() -> None:
    scores = np.append(np.linspace(0.9, 0.99, 40), [0.985, 0.2])
    labels = np.arange(42) < 40
    reached = quality(scores, labels, calibrate(scores, labels, 0.99))
    assert (reached.recall, reached.false_positives) == (1, 1)
    doubtful = np.append(scores, 0.986)
    strict = quality(doubtful, np.append(labels, False), calibrate(doubtful, np.append(labels, False), 0.99))
    assert strict.precision >= 0.99


def test_a_separable_set_is_split_in_the_middle() -> None:
    scores = np.array([0.02, 0.6, 0.9, 0.99])
    labels = np.array([False, False, True, True])
    threshold = calibrate(scores, labels, 0.99)
    logit = np.log(threshold / (1 - threshold))
    assert logit == pytest.approx((np.log(0.6 / 0.4) + np.log(9)) / 2)


def test_a_precision_that_cannot_be_reached_gives_the_strictest_threshold() -> None:
    scores = np.array([0.9, 0.8, 0.85, 0.7])
    assert calibrate(scores, np.array([False, True, False, True]), 0.99) == 0.9


def test_mistakes_are_on_the_wrong_side_of_the_threshold_the_most_confident_first() -> None:
    scores, labels = np.array([0.9, 0.1, 0.7, 0.95, 0.4]), np.array([True, False, False, False, True])
    assert mistakes(scores, labels, 0.5, 9).tolist() == [3, 2, 4]
    assert mistakes(scores, labels, 0.5, 1).tolist() == [3]
    assert mistakes(scores[:2], labels[:2], 0.5, 9).size == 0
