"""The report of a trained classifier: figures, precision-recall curve, and its worst mistakes as pictures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.rewards.calibration import (
    ClassQuality,
    Labels,
    Quality,
    Scores,
    precision_recall_curve,
    quality,
    roc_auc,
)
from hilt.rewards.frames import LabelledFrames

LEAST_RECALL = 0.8
"""Below it, a policy is not rewarded for too many of its successes to learn from them."""
_STRIP_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Report:
    """How well success is told on held-out episodes.

    `clear` are the frames further than a step from a change of label, `edge` the others, on which nobody can
    say exactly when success began.
    """

    threshold: float
    precision_target: float
    auc: float
    clear: Quality
    edge: Quality
    classes: list[ClassQuality]
    """Of the clear frames."""
    steps: int
    """Optimisation steps of the model that was kept."""
    held_out_episodes: list[int]
    chose_threshold: bool = False
    """They also chose the threshold and when to stop, as there are no others: the figures are optimistic."""

    @property
    def reaches_precision(self) -> bool:
        return self.clear.precision >= self.precision_target

    @property
    def reaches_recall(self) -> bool:
        """Enough successes are seen for a policy to learn from the classifier."""
        return self.clear.recall >= LEAST_RECALL

    def lines(self) -> list[str]:
        """For a person."""
        clear, edge = self.clear, self.edge
        text = [
            f"held-out episodes {', '.join(map(str, self.held_out_episodes))}: "
            f"threshold {self.threshold:.3f}, accuracy {clear.accuracy:.1%}, "
            f"precision {clear.precision:.1%}, recall {clear.recall:.1%}, "
            f"AUC {self.auc:.4f} on {clear.n} frames",
            f"within one step of the change of label: accuracy {edge.accuracy:.1%} on {edge.n} frames",
        ]
        if self.chose_threshold:
            text.append("these episodes also chose the threshold: with 20 or more, others are set aside")
        if len(self.classes) > 2:
            text += [_class_line(each) for each in self.classes]
        if not self.reaches_precision:
            text.append(
                f"the precision {self.precision_target:.0%} that was asked for is not reached there: "
                "record more episodes, with failures and env.number_of_steps_after_success"
            )
        if not self.reaches_recall:
            text.append(
                f"a recall of {self.clear.recall:.0%} is low: many successes would get no reward. "
                "Record more of them, from more places, or choose a lower "
                f"env.processor.reward_classifier.success_threshold than {self.threshold:.3f}: "
                "report/precision_recall.png shows the price"
            )
        return text

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def _class_line(of: ClassQuality) -> str:
    wrong = [f"{count} taken for {n}" for n, count in enumerate(of.taken_for) if n != of.label and count]
    return (
        f"class {of.label}: precision {of.precision:.1%}, recall {of.recall:.1%} on {of.n} frames"
        f"{': ' if wrong else ''}{', '.join(wrong)}"
    )


def judge(
    scores: Scores, frames: LabelledFrames, is_success: Labels, threshold: float
) -> tuple[float, Quality, Quality]:
    """(AUC on clear frames, quality on clear frames, quality on edge frames)."""
    edge = frames.is_edge.numpy()
    return (
        roc_auc(scores[~edge], is_success[~edge]),
        quality(scores[~edge], is_success[~edge], threshold),
        quality(scores[edge], is_success[edge], threshold),
    )


def plot_precision_recall(scores: Scores, labels: Labels, threshold: float, path: Path) -> None:
    """Precision over recall, and both over the threshold, as a PNG."""
    from matplotlib.figure import Figure

    thresholds, precision, recall = precision_recall_curve(scores, labels)
    chosen = quality(scores, labels, threshold)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    curve, over = figure.subplots(1, 2)
    curve.step(recall, precision, where="post")
    curve.plot(chosen.recall, chosen.precision, "o", color="tab:red", clip_on=False, zorder=3)
    curve.annotate(
        f"threshold {threshold:.3f}:\nprecision {chosen.precision:.1%}, recall {chosen.recall:.1%}",
        (chosen.recall, chosen.precision),
        (0.05, 0.08),
        arrowprops={"arrowstyle": "-", "color": "tab:red"},
        color="tab:red",
    )
    curve.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    over.step(thresholds, precision, where="pre", label="precision")
    over.step(thresholds, recall, where="pre", label="recall")
    over.axvline(threshold, color="tab:red", lw=1.5, label=f"threshold {threshold:.3f}")
    over.set(xlabel="threshold", xlim=(-0.02, 1.02), ylim=(0, 1.02))
    over.legend(loc="lower center")
    for axis in (curve, over):
        axis.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def mistakes(scores: Scores, labels: Labels, threshold: float, count: int) -> NDArray[np.int64]:
    """Indices of at most `count` frames that `threshold` puts on the wrong side, the most confident first."""
    wrong = np.flatnonzero((scores >= threshold) != labels)
    confidence = np.abs(scores[wrong] - threshold)
    return wrong[np.argsort(-confidence, kind="stable")[:count]]


def plot_mistakes(
    scores: Scores, labels: Labels, frames: LabelledFrames, threshold: float, path: Path
) -> None:
    """Failures taken for successes, and successes taken for failures, as pictures: mistakes alone."""
    from matplotlib.figure import Figure

    cameras = [name for name, value in frames.observations.items() if value.ndim == 4]
    figure = Figure(figsize=(1.6 * _STRIP_COLUMNS, 2 * 1.85 * len(cameras)), layout="constrained")
    titles = ("failures taken for successes", "successes taken for failures")
    parts = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for part, is_success, title in zip(parts, (False, True), titles, strict=True):
        members = np.flatnonzero(labels == is_success)
        wrong = members[mistakes(scores[members], labels[members], threshold, len(members))]
        part.suptitle(f"{title}: {len(wrong)} of {len(members)}", fontsize=10)
        axes = part.subplots(len(cameras), _STRIP_COLUMNS, squeeze=False)
        _draw(axes, cameras, frames, scores, wrong[:_STRIP_COLUMNS])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _draw(
    axes: Any, cameras: list[str], frames: LabelledFrames, scores: Scores, chosen: NDArray[np.int64]
) -> None:
    for axis in axes.ravel():
        axis.set_axis_off()
    for column, index in enumerate(chosen):
        for row, camera in enumerate(cameras):
            axes[row, column].imshow(frames.observations[camera][int(index)].permute(1, 2, 0).numpy())
        where = f"ep {int(frames.episodes[index])} step {int(frames.steps[index])}"
        edge = ", beside a\nchange of label" if frames.is_edge[index] else "\n"
        axes[0, column].set_title(f"{where}: {scores[index]:.3f}{edge}", fontsize=7)
