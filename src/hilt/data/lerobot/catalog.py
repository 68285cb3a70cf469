"""What a dataset holds and where: features matched by name, episodes, files that must be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import layout, sidecar, statistics, tables
from hilt.data.lerobot.layout import DatasetError
from hilt.data.lerobot.sidecar import EpisodeNote
from hilt.data.lerobot.statistics import Stats
from hilt.data.lerobot.tasks import Tasks
from hilt.data.transition import ENVIRONMENT_STATE, STATE, Feature, Schema

NUMBERS = (
    *("bool", "float16", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
"""Types of a feature that is made of numbers."""

_HOW_TO_RESIZE = ": env.processor.image_preprocessing (crop_params_dict, resize_size) makes them fit"


@dataclass(frozen=True, slots=True)
class Episode:
    """Where an episode lies, and what is known about it."""

    index: int
    length: int
    task: str
    data_path: Path
    videos: Mapping[str, tuple[Path, float]]
    """Video feature, as the dataset names it -> file and the second at which the episode begins there."""
    note: EpisodeNote | None
    """Seed, initial state and last observation; None when another program recorded the episode."""


def _observation_feature(described: Mapping[str, Any]) -> Feature | None:
    """What a feature of `info.json` is in an observation; None for text, depth maps and matrices."""
    shape = tuple(described["shape"])
    if described["dtype"] in ("video", "image"):
        if len(shape) != 3 or _is_depth_map(described):
            return None
        height_width = shape[:2] if _is_channel_last(described.get("names"), shape) else shape[1:]
        return Feature((3, *height_width), "uint8")  # of whatever kind, they are read as colours
    if described["dtype"] in NUMBERS and len(shape) == 1:
        return Feature(shape)
    return None


def _is_depth_map(described: Mapping[str, Any]) -> bool:
    said = described.get("info") or described.get("video_info") or {}
    return bool(said.get("is_depth_map") or said.get("video.is_depth_map"))


def _is_channel_last(names: Any, shape: tuple[int, ...]) -> bool:
    """Whether pictures are described as [H, W, C]: their names say so, else the size that channels have."""
    if isinstance(names, list) and len(names) == 3:
        first, *_, last = (str(name).startswith("channel") for name in names)
        if first != last:
            return last
    return shape[2] in (1, 3, 4) and shape[0] not in (1, 3, 4)


def _way_out(missing: str, found: Mapping[str, Feature]) -> str:
    """What helps besides renaming."""
    has_pictures = any(feature.is_image for feature in found.values())
    return "--env.obs_type=pixels learns from its pictures; " * (
        missing == ENVIRONMENT_STATE and has_pictures
    )


class PictureRecipe(Protocol):
    """What is done to each picture of one camera as it is read."""

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]: ...
    def shape(self, before: tuple[int, ...]) -> tuple[int, ...]: ...


class PictureProcessing(Protocol):
    """Says what is left to do to recorded pictures of `shape` to make them `wanted`; raises DatasetError."""

    def for_dataset(
        self, where: str, name: str, shape: tuple[int, ...], wanted: tuple[int, ...] | None, done: Any
    ) -> PictureRecipe: ...


class Catalog:
    """Features and episodes of the dataset in `root`, checked for completeness.

    `rename` maps the dataset's names to hilt's. With `schema`, exactly its features are taken, and missing
    or misshapen ones are an error; `unused` names the others. `fps`, when given, must be the dataset's.
    `pictures` brings pictures to another size as they are read. Without `need_files`, `meta/` is enough.

    Raises:
        DatasetError: what is wrong, and with which file.
    """

    def __init__(
        self,
        root: Path,
        schema: Schema | None = None,
        rename: Mapping[str, str] | None = None,
        fps: int | None = None,
        episodes: Sequence[int] | None = None,
        pictures: PictureProcessing | None = None,
        need_files: bool = True,
    ) -> None:
        if not root.is_dir():
            raise DatasetError(f"{root} is no folder: set dataset.root to a recorded dataset")
        self.root = root
        self.info = layout.read_info(root)
        self.sources = {(rename or {}).get(name, name): name for name in self.info.features}
        """hilt's name of each feature -> the dataset's."""
        self._check_info(fps)
        self.notes = sidecar.read_notes(root, self.info.total_episodes)
        self.recipes: dict[str, PictureRecipe] = {}
        """Camera -> what is done to its pictures as they are read; others are taken as they are."""
        self.schema, self.unused = self._match(schema, pictures)
        self.episodes = self._read_episodes(episodes)
        for path in self.files() if need_files else ():
            if not (root / path).is_file():
                raise DatasetError(f"{root / path} is missing: the dataset is not complete")

    @property
    def is_own(self) -> bool:
        """hilt recorded it."""
        return bool(self.notes)

    def recorded_stats(self) -> dict[str, Stats]:
        """`meta/stats.json` under hilt's names, in the dataset's units; empty when there is none."""
        path = self.root / layout.STATS
        stats = statistics.from_json(layout.read_json(path)) if path.exists() else {}
        return {name: stats[source] for name, source in self.sources.items() if source in stats}

    def _check_info(self, fps: int | None) -> None:
        path = self.root / layout.INFO
        if self.info.total_episodes < 1:
            raise DatasetError(f"{path} counts no episodes: nothing was recorded")
        if fps is not None and fps != self.info.fps:
            raise DatasetError(
                f"{path} says {self.info.fps} fps, but the environment runs at {fps}: "
                f"set env.fps to {self.info.fps}, or record again"
            )

    def require_learnable(self) -> None:
        """Raises DatasetError when there are no actions or rewards, without which no policy learns."""
        path = self.root / layout.INFO
        if layout.ACTION not in self.sources:
            raise DatasetError(f"{path} has no feature {layout.ACTION!r}: there is nothing to learn from it")
        if layout.REWARD not in self.sources:
            raise DatasetError(
                f"{path} has no feature {layout.REWARD!r}, without which no policy learns: "
                "`hilt relabel --dataset DIR --classifier DIR` adds rewards, rename_map names them"
            )

    def _found(self) -> dict[str, Feature]:
        features = {
            name: _observation_feature(self.info.features[source])
            for name, source in self.sources.items()
            if name.startswith("observation.")
        }
        return {name: feature for name, feature in features.items() if feature is not None}

    @property
    def state_dim(self) -> int | None:
        """Numbers of `observation.state`, whether they are read or not; None: there is none."""
        state = self._found().get(STATE)
        return None if state is None else state.shape[0]

    def recorded_shape(self, name: str) -> tuple[int, ...]:
        """(3, H, W) of a camera's pictures as they lie in the files."""
        feature = _observation_feature(self.info.features[self.sources[name]])
        assert feature is not None
        return feature.shape

    def preprocessing(self) -> Mapping[str, Any] | None:
        """Camera, as the dataset names it -> what was done before its pictures were recorded; None: not said,
        or not the same in all episodes."""
        said = [note.preprocessing for note in self.notes.values()]
        return said[0] if said and all(each == said[0] for each in said) else None

    def _processed(
        self, found: Mapping[str, Feature], wanted: Schema | None, pictures: PictureProcessing | None
    ) -> dict[str, Feature]:
        """`found`, with cameras at the size to which `pictures` brings them; fills `recipes`."""
        if pictures is None:
            return dict(found)
        processed, done = dict(found), self.preprocessing()
        for name, feature in found.items():
            if not feature.is_image or (wanted is not None and name not in wanted.observation):
                continue
            recipe = pictures.for_dataset(
                str(self.root / layout.INFO),
                name,
                feature.shape,
                None if wanted is None else wanted.observation[name].shape,
                None if done is None else done.get(self.sources[name]),
            )
            processed[name] = replace(feature, shape=recipe.shape(feature.shape))
            self.recipes[name] = recipe
        return processed

    def _match(self, wanted: Schema | None, pictures: PictureProcessing | None) -> tuple[Schema, list[str]]:
        """The schema of what is read, and the observations that are left out."""
        found = self._processed(self._found(), wanted, pictures)
        source = self.sources.get(layout.ACTION)
        # A dataset without actions can be looked at; nobody asks for these.
        action = Feature((1,) if source is None else tuple(self.info.features[source]["shape"]))
        if wanted is None:
            return Schema(found, action), []
        for name, feature in wanted.observation.items():
            self._check_feature(name, found.get(name), feature, found)
        self._check_feature(layout.ACTION, action, wanted.action, found)
        return wanted, sorted(found.keys() - wanted.observation.keys())

    def _check_feature(
        self, name: str, has: Feature | None, needs: Feature, found: Mapping[str, Feature]
    ) -> None:
        path = self.root / layout.INFO
        if has is None:
            raise DatasetError(
                f"{path} has no feature {name!r}, which the policy needs; it has {', '.join(sorted(found))} "
                f"({_way_out(name, found)}rename_map maps a dataset's names to the policy's)"
            )
        if has != needs:
            raise DatasetError(
                f"{path} has {name!r} of shape {list(has.shape)} ({has.dtype}), "
                f"the policy needs {list(needs.shape)} ({needs.dtype})"
                + (_HOW_TO_RESIZE if has.is_image and needs.is_image else "")
            )

    def _read_episodes(self, wanted: Sequence[int] | None) -> list[Episode]:
        table = tables.read_episodes(self.root, self.info.total_episodes)
        names = [name for name in table.column_names if not name.startswith("stats/")]
        rows = table.select(names).to_pylist()
        chosen = range(len(rows)) if wanted is None else wanted
        for index in chosen:
            if not 0 <= index < len(rows):
                raise DatasetError(
                    f"{self.root} has episodes 0 to {len(rows) - 1}: there is no episode {index}"
                )
        tasks = Tasks(self.root)
        try:
            return [self._episode(index, rows[index], tasks) for index in chosen]
        except KeyError as missing:
            raise DatasetError(f"{self.root / layout.EPISODES_FOLDER} has no column {missing}") from None

    def _episode(self, index: int, row: Mapping[str, Any], tasks: Tasks) -> Episode:
        def path(template: str, kind: str, default: int | None) -> Path:
            place = {name: row.get(f"{kind}/{name}", default) for name in ("chunk_index", "file_index")}
            if missing := [name for name, number in place.items() if number is None]:
                raise KeyError(f"{kind}/{missing[0]}")
            return self.root / template.format(**place, video_key=kind.removeprefix("videos/"))

        video_path = self.info.video_path or layout.VIDEO_PATH
        videos = {
            key: (path(video_path, f"videos/{key}", None), float(row[f"videos/{key}/from_timestamp"]))
            for key in self._video_sources()
        }
        length = row.get("length")
        if length is None:
            length = row["dataset_to_index"] - row["dataset_from_index"]
        data_path = path(self.info.data_path, "data", 0)
        task = tasks.of(index, row.get("tasks"), data_path)
        return Episode(index, length, task, data_path, videos, self.notes.get(index))

    def _video_sources(self) -> list[str]:
        sources = [self.sources[name] for name in self.schema.images]
        return [source for source in sources if self.info.features[source]["dtype"] == "video"]

    def files(self) -> list[str]:
        """Files of the episodes and cameras in use, relative to `root`, whether they are there or not."""
        paths = [
            path
            for episode in self.episodes
            for path in (episode.data_path, *(path for path, _ in episode.videos.values()))
        ]
        return [str(path.relative_to(self.root)) for path in dict.fromkeys(paths)]
