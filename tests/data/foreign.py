"""LeRobotDatasets v3.0 as other programs and other robots leave them: several episodes in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hilt.data.lerobot.video import encode_png

FPS = 30
TASKS = ("fold the towel", "pour the tea")
ARM = [f"joint_{number}.pos" for number in range(6)]
VECTOR = {"dtype": "float32", "shape": [6], "names": ARM}
CAMERA = {"dtype": "video", "shape": [32, 48, 3], "names": ["height", "width", "channels"], "info": {}}
BOOKKEEPING: dict[str, Any] = {
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    **{
        name: {"dtype": "int64", "shape": [1], "names": None}
        for name in ("frame_index", "episode_index", "index", "task_index")
    },
}


def picture(value: int, height: int = 32, width: int = 48) -> np.ndarray:
    """uint8 [3, H, W], smooth, another one for each value."""
    ramp = np.arange(width)[None, None] + 40 * np.arange(3)[:, None, None] + 5 * value
    return np.broadcast_to(ramp % 250, (3, height, width)).astype(np.uint8)


def write(
    root: Path,
    features: Mapping[str, Mapping[str, Any]],
    columns: Mapping[str, Any],
    lengths: Sequence[int] = (7, 5),
    *,
    without: Sequence[str] = (),
    stats: Mapping[str, Any] | None = None,
    fps: float = FPS,
) -> Path:
    """`columns` are those of the rows, besides the bookkeeping, of all episodes one after the other.

    Episodes have the tasks 0, 1, 0, ...; `without` names columns of the episode table that are left out.
    """
    frame = np.concatenate([np.arange(length) for length in lengths])
    episode = np.repeat(np.arange(len(lengths)), lengths)
    rows = {
        **columns,
        "timestamp": pa.array((frame / FPS).astype(np.float32)),
        "frame_index": frame,
        "episode_index": episode,
        "index": np.arange(len(frame)),
        "task_index": episode % len(TASKS),
    }
    info = {
        "codebase_version": "v3.0",
        "fps": fps,
        "features": {**features, **BOOKKEEPING},
        "total_episodes": len(lengths),
        "total_frames": sum(lengths),
        "total_tasks": len(TASKS),
        "robot_type": "so101_follower",
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    videos = [name for name, feature in features.items() if feature["dtype"] == "video"]
    for folder in ("meta/episodes/chunk-000", "data/chunk-000"):
        (root / folder).mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps(info))
    if stats is not None:
        (root / "meta/stats.json").write_text(json.dumps(stats))
    pq.write_table(pa.table({"task_index": [0, 1], "task": list(TASKS)}), root / "meta/tasks.parquet")
    pq.write_table(pa.table(rows), root / "data/chunk-000/file-000.parquet")
    pq.write_table(_episodes(lengths, videos, without), root / "meta/episodes/chunk-000/file-000.parquet")
    for name in videos:
        _write_video(root / "videos" / name / "chunk-000/file-000.mp4", sum(lengths))
    return root


def _episodes(lengths: Sequence[int], videos: Sequence[str], without: Sequence[str]) -> pa.Table:
    ends = np.cumsum(lengths)
    table: dict[str, Any] = {
        "episode_index": range(len(lengths)),
        "tasks": [[TASKS[number % len(TASKS)]] for number in range(len(lengths))],
        "length": lengths,
        "data/chunk_index": [0] * len(lengths),
        "data/file_index": [0] * len(lengths),
        "dataset_from_index": ends - lengths,
        "dataset_to_index": ends,
    }
    for name in videos:
        table |= {f"videos/{name}/{part}": [0] * len(lengths) for part in ("chunk_index", "file_index")}
        table[f"videos/{name}/from_timestamp"] = (ends - lengths) / FPS
    return pa.table({name: list(column) for name, column in table.items() if name not in without})


def _write_video(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"g": "2", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for number in range(count):
            pixels = np.ascontiguousarray(picture(number).transpose(1, 2, 0))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def vectors(count: int, width: int, seed: int = 0) -> pa.Array:
    """A column of lists of numbers."""
    rng = np.random.default_rng(seed)
    return pa.array(rng.normal(size=(count, width)).astype(np.float32).tolist(), pa.list_(pa.float32()))


def cells(count: int, folder: Path | None = None) -> pa.Array:
    """A column of pictures: in the cells, or in files of `folder` that they name."""
    rows = []
    for number in range(count):
        data: bytes | None = encode_png(picture(number))
        name = f"images/frame-{number:06d}.png"
        if folder is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data or b"")
            data = None
        rows.append({"bytes": data, "path": name})
    return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
