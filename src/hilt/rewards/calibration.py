"""How good a classifier is on frames that it was not trained on, and which threshold keeps a precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""(N,) probabilities of success."""
Labels = NDArray[np.bool_]
"""(N,) whether it was one."""
Classes = NDArray[np.int64]
"""(N,) classes."""

_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Quality:
    """Of a classifier at one threshold. Precision and recall are 1 where they would be 0 of 0."""

    n: int
    accuracy: float
    precision: float
    recall: float
    false_positives: int
    false_negatives: int


def quality(scores: Scores, labels: Labels, threshold: float) -> Quality:
    """What a threshold makes of `scores`."""
    said = scores >= threshold
    true_positives = int((said & labels).sum())
    false_positives, false_negatives = int((said & ~labels).sum()), int((~said & labels).sum())
    return Quality(
        n=len(labels),
        accuracy=float((said == labels).mean()) if len(labels) else 1.0,
        precision=_ratio(true_positives, true_positives + false_positives),
        recall=_ratio(true_positives, true_positives + false_negatives),
        false_positives=false_positives,
        false_negatives=false_negatives,
    )


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """Of one class, where every frame is given to the likeliest."""

    label: int
    n: int
    """Frames of it."""
    precision: float
    recall: float
    taken_for: list[int]
    """How many of its frames were given to each class."""


def per_class(said: Classes, labels: Classes, num_classes: int) -> list[ClassQuality]:
    """How well each class is told, from the class that was said and the true one of each frame."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (labels, said), 1)
    return [
        ClassQuality(
            label=label,
            n=int(row.sum()),
            precision=_ratio(int(row[label]), int(counts[:, label].sum())),
            recall=_ratio(int(row[label]), int(row.sum())),
            taken_for=row.tolist(),
        )
        for label, row in enumerate(counts)
    ]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def precision_recall_curve(scores: Scores, labels: Labels) -> tuple[Scores, Scores, Scores]:
    """(thresholds, precision, recall), each distinct score a threshold, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], labels[order].cumsum()
    last_of_tie = np.append(np.diff(ranked) != 0, True)
    counted = np.flatnonzero(last_of_tie)
    precision = hits[counted] / (counted + 1)
    recall = hits[counted] / max(int(labels.sum()), 1)
    return ranked[counted], precision, recall


def roc_auc(scores: Scores, labels: Labels) -> float:
    """Probability that a success scores above a failure; ties count half (Mann-Whitney)."""
    n_positive, n_negative = int(labels.sum()), int((~labels).sum())
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2
    positive_ranks = float(ranks[inverse][labels].sum())
    return (positive_ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def calibrate(scores: Scores, labels: Labels, precision: float) -> float:
    """The threshold of highest recall among those that reach `precision`.

    It lies in the middle (of the logits) between the lowest score that it accepts and the highest that it
    rejects, as far from either as can be. When no threshold reaches the precision, the highest score is it.
    A failure that alone keeps a threshold from telling all frames apart is left out: few frames are held
    out, and it says little of the precision, but a threshold above it may miss most successes to come.
    """
    in_the_way = ~labels & (scores >= scores[labels].min(initial=np.inf))
    if in_the_way.sum() == 1:
        scores, labels = scores[~in_the_way], labels[~in_the_way]
    return _strict(scores, labels, precision)


def _strict(scores: Scores, labels: Labels, precision: float) -> float:
    thresholds, precisions, _ = precision_recall_curve(scores, labels)
    reaching = np.flatnonzero(precisions >= precision)
    if not len(reaching):
        return float(thresholds[0])
    last = int(reaching[-1])
    below = thresholds[last + 1] if last + 1 < len(thresholds) else 0.0
    middle = (_logit(float(thresholds[last])) + _logit(float(below))) / 2
    return 1 / (1 + float(np.exp(-middle)))


def _logit(probability: float) -> float:
    clipped = min(max(probability, _SMALLEST), 1 - _SMALLEST)
    return float(np.log(clipped / (1 - clipped)))
