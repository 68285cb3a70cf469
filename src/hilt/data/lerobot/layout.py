"""LeRobotDataset v3.0: names, paths, `meta/info.json`, and files that are either whole or absent."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hilt.data.transition import Feature, Schema
from hilt.errors import UserError

VERSION = "v3.0"
FILES_PER_CHUNK = 1000

ACTION = "action"
REWARD = "next.reward"
DONE = "next.done"
TRUNCATED = "next.truncated"
IS_INTERVENTION = "complementary_info.is_intervention"
DISCRETE_PENALTY = "complementary_info.discrete_penalty"
POLICY_ACTION = "complementary_info.policy_action"
IS_SUCCESS = "complementary_info.is_success"

INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
SIDECAR = "meta/hilt.jsonl"
EPISODES_FOLDER = "meta/episodes"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = EPISODES_FOLDER + "/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"

_BOOKKEEPING = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


class DatasetError(UserError, ValueError):
    """A dataset cannot be read or written. One sentence: which file, what is wrong, what to do."""


def temporary_path(path: Path) -> Path:
    """Where to write before `publish`: beside `path`, under a name that no reader takes for data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.part")


def publish(path: Path) -> None:
    """What lies at `temporary_path(path)` takes the place of `path`, synced."""
    temporary = temporary_path(path)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path which takes the place of `path` when the block succeeds, and is removed if not."""
    temporary = temporary_path(path)
    try:
        yield temporary
        publish(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replaces `path` in one step: a reader sees the old file or the new one."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data, indent=4))


def read_json(path: Path) -> dict[str, Any]:
    """Raises DatasetError when `path` is missing or holds no JSON object."""
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: {path.parent.parent} is no LeRobot dataset") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise DatasetError(f"{path} holds no JSON object")
    return data


@dataclass
class Info:
    """`meta/info.json`."""

    fps: int
    features: dict[str, dict[str, Any]]
    total_episodes: int = 0
    total_frames: int = 0
    total_tasks: int = 0
    data_path: str = DATA_PATH
    video_path: str | None = VIDEO_PATH
    robot_type: str | None = None
    chunks_size: int = field(default=FILES_PER_CHUNK)

    def keys_of(self, *dtypes: str) -> list[str]:
        """Names of the features stored as one of `dtypes` (`video`, `image`, `float32`, ...)."""
        return [name for name, feature in self.features.items() if feature["dtype"] in dtypes]

    def to_json(self) -> dict[str, Any]:
        return {
            "codebase_version": VERSION,
            "fps": self.fps,
            "features": self.features,
            "total_episodes": self.total_episodes,
            "total_frames": self.total_frames,
            "total_tasks": self.total_tasks,
            "chunks_size": self.chunks_size,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "data_path": self.data_path,
            "video_path": self.video_path,
            "robot_type": self.robot_type,
            "splits": {"train": f"0:{self.total_episodes}"},
        }


def read_info(root: Path) -> Info:
    """`meta/info.json` of the dataset in `root`.

    Raises:
        DatasetError: missing, damaged, of another version, or without a frame rate.
    """
    path = root / INFO
    data = read_json(path)
    version = data.get("codebase_version")
    if version != VERSION:
        raise DatasetError(
            f"{path} says version {version!r}; hilt reads {VERSION} (convert older datasets with LeRobot's "
            "lerobot.scripts.convert_dataset_v21_to_v30)"
        )
    try:
        fps = data["fps"]
        info = Info(
            fps=int(fps) if isinstance(fps, float) and fps.is_integer() else fps,
            features=data["features"],
            total_episodes=int(data.get("total_episodes", 0)),
            total_frames=int(data.get("total_frames", 0)),
            total_tasks=int(data.get("total_tasks", 0)),
            data_path=data.get("data_path") or DATA_PATH,
            video_path=data.get("video_path"),
            robot_type=data.get("robot_type"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is incomplete: {error!r}") from None
    if not isinstance(info.fps, int) or info.fps <= 0:
        raise DatasetError(f"{path} says fps {info.fps!r}; it must be an integer above 0")
    return info


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the transitions of a dataset come from."""

    robot_type: str | None = None
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Vector, or `action` -> what each of its numbers is."""
    preprocessing: Mapping[str, Any] | None = None
    """Camera -> what was done to its pictures before (`Preprocessing.record_of`); None: not said."""
    has_policy: bool = True
    """A policy proposes actions, which are recorded beside those that were executed."""


def entry(dtype: str, shape: Sequence[int], names: list[str] | None = None) -> dict[str, Any]:
    """One feature as `info.json` describes it."""
    return {"dtype": dtype, "shape": list(shape), "names": names}


def _image_entry(feature: Feature, image_format: str, fps: int) -> dict[str, Any]:
    described = entry(image_format, feature.shape, ["channels", "height", "width"])
    if image_format == "video":
        described["info"] = {
            "video.height": feature.shape[1],
            "video.width": feature.shape[2],
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.fps": fps,
            "video.channels": feature.shape[0],
            "has_audio": False,
            "is_depth_map": False,
        }
    return described


def describe(schema: Schema, image_format: str, fps: int, origin: Origin) -> dict[str, dict[str, Any]]:
    """The features of a dataset that holds transitions of `schema`; `image_format`: `video` or `image`."""

    def vector(name: str, shape: tuple[int, ...]) -> dict[str, Any]:
        names = list(origin.names.get(name, ()))
        return entry("float32", shape, names if len(names) == shape[0] else None)

    action = vector(ACTION, schema.action.shape)
    return {
        **{
            name: _image_entry(feature, image_format, fps)
            if feature.is_image
            else vector(name, feature.shape)
            for name, feature in schema.observation.items()
        },
        ACTION: action,
        REWARD: entry("float32", [1]),
        DONE: entry("bool", [1]),
        TRUNCATED: entry("bool", [1]),
        IS_INTERVENTION: entry("bool", [1]),
        DISCRETE_PENALTY: entry("float32", [1]),
        **({POLICY_ACTION: action} if origin.has_policy else {}),
        IS_SUCCESS: entry("bool", [1]),
        **{name: entry(dtype, [1]) for name, dtype in _BOOKKEEPING.items()},
    }


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Features that are not stored alike. What their numbers are called does not matter, nor whether what a
    policy proposed is recorded."""
    ignored = {"names"}

    def stored(features: Mapping[str, Any], name: str) -> dict[str, Any] | None:
        described = features.get(name)
        return None if described is None else {k: v for k, v in described.items() if k not in ignored}

    names = (first.keys() | second.keys()) - {POLICY_ACTION}
    return sorted(name for name in names if stored(first, name) != stored(second, name))


def chunk_and_file(number: int) -> dict[str, int]:
    """Where the `number`-th file lies: `chunk_index`, `file_index`."""
    return {"chunk_index": number // FILES_PER_CHUNK, "file_index": number % FILES_PER_CHUNK}
