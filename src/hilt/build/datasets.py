"""The dataset that a configuration names: a folder, or an id of the hub."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hilt.build.dataset_download import HubDataset
from hilt.build.models import is_hub_id
from hilt.build.pictures import preprocessing_of
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.lerobot.catalog import Catalog
from hilt.data.transition import Schema, Transition

Stop = Callable[[], bool]


def open_dataset(
    config: RunConfig,
    schema: Schema | None = None,
    fps: int | None = None,
    should_stop: Stop = lambda: False,
) -> DatasetReader:
    """The dataset that `config.dataset` names, with its features renamed by `rename_map`.

    What `schema` (None: everything) needs of a dataset that lies on the hub is downloaded. Pictures are cut
    and resized as those of the environment (`env.processor.image_preprocessing`).

    Raises:
        ConfigError: it names none.
        DatasetError: it cannot be read or had, or does not fit `schema` or `fps`.
        DownloadStoppedError: `should_stop` said so.
    """
    return DatasetReader(
        local_dataset(config, schema, fps, should_stop=should_stop),
        schema=schema,
        rename=config.rename_map,
        gripper_convention=config.dataset.gripper_convention,
        fps=fps,
        episodes=config.dataset.episodes,
        pictures=preprocessing_of(config),
    )


def recorded_schema(config: RunConfig) -> Schema:
    """What is in the dataset of `config`, by its `meta/` alone. Raises ConfigError, DatasetError."""
    return _meta(config).schema


def require_learnable(config: RunConfig) -> None:
    """Raises ConfigError or DatasetError where nothing can learn from the dataset, by its `meta/` alone."""
    _meta(config).require_learnable()


def _meta(config: RunConfig) -> Catalog:
    """The dataset of `config`, as far as its `meta/` tells."""
    folder = dataset_folder(config)
    if (source := _on_hub(config, folder)) is not None:
        source.fetch_meta()
    return Catalog(folder, rename=config.rename_map, pictures=preprocessing_of(config), need_files=False)


def local_dataset(
    config: RunConfig,
    schema: Schema | None = None,
    fps: int | None = None,
    episodes: Sequence[int] | None = None,
    should_stop: Stop = lambda: False,
) -> Path:
    """The folder of the dataset of `config`, into which is downloaded what is needed and not there.

    That is what `schema` holds (None: everything) of `episodes` (None: `dataset.episodes`, else all).

    Raises:
        ConfigError, DatasetError, DownloadStoppedError: as `open_dataset`.
    """
    folder = dataset_folder(config)
    source = _on_hub(config, folder, should_stop)
    if source is None:
        return folder
    source.fetch_meta()
    wanted = config.dataset.episodes if episodes is None else episodes
    pictures = preprocessing_of(config)
    catalog = Catalog(folder, schema, config.rename_map, fps, wanted, pictures, need_files=False)
    source.fetch(catalog.files())
    return folder


def dataset_at(name: str | Path) -> Path:
    """The folder `name`; or that of the dataset of this hub id, downloaded where it is not there.

    Raises:
        DatasetError: the hub does not give it.
    """
    if not is_hub_id(str(name)):
        return Path(name)
    try:
        return local_dataset(load_config({"dataset": {"repo_id": str(name)}}))
    except DatasetError as error:
        raise DatasetError(f"{name}: no such folder, and of the hub: {error}") from None


def _on_hub(config: RunConfig, folder: Path, should_stop: Stop = lambda: False) -> HubDataset | None:
    """Where `folder` is filled from; None: it is the user's own."""
    said = config.dataset
    if said.root is not None or said.repo_id is None:
        return None
    return HubDataset(said.repo_id, folder, said.revision, _tell, should_stop)


def _tell(text: str) -> None:
    print(f"hilt: {text}", file=sys.stderr, flush=True)


def open_fitting(config: RunConfig, schema: Schema, should_stop: Stop = lambda: False) -> DatasetReader:
    """The dataset of `config`, in `schema`, at the environment's rate where that is known.

    Raises:
        ConfigError, DatasetError: as `open_dataset`.
    """
    fps = None if config.env.type == "gymnasium" else config.env.fps
    require_learnable(config)
    return open_dataset(config, schema, fps, should_stop)


def read_transitions(
    config: RunConfig, schema: Schema, tell: Callable[[str], None] = lambda text: None
) -> Iterator[Transition]:
    """Every step of the dataset of `config`, as `open_fitting` opens it.

    Raises:
        ConfigError, DatasetError: as `open_dataset`.
    """
    reader = open_fitting(config, schema)
    if reader.unused:
        tell(f"the policy does not use {', '.join(reader.unused)} of {reader.root}")
    yield from reader.transitions()
    reader.close()


def dataset_folder(config: RunConfig) -> Path:
    """Where the dataset of `config` is. Raises ConfigError when it names none."""
    if config.dataset.directory is None:
        raise ConfigError("dataset.root", "missing: the folder of a dataset (or dataset.repo_id)")
    return config.dataset.directory
