"""`hilt relabel`: rewards of a recorded dataset, frame by frame, by a classifier, into a new dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.overrides import parse_command_line
from hilt.rewards import ClassifierReward, load_classifier
from hilt.rewards import relabel as relabel_dataset
from hilt.rewards.relabel import Relabelling


def main(arguments: Sequence[str]) -> int:
    """Rewards by a classifier; the exit code."""
    options = _options(arguments, "relabel", ("dataset", "classifier"), ("output",))
    result = relabel(options["dataset"], options["classifier"], options.get("output"))
    print("\n".join(result.lines()))
    return 0


def relabel(dataset: str | Path, classifier: str | Path, output: str | Path | None = None) -> Relabelling:
    """`hilt relabel`: `dataset` again in `output` (DATASET_relabelled), with the rewards of `classifier`.

    Raises:
        DatasetError: the dataset cannot be read, or `output` exists. CheckpointError: there is no classifier.
    """
    return relabel_dataset(dataset, ClassifierReward(load_classifier(classifier)), output)


def _options(
    arguments: Sequence[str], verb: str, needed: Sequence[str], optional: Sequence[str]
) -> dict[str, str]:
    """The `--name value` options of a verb without a configuration."""
    options = dict(override.split("=", 1) for override in parse_command_line(arguments)[1])
    for name in needed:
        if name not in options:
            raise ConfigError(verb, f"--{name}: missing")
    for name in options:
        if name not in (*needed, *optional):
            raise ConfigError(verb, f"--{name}: unknown; there are --{', --'.join((*needed, *optional))}")
    return options
