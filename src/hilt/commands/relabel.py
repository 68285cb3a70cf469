"""`hilt relabel`: rewards of a recorded dataset, frame by frame, by a classifier, into a new dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilt.build.datasets import dataset_at
from hilt.build.models import model_folder
from hilt.build.pictures import preprocessing_of
from hilt.commands.options import options_of
from hilt.config.load import Source, load_config
from hilt.config.overrides import parse_command_line
from hilt.rewards import ClassifierReward, load_classifier
from hilt.rewards import relabel as relabel_dataset
from hilt.rewards.relabel import Relabelling
from hilt.runs.layout import MODEL
from hilt.session.console import Progress

PICTURES = "env.processor.image_preprocessing."


def main(arguments: Sequence[str]) -> int:
    """Rewards by a classifier; the exit code."""
    path, words = parse_command_line(arguments)
    overrides = [word for word in words if word.startswith(PICTURES)]
    options = options_of(
        "relabel",
        [f"--{word}" for word in words if word not in overrides],
        needed=("dataset", "classifier"),
        optional=("output", "config_path", PICTURES + "KEY"),
    )
    result = relabel(options["dataset"], options["classifier"], options.get("output"), path, *overrides)
    print("\n".join(result.lines()))
    return 0


def relabel(
    dataset: str | Path,
    classifier: str | Path,
    output: str | Path | None = None,
    config: Source = None,
    *overrides: str,
) -> Relabelling:
    """`hilt relabel`: `dataset` again in `output` (DATASET_relabelled), with the rewards of `classifier`.

    It is shown pictures as `env.processor.image_preprocessing` of `config` says, or of the configuration that
    it was trained with.

    Raises:
        DatasetError: the dataset cannot be read, or `output` exists. CheckpointError: there is no classifier.
        ConfigError: the configuration cannot be used.
    """
    folder = model_folder(classifier)
    reward = ClassifierReward(load_classifier(folder))
    checked = load_config(config or trained_with(folder), overrides)
    pictures = preprocessing_of(checked)
    return relabel_dataset(dataset_at(dataset), reward, output, pictures=pictures, progress=Progress())


def trained_with(classifier: Path) -> Path | None:
    """The configuration that lies beside a classifier."""
    folders = (classifier / MODEL, classifier)
    paths = (folder / "train_config.json" for folder in folders)
    return next((path for path in paths if path.is_file()), None)
