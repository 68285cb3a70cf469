"""`hilt relabel`: rewards of a recorded dataset, frame by frame, by a classifier, into a new dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilt.commands.options import options_of
from hilt.rewards import ClassifierReward, load_classifier
from hilt.rewards import relabel as relabel_dataset
from hilt.rewards.relabel import Relabelling


def main(arguments: Sequence[str]) -> int:
    """Rewards by a classifier; the exit code."""
    options = options_of("relabel", arguments, needed=("dataset", "classifier"), optional=("output",))
    result = relabel(options["dataset"], options["classifier"], options.get("output"))
    print("\n".join(result.lines()))
    return 0


def relabel(dataset: str | Path, classifier: str | Path, output: str | Path | None = None) -> Relabelling:
    """`hilt relabel`: `dataset` again in `output` (DATASET_relabelled), with the rewards of `classifier`.

    Raises:
        DatasetError: the dataset cannot be read, or `output` exists. CheckpointError: there is no classifier.
    """
    return relabel_dataset(dataset, ClassifierReward(load_classifier(classifier)), output)
