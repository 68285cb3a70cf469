"""Rows and pictures of one episode at a time; each file is opened once when episodes are read in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import layout, tables
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

    def scalars(self, name: str, default: NDArray[Any] | None = None) -> NDArray[Any]:
        """(N,), or `default` where there is no such feature. Raises DatasetError as `column`."""
        if default is not None and not self.has(name):
            return default
        column = self.column(name)
        return column.reshape(len(column), -1)[:, 0]

    def pictures(self, name: str, steps: Sequence[int] | None = None) -> Sequence[NDArray[np.uint8]]:
        """Pictures, uint8 [3, H, W], of a camera: all N, or those of `steps`, which ascend."""
        source, fps = self._catalog.sources[name], self._catalog.info.fps
        if source in self.episode.videos:
            path, start_s = self.episode.videos[source]
            video = self._video(source, path)
            if steps is None:
                pictures: Iterable[NDArray[np.uint8]] = video.read(start_s, self.episode.length, fps)
            else:
                pictures = (next(iter(video.read(start_s + step / fps, 1, fps))) for step in steps)
        else:
            cells = self._rows[source] if steps is None else self._rows[source].take(list(steps))
            pictures = (self._decoded(cell, source) for cell in cells.to_pylist())
        return [self._processed(name, picture) for picture in pictures]

    def _decoded(self, cell: Any, source: str) -> NDArray[np.uint8]:
        """A picture that lies in the cell, or in the file that it names."""
        where = f"{self.episode.data_path}, {source!r}"
        data = cell.get("bytes") if isinstance(cell, dict) else None
        if data is None:
            path = self._catalog.root / str((cell or {}).get("path") or "")
            if not path.is_file():
                raise DatasetError(f"{where}: a picture is missing")
            data = path.read_bytes()
        return decode_png(data, where)

    def ends(self, reward: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any]]:
        """(terminated, truncated), bool (N,), one of them set at the last step.

        Without `next.truncated` the last step is a true end if it was rewarded, else a truncation.
        """
        last = np.arange(self.episode.length) == self.episode.length - 1
        done = self.scalars(layout.DONE, last).astype(bool)
        if not self.has(layout.TRUNCATED):
            terminated = done & ((reward > 0) if reward is not None else False)
            return terminated, last & ~terminated
        truncated = self.scalars(layout.TRUNCATED).astype(bool)
        # Others set `next.done` at a truncation, too.
        terminated = done if self._catalog.is_own else done & ~truncated
        return terminated, truncated | (last & ~terminated)

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

    def check_clock(self) -> None:
        """Raises DatasetError when the frames are not 1/fps apart."""
        if not self.has("timestamp"):
            return
        expected = np.arange(self.episode.length) / self._catalog.info.fps
        if np.abs(self.scalars("timestamp") - expected).max() > _CLOCK_TOLERANCE_S:
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
