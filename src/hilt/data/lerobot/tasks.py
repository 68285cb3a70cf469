"""What episodes are about: the episode table says it, or else the task index of their frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hilt.data.lerobot import layout, tables


class Tasks:
    """Tasks of the dataset in `root`; every place for them is optional."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: list[str] | None = None
        self._path: Path | None = None
        self._indices: dict[int, int] = {}

    def of(self, episode: int, said: Any, data_path: Path) -> str:
        """The task of `episode`, where the episode table says `said` and its frames lie in `data_path`."""
        if isinstance(said, str):
            return said
        if said is not None:
            return str(said[0]) if len(said) else ""
        if not data_path.is_file():
            return ""
        if data_path != self._path:
            self._path, self._indices = data_path, _task_indices(data_path)
        index, texts = self._indices.get(episode, -1), self._all()
        return texts[index] if 0 <= index < len(texts) else ""

    def _all(self) -> list[str]:
        if self._texts is None:
            self._texts = tables.read_tasks(self._root) if (self._root / layout.TASKS).is_file() else []
        return self._texts


def _task_indices(path: Path) -> dict[int, int]:
    """Episode -> index of the task of its first frame; empty where frames do not say."""
    columns = ["episode_index", "task_index"]
    if not set(columns) <= set(tables.column_names(path)):
        return {}
    table = tables.read_table(path, columns)
    episodes, indices = (table[name].to_pylist() for name in columns)
    return dict(zip(reversed(episodes), reversed(indices), strict=True))
