"""Parquet files: reading with errors that name the file, and the tables of tasks and episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hilt.data.lerobot.layout import EPISODES_FOLDER, TASKS, DatasetError, replacing
from hilt.data.lerobot.statistics import QUANTILES, Stats

_STATISTICS = ("min", "max", "mean", "std", "count", *QUANTILES)


def read_table(path: Path, columns: list[str] | None = None) -> Any:
    """The pyarrow table in `path`. Raises DatasetError when it is missing, damaged or lacks a column."""
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: the dataset is not complete") from None
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} is damaged or cut short: {error}") from None


def column_names(path: Path) -> list[str]:
    """Columns of the Parquet file in `path`, by its end alone. Raises DatasetError when it is cut short."""
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} is damaged or cut short: {error}") from None


def write_table(path: Path, table: Any) -> None:
    """Replaces `path` in one step; one row group."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="snappy", row_group_size=max(1, table.num_rows))


def write_tasks(root: Path, tasks: Sequence[str]) -> None:
    """`meta/tasks.parquet`; the metadata makes pandas take the task for the index, as LeRobot expects."""
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks)})
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
            for name, kind, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
        ],
        "pandas_version": "2.0.0",
    }
    write_table(root / TASKS, table.replace_schema_metadata({"pandas": json.dumps(pandas)}))


def read_tasks(root: Path) -> list[str]:
    """Task texts in the order of their index."""
    table = read_table(root / TASKS)
    texts = next((name for name in table.column_names if name != "task_index"), None)
    if texts is None or "task_index" not in table.column_names:
        raise DatasetError(f"{root / TASKS} has columns {table.column_names}; expected task_index and task")
    order = table["task_index"].to_numpy().argsort()
    return [str(text) for text in table[texts].take(pa.array(order)).to_pylist()]


def read_episodes(root: Path, count: int) -> Any:
    """The first `count` rows of the episode table.

    Raises:
        DatasetError: it is missing, or has fewer rows than `meta/info.json` counts episodes.
    """
    folder = root / EPISODES_FOLDER
    paths = sorted(folder.glob("*/*.parquet"))
    if not paths:
        raise DatasetError(f"{folder} holds no episode table: the dataset is not complete")
    table = pa.concat_tables([read_table(path) for path in paths], promote_options="default")
    if table.num_rows < count:
        raise DatasetError(
            f"{folder} lists {table.num_rows} episodes, but meta/info.json counts {count}: "
            "the dataset is not complete"
        )
    return table.slice(0, count)


def stats_columns(stats: Mapping[str, Stats]) -> dict[str, Any]:
    """Per-episode statistics as flattened columns `stats/FEATURE/NAME`."""
    return {
        f"stats/{feature}/{name}": (value.astype(np.int64) if name == "count" else value).tolist()
        for feature, entry in stats.items()
        for name, value in entry.items()
    }


def read_stats_columns(row: Mapping[str, Any]) -> dict[str, Stats]:
    """The inverse of `stats_columns`, for one row of the episode table."""
    stats: dict[str, Stats] = {}
    for column, value in row.items():
        if column.startswith("stats/") and value is not None:
            feature, name = column.removeprefix("stats/").rsplit("/", 1)
            stats.setdefault(feature, {})[name] = np.asarray(value, np.float64)
    return {feature: entry for feature, entry in stats.items() if entry.keys() >= set(_STATISTICS)}


def to_numpy(column: Any, where: str) -> NDArray[Any]:
    """A column of scalars to (N,), of lists, and lists of lists, to (N, D).

    Raises:
        DatasetError: missing values or rows of different lengths.
    """
    if column.null_count:
        raise DatasetError(f"{where} has {column.null_count} missing values")
    rows = len(column)
    if not _is_list(column.type):
        return np.asarray(column.to_numpy())
    while _is_list(column.type):
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if len(lengths) > 1:
            raise DatasetError(f"{where} has rows of different lengths: {sorted(lengths)}")
        column = pc.list_flatten(column)
    return np.asarray(column.to_numpy()).reshape(rows, -1)


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind))
