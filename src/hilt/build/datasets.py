"""The dataset that a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from hilt.build.pictures import preprocessing_of
from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetReader
from hilt.data.transition import Schema, Transition


def open_dataset(config: RunConfig, schema: Schema | None = None, fps: int | None = None) -> DatasetReader:
    """The dataset that `config.dataset` names, with its features renamed by `rename_map`.

    Pictures are cut and resized as those of the environment (`env.processor.image_preprocessing`).

    Raises:
        ConfigError: it names none.
        DatasetError: it cannot be read, or does not fit `schema` or `fps`.
    """
    return DatasetReader(
        dataset_folder(config),
        schema=schema,
        rename=config.rename_map,
        gripper_convention=config.dataset.gripper_convention,
        fps=fps,
        episodes=config.dataset.episodes,
        pictures=preprocessing_of(config),
    )


def read_transitions(
    config: RunConfig, schema: Schema, tell: Callable[[str], None] = lambda text: None
) -> Iterator[Transition]:
    """Every step of the dataset of `config`, in `schema`, at the environment's rate where that is known.

    Raises:
        ConfigError, DatasetError: as `open_dataset`.
    """
    reader = open_dataset(config, schema, fps=None if config.env.type == "gymnasium" else config.env.fps)
    if reader.unused:
        tell(f"the policy does not use {', '.join(reader.unused)} of {reader.root}")
    yield from reader.transitions()
    reader.close()


def dataset_folder(config: RunConfig) -> Path:
    """Where the dataset of `config` is. Raises ConfigError when it names none."""
    if config.dataset.directory is None:
        raise ConfigError("dataset.root", "missing: the folder of a dataset (or dataset.repo_id)")
    return config.dataset.directory
