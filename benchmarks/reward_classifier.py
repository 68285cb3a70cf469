"""How well a reward classifier tells success on episodes that nobody had seen when it was calibrated.

    python -m benchmarks.reward_classifier --output_dir=outputs/reward --seeds=3

Per seed: 20 episodes are recorded and a classifier is trained and calibrated on them; then it judges 100
fresh ones. Finished seeds stay in the folder. Beside the figures lie the worst mistakes as pictures.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.reward_data import EPISODES, fit, recorded
from benchmarks.series import Series, markdown, whole
from hilt.data.lerobot import DatasetReader
from hilt.data.transition import Observation
from hilt.rewards.calibration import Quality
from hilt.rewards.frames import load_frames
from hilt.rewards.model import RewardClassifier, load_classifier
from hilt.rewards.report import judge, plot_mistakes
from hilt.rewards.reward_function import ClassifierReward
from hilt.training.reward_classifier import success_scores

FRESH = 100
_FRESH_SEED = 1_000_000
_TIMED = 200


def main(arguments: Sequence[str]) -> int:
    """Run what is missing, then print the table; the exit code."""
    series = Series.parse(arguments, "outputs/reward", seeds=3)
    print(markdown([series.result(f"reward_{s}", partial(measure, series.folder, s)) for s in series.seeds]))
    return 0


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """The figures of one seed; frames within one step of the change of label are counted apart."""
    own = folder / f"seed_{seed}"
    dataset = recorded(own / "dataset", EPISODES, 0, seed)
    fresh = recorded(own / "fresh", FRESH, 0, _FRESH_SEED + seed)
    run, clocks = own / "classifier", (time.monotonic(), time.process_time())
    whole(run, partial(fit, dataset=dataset, seed=seed))
    seconds = {
        "training [s]": round(time.monotonic() - clocks[0], 1),
        "of the processor [s]": round(time.process_time() - clocks[1], 1),
        "load": round(os.getloadavg()[0], 1),
    }
    classifier = load_classifier(run / "checkpoints" / "last")
    return {"seed": seed, **_judged(classifier, fresh, own / "mistakes.png"), **seconds}


def _judged(classifier: RewardClassifier, fresh: Path, picture: Path) -> dict[str, Any]:
    reader = DatasetReader(fresh)
    frames = load_frames(reader, classifier.spec.features, classifier.spec.num_classes)
    scores, labels = success_scores(classifier, frames)
    threshold = classifier.spec.threshold
    auc, clear, edge = judge(scores, frames, labels, threshold)
    plot_mistakes(scores, labels, frames, threshold, picture)
    observations = [step.next_observation for step in reader.episode(reader.episodes[0])]
    return {
        "threshold": round(threshold, 4),
        **_named(clear, ""),
        **_named(edge, "edge "),
        "AUC": round(auc, 5),
        "ms per step": round(_milliseconds(classifier, observations), 2),
    }


def _named(quality: Quality, prefix: str) -> dict[str, Any]:
    shown = {name: round(value, 4) for name, value in asdict(quality).items() if name != "n"}
    return {prefix + "frames": quality.n} | {
        prefix + name.replace("_", " "): value for name, value in shown.items()
    }


def _milliseconds(classifier: RewardClassifier, observations: Sequence[Observation]) -> float:
    """Median of one call in the environment [ms]."""
    reward = ClassifierReward(classifier)
    times = [reward(observations[k % len(observations)]).milliseconds for k in range(_TIMED)]
    return float(median(times[_TIMED // 10 :]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
