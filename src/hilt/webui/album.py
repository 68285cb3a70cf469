"""A recorded dataset as the page of `hilt data view` is shown it, and what that page changes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.lerobot.edit import Part, replace_dataset, write_parts
from hilt.data.lerobot.layout import ACTION, IS_INTERVENTION, REWARD
from hilt.data.lerobot.overview import Overview
from hilt.webui.pictures import jpeg

Words = Callable[[int], tuple[list[float], list[int]]]
"""Index of an episode -> probability of success of each frame, and the steps that are rewarded as success."""

_MOST_PICTURES = 4000
"""JPEGs that are kept in memory."""


class Album:
    """Episodes, figures and pictures of the dataset in `root`; safe to ask from several threads.

    Args:
        classifier: opens a dataset for a reward classifier; None: there is none.

    Raises:
        DatasetError: it is no dataset, or not complete.
    """

    def __init__(self, root: Path, classifier: Callable[[Path], Words] | None = None) -> None:
        self.root = root
        self._classifier = classifier
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        self._overview = Overview(self.root)
        self._episodes = {episode.index: episode for episode in self._overview.catalog.episodes}
        self.picture = lru_cache(_MOST_PICTURES)(self._picture)
        self._words = None if self._classifier is None else lru_cache(None)(self._classifier(self.root))

    def describe(self) -> dict[str, Any]:
        """Name, rate, cameras, names of the actions' dimensions, and every episode in figures."""
        with self._lock:
            info, schema = self._overview.catalog.info, self._overview.catalog.schema
            return {
                "name": self.root.name,
                "robot": info.robot_type,
                "fps": info.fps,
                "cameras": list(schema.images),
                "actions": self._names(ACTION) or [f"action {n}" for n in range(schema.action_dim)],
                "has_classifier": self._classifier is not None,
                "episodes": [self._summary(index) for index in self._episodes],
            }

    def episode(self, index: int) -> dict[str, Any]:
        """Reward, control and actions of each step of an episode. Raises DatasetError."""
        with self._lock:
            frames = self._overview.frames.open(self._known(index))
            actions = frames.column(ACTION).reshape(frames.episode.length, -1) if frames.has(ACTION) else None
            return {
                name: None if not frames.has(key) else _numbers(frames.scalars(key))
                for name, key in (("reward", REWARD), ("person", IS_INTERVENTION))
            } | {"actions": None if actions is None else [_numbers(column) for column in actions.T]}

    def judged(self, index: int) -> dict[str, Any]:
        """What the classifier says of an episode. Raises DatasetError where there is none."""
        if self._words is None:
            raise DatasetError("no classifier: start `hilt data view` with --classifier=DIR")
        self._known(index)
        with self._lock:
            probabilities, successes = self._words(index)
        return {"probabilities": [round(p, 4) for p in probabilities], "successes": successes}

    def save(self, parts: Sequence[Mapping[str, Any]], name: str | None) -> dict[str, Any]:
        """Write the edited dataset beside this one as `name`, or in its place (None), and say where it is.

        Raises:
            DatasetError: `parts` or `name` cannot be used, or the dataset cannot be read.
        """
        wanted = [_part(part) for part in parts]
        output = self.root if name is None else self.root.with_name(_checked(name, self.root))
        if name is not None and output.exists():
            raise DatasetError(f"{output} exists: choose another name")
        with self._lock:
            edited = self.root.with_name(f".{output.name}.edited")
            shutil.rmtree(edited, ignore_errors=True)  # one that was never finished
            reader = DatasetReader(self.root)
            try:
                count = write_parts(reader, wanted, edited)
            finally:
                reader.close()
            kept = self._replace(edited) if name is None else None
            if name is not None:
                edited.rename(output)
        return {"root": str(output), "episodes": count, "kept": kept}

    def _replace(self, edited: Path) -> str:
        """Go on with `edited` in the place of the dataset; where that is kept."""
        self._overview.close()
        kept = replace_dataset(self.root, edited)
        self._open()
        return str(kept)

    def _summary(self, index: int) -> dict[str, Any]:
        try:
            said = self._overview.summary(self._episodes[index])
        except DatasetError as error:
            return {"index": index, "length": 0, "problem": str(error)}
        return {
            "index": index,
            "length": self._episodes[index].length,
            "task": said.task,
            "reward": said.total_reward,
            "success": said.is_success,
            "person": said.interventions,
            "end": said.end,
        }

    def _picture(self, index: int, camera: str, step: int) -> bytes:
        episode = self._known(index)
        if camera not in self._overview.catalog.schema.images or not 0 <= step < episode.length:
            raise DatasetError(f"episode {index} has no picture of {camera!r} at step {step}")
        with self._lock:
            (picture,) = self._overview.frames.open(episode).pictures(camera, [step])
        return jpeg(np.ascontiguousarray(picture.transpose(1, 2, 0)))

    def _known(self, index: int) -> Any:
        if index not in self._episodes:
            raise DatasetError(f"{self.root} has no episode {index}")
        return self._episodes[index]

    def _names(self, feature: str) -> list[str] | None:
        catalog = self._overview.catalog
        names = catalog.info.features.get(catalog.sources.get(feature, ""), {}).get("names")
        return [str(name) for name in names] if isinstance(names, list) else None


def _checked(name: str, root: Path) -> str:
    if Path(name).name != name or name in ("", ".", ".."):
        raise DatasetError(f"{name!r} is no name of a folder beside {root.name}")
    return name


def _part(said: Mapping[str, Any]) -> Part:
    try:
        successes = said.get("successes")
        return Part(
            int(said["episode"]),
            int(said["start"]),
            int(said["stop"]),
            None if successes is None else frozenset(int(step) for step in successes),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DatasetError(f"{said!r} is no part of an episode") from None


def _numbers(values: NDArray[Any]) -> list[float]:
    """As JSON: what is not finite is 0."""
    return np.nan_to_num(np.asarray(values, np.float64)).round(5).tolist()  # type: ignore[no-any-return]
