"""Recording: transitions to a LeRobotDataset v3.0 that is complete after every episode.

Each episode has a data file, and a video file per camera, of its own, written under a temporary name and
renamed when whole. `meta/info.json` is replaced last: what it counts exists, what it does not count is
overwritten by the next episode. So a kill at any moment costs the episode in progress and nothing else.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hilt.data.lerobot import layout, sidecar, tables
from hilt.data.lerobot.cameras import Camera, PngCamera, VideoCamera
from hilt.data.lerobot.layout import DatasetError, Info, Origin, chunk_and_file
from hilt.data.lerobot.statistics import Stats, merge_all, to_json, vector_stats
from hilt.data.transition import Judge, Observation, Schema, Transition

IMAGE_FORMATS = {"video": "video", "png": "image"}
_FOLDERS = {"data", "meta", "videos"}


class _Episode:
    """What has been recorded of the episode in progress."""

    def __init__(self, cameras: dict[str, Camera], vectors: list[str]) -> None:
        self.cameras = cameras
        self.vectors = vectors
        self.columns: dict[str, list[Any]] = {}
        self.encoding: list[Future[None]] = []
        self.final_observation: Observation = {}
        self.task = ""

    def add(self, transition: Transition, encoder: ThreadPoolExecutor) -> None:
        values: dict[str, Any] = {
            **{name: transition.observation[name] for name in self.vectors},
            layout.ACTION: transition.action,
            layout.REWARD: transition.reward,
            layout.DONE: transition.terminated,
            layout.TRUNCATED: transition.truncated,
            layout.IS_INTERVENTION: transition.is_intervention,
            layout.DISCRETE_PENALTY: transition.discrete_penalty,
            layout.POLICY_ACTION: transition.policy_action,
            layout.IS_SUCCESS: transition.is_success,
        }
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)
        for name, camera in self.cameras.items():
            self.encoding.append(encoder.submit(camera.add, transition.observation[name]))
        self.final_observation = transition.next_observation

    def __len__(self) -> int:
        return len(self.columns.get(layout.ACTION, ()))

    def wait(self) -> None:
        """Until every picture is encoded; raises what went wrong while encoding."""
        for job in self.encoding:
            job.result()
        self.encoding.clear()


class DatasetWriter:
    """Writes transitions of `schema` to the dataset in `root`.

    `next.done` is `terminated` and `next.truncated` is `truncated`, never merged. Pictures are encoded in a
    thread while the episode goes on (`image_format`: "video" for H.264, "png" for lossless). When
    `finish_episode` returns, the episode is on disk and every reader of the format sees it.

    Raises:
        DatasetError: `root` holds a dataset and `append` is not set, or it is of other features, another
            frame rate, or recorded by another program.
    """

    def __init__(
        self,
        root: Path | str,
        schema: Schema,
        *,
        fps: int,
        task: str,
        image_format: str = "video",
        append: bool = False,
        origin: Origin | None = None,
    ) -> None:
        if image_format not in IMAGE_FORMATS:
            raise DatasetError(f"image_format is {image_format!r}; allowed: {', '.join(IMAGE_FORMATS)}")
        self.root = Path(root)
        self.schema = schema
        origin = origin or Origin()
        self._task, self._preprocessing = task, origin.preprocessing
        self._image_format = image_format
        features = layout.describe(schema, IMAGE_FORMATS[image_format], fps, origin)
        videos = layout.VIDEO_PATH if image_format == "video" and schema.images else None
        self._info = Info(fps, features, video_path=videos, robot_type=origin.robot_type)
        self._tasks: list[str] = []
        self._rows: Any = None
        self._stats: dict[str, Stats] = {}
        if (self.root / layout.INFO).exists():
            self._open_existing(append)
        elif self.root.exists() and {path.name for path in self.root.iterdir()} - _FOLDERS:
            raise DatasetError(f"{self.root} is not empty and holds no dataset: choose another dataset.root")
        sidecar.cut_notes(self.root, self.n_episodes)
        self._encoder = ThreadPoolExecutor(1, "dataset-encoder")
        self._episode: _Episode | None = None

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def n_episodes(self) -> int:
        """Finished episodes in the dataset, those from before included."""
        return self._info.total_episodes

    @property
    def n_frames(self) -> int:
        """Frames of the finished episodes."""
        return self._info.total_frames

    def _open_existing(self, append: bool) -> None:
        path = self.root / layout.INFO
        if not append:
            raise DatasetError(
                f"{self.root} already holds a dataset: append to it with --resume=true, "
                "or choose another dataset.root"
            )
        existing = layout.read_info(self.root)
        if existing.fps != self._info.fps:
            raise DatasetError(f"{path} says {existing.fps} fps, the recording runs at {self._info.fps}")
        if names := layout.differing(existing.features, self._info.features):
            raise DatasetError(f"{path} has other features than the recording: {', '.join(names)}")
        if not (self.root / layout.SIDECAR).exists():
            raise DatasetError(f"{self.root} was written by another program: record into a new dataset.root")
        self._info = existing
        self._tasks = tables.read_tasks(self.root)
        self._rows = tables.read_episodes(self.root, existing.total_episodes)
        self._stats = merge_all(tables.read_stats_columns(row) for row in self._rows.to_pylist())

    def _video_path(self, name: str) -> Path:
        return self.root / layout.VIDEO_PATH.format(video_key=name, **chunk_and_file(self.n_episodes))

    def _new_episode(self) -> _Episode:
        cameras: dict[str, Camera] = {}
        for name in self.schema.images:
            feature = self.schema.observation[name]
            if self._image_format == "video":
                cameras[name] = VideoCamera(self._video_path(name), feature, self._info.fps)
            else:
                cameras[name] = PngCamera(feature)
        return _Episode(cameras, self.schema.vectors)

    def add(self, transition: Transition) -> None:
        """Record one step; pictures are encoded in the background.

        Raises:
            SchemaError: the transition does not fit the schema.
        """
        self.schema.check(transition)
        if self._episode is None:
            self._episode = self._new_episode()
        self._episode.add(transition, self._encoder)

    def discard_episode(self) -> None:
        """Throw the episode in progress away."""
        episode, self._episode = self._episode, None
        if episode is None:
            return
        for job in episode.encoding:
            job.cancel()
        for camera in episode.cameras.values():
            self._encoder.submit(camera.discard).result()

    def finish_episode(
        self,
        seed: int | None = None,
        initial_state: NDArray[np.float64] | None = None,
        task: str | None = None,
        judge: Judge | None = None,
    ) -> int:
        """Complete the episode in progress and return its index. On return it is on disk.

        `seed` and `initial_state` (float64, of the simulation) are what replays it exactly; `task` is its
        task where that is not the writer's; `judge` says whose word its success is.

        Raises:
            DatasetError: no step was added.
            OSError: the disk is full, or not writable; earlier episodes are unharmed.
        """
        episode = self._episode
        if episode is None or not len(episode):
            raise DatasetError("the episode has no steps: nothing to finish")
        episode.task = task or self._task
        try:
            index = self._commit(episode, seed, initial_state, judge)
        except BaseException:
            self.discard_episode()
            sidecar.cut_notes(self.root, self.n_episodes)
            raise
        self._episode = None
        return index

    def _commit(
        self, episode: _Episode, seed: int | None, state: NDArray[np.float64] | None, judge: Judge | None
    ) -> int:
        episode.wait()
        index, length = self.n_episodes, len(episode)
        columns = self._columns(episode)
        pictures = {name: camera.finish() for name, camera in episode.cameras.items()}
        stats = {name: vector_stats(values.reshape(length, -1)) for name, values in columns.items()}
        stats |= {name: camera.histogram.stats() for name, camera in episode.cameras.items()}
        table = self._table(columns, pictures)
        tables.write_table(self.root / layout.DATA_PATH.format(**chunk_and_file(index)), table)
        final = sidecar.encode_observation(episode.final_observation)
        note = sidecar.EpisodeNote(index, seed, state, "hilt", final, self._preprocessing, judge)
        sidecar.append_note(self.root, note)
        self._write_meta(episode.task, length, stats)
        return index

    def _columns(self, episode: _Episode) -> dict[str, NDArray[Any]]:
        length = len(episode)
        frame_index = np.arange(length)
        if episode.task not in self._tasks:
            self._tasks.append(episode.task)
        bookkeeping = {
            "timestamp": frame_index / self._info.fps,
            "frame_index": frame_index,
            "episode_index": np.full(length, self.n_episodes),
            "index": self.n_frames + frame_index,
            "task_index": np.full(length, self._tasks.index(episode.task)),
        }
        columns = {name: np.asarray(values) for name, values in episode.columns.items()} | bookkeeping
        features = self._info.features
        return {
            name: column.astype(features[name]["dtype"])
            for name, column in columns.items()
            if name in features
        }

    def _table(self, columns: dict[str, NDArray[Any]], pictures: dict[str, Any]) -> Any:
        arrays = {}
        for name in self._info.features:
            if name in columns:
                column = columns[name]
                flat = pa.array(column.reshape(-1))
                is_scalar = column.ndim == 1 or column.shape[1] == 1
                arrays[name] = flat if is_scalar else pa.FixedSizeListArray.from_arrays(flat, column.shape[1])
            elif pictures[name] is not None:
                arrays[name] = pictures[name]
        return pa.table(arrays)

    def _row(self, task: str, length: int, stats: dict[str, Stats]) -> Any:
        place = chunk_and_file(self.n_episodes)
        row: dict[str, Any] = {
            "episode_index": self.n_episodes,
            "tasks": [task],
            "length": length,
            **{f"data/{name}": value for name, value in place.items()},
            "dataset_from_index": self.n_frames,
            "dataset_to_index": self.n_frames + length,
        }
        for key in self._info.keys_of("video"):
            row |= {f"videos/{key}/{name}": value for name, value in place.items()}
            row |= {
                f"videos/{key}/from_timestamp": 0.0,
                f"videos/{key}/to_timestamp": length / self._info.fps,
            }
        row |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        return pa.Table.from_pylist([row | tables.stats_columns(stats)])

    def _write_meta(self, task: str, length: int, stats: dict[str, Stats]) -> None:
        row = self._row(task, length, stats)
        rows = row if self._rows is None else pa.concat_tables([self._rows, row])
        totals = merge_all([self._stats, stats])
        tables.write_tasks(self.root, self._tasks)
        tables.write_table(self.root / layout.EPISODES_PATH.format(chunk_index=0, file_index=0), rows)
        layout.write_json(self.root / layout.STATS, to_json(totals))
        info = replace(
            self._info,
            total_tasks=len(self._tasks),
            total_episodes=self.n_episodes + 1,
            total_frames=self.n_frames + length,
        )
        layout.write_json(self.root / layout.INFO, info.to_json())
        self._info, self._rows, self._stats = info, rows, totals

    def close(self) -> None:
        """Discard the episode in progress and stop the encoder."""
        self.discard_episode()
        self._encoder.shutdown()
