"""Rows and pictures of one episode at a time; each file is opened once when episodes are read in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import tables
from hilt.data.lerobot.catalog import Catalog, Episode
from hilt.data.lerobot.layout import DatasetError
from hilt.data.lerobot.video import VideoReader, decode_png

_CLOCK_TOLERANCE_S = 1e-3


class Frames:
    """Columns and pictures of one episode, under hilt's names, in the dataset's units."""

    def __init__(self, catalog: Catalog, episode: Episode, rows: Any, videos: dict[str, VideoReader]) -> None:
        self._catalog = catalog
        self._rows = rows
        self._videos = videos
        self.episode = episode
        self._check_clock()

    def has(self, name: str) -> bool:
        return name in self._catalog.sources

    def column(self, name: str) -> NDArray[Any]:
        """Scalars (N,) or vectors (N, D) of a feature.

        Raises:
            DatasetError: the column is missing or has holes.
        """
        path, source = self.episode.data_path, self._catalog.sources[name]
        if source not in self._rows.column_names:
            raise DatasetError(f"{path} has no column {source!r}, which meta/info.json promises")
        return tables.to_numpy(self._rows[source], f"{path}, column {source!r},")

    def vectors(self, name: str, width: int) -> NDArray[np.float32]:
        """(N, width). Raises DatasetError when the column is of another width."""
        column = self.column(name)
        values = column.reshape(len(column), -1).astype(np.float32)
        if values.shape[1] != width:
            raise DatasetError(f"{self.episode.data_path}: {name!r} is {values.shape[1]} wide, not {width}")
        return values

    def pictures(self, name: str) -> Sequence[NDArray[np.uint8]]:
        """N pictures, uint8 [3, H, W], of a camera."""
        source = self._catalog.sources[name]
        if source in self.episode.videos:
            path, start_s = self.episode.videos[source]
            pictures = self._video(source, path).read(start_s, self.episode.length, self._catalog.info.fps)
        else:
            where = f"{self.episode.data_path}, {source!r}"
            pictures = (decode_png(cell["bytes"], where) for cell in self._rows[source].to_pylist())
        return [self._processed(name, picture) for picture in pictures]

    def _processed(self, name: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        expected = self._catalog.recorded_shape(name)
        if picture.shape != expected:
            raise DatasetError(
                f"{self.episode.data_path}: pictures of {name!r} are {picture.shape}, not {expected}"
            )
        recipe = self._catalog.recipes.get(name)
        return picture if recipe is None else recipe(picture)

    def _video(self, source: str, path: Path) -> VideoReader:
        reader = self._videos.get(source)
        if reader is None or reader.path != path:
            if reader is not None:
                reader.close()
            reader = self._videos[source] = VideoReader(path)
        return reader

    def _check_clock(self) -> None:
        if not self.has("timestamp"):
            return
        expected = np.arange(self.episode.length) / self._catalog.info.fps
        timestamps = self.column("timestamp")
        if np.abs(timestamps - expected).max() > _CLOCK_TOLERANCE_S:
            raise DatasetError(
                f"{self.episode.data_path}: frames of episode {self.episode.index} are not "
                f"1/{self._catalog.info.fps} s apart: meta/info.json says another fps than was recorded at, "
                "or frames are missing"
            )


class FrameReader:
    """Opens data and video files of a dataset."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._path: Path | None = None
        self._table: Any = None
        self._videos: dict[str, VideoReader] = {}

    def open(self, episode: Episode) -> Frames:
        """Raises DatasetError when the data file is damaged, or holds another number of frames."""
        if self._path != episode.data_path:
            self._table, self._path = tables.read_table(episode.data_path), episode.data_path
        positions = np.flatnonzero(self._table["episode_index"].to_numpy() == episode.index)
        if len(positions) != episode.length:
            raise DatasetError(
                f"{episode.data_path} holds {len(positions)} frames of episode {episode.index}, "
                f"but the episode table says {episode.length}"
            )
        rows = self._table.slice(positions[0], episode.length)
        return Frames(self._catalog, episode, rows, self._videos)

    def close(self) -> None:
        for video in self._videos.values():
            video.close()
        self._videos.clear()
