"""`meta/hilt.jsonl`: what the dataset format has no place for, one JSON line per episode.

A LeRobotDataset holds n observations for n actions. The observation after the last action, which a
truncated episode needs to bootstrap from, is kept here: vectors as numbers, pictures as PNG. Seed and
initial state (float64) make an episode replayable exactly.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot.layout import SIDECAR, DatasetError
from hilt.data.lerobot.video import decode_png, encode_png
from hilt.data.transition import Judge, Observation


@dataclass(frozen=True, slots=True)
class EpisodeNote:
    """What hilt knows about one episode beyond the dataset format."""

    episode_index: int
    seed: int | None
    initial_state: NDArray[np.float64] | None
    gripper_convention: str
    final: Mapping[str, Any]
    """The last observation as JSON; `decode_observation` makes arrays of it."""
    preprocessing: Mapping[str, Any] | None = None
    """Camera -> `crop` and `size` of what was done to its pictures before they were recorded; None: not
    said."""
    judge: Judge | None = None
    """Whose word the episode's success is; None: not said."""


def encode_observation(observation: Observation) -> dict[str, Any]:
    """Vectors to lists, pictures to PNG in base64."""
    return {
        name: {"png": base64.b64encode(encode_png(array)).decode()}
        if array.ndim == 3
        else {"values": array.tolist()}
        for name, array in observation.items()
    }


def decode_observation(data: Mapping[str, Any], where: str) -> Observation:
    """The inverse of `encode_observation`; `where` names the source in a DatasetError."""
    return {
        name: decode_png(base64.b64decode(entry["png"]), where)
        if "png" in entry
        else np.asarray(entry["values"], np.float32)
        for name, entry in data.items()
    }


def _to_line(note: EpisodeNote) -> str:
    data = {
        "episode_index": note.episode_index,
        "seed": note.seed,
        "initial_state": None if note.initial_state is None else note.initial_state.tolist(),
        "gripper_convention": note.gripper_convention,
        "final_observation": note.final,
        "preprocessing": note.preprocessing,
        "judge": note.judge,
    }
    return json.dumps(data) + "\n"


def _from_line(line: str, where: str) -> EpisodeNote:
    try:
        data = json.loads(line)
        state = data["initial_state"]
        return EpisodeNote(
            episode_index=data["episode_index"],
            seed=data["seed"],
            initial_state=None if state is None else np.asarray(state, np.float64),
            gripper_convention=data["gripper_convention"],
            final=data["final_observation"],
            preprocessing=data.get("preprocessing"),
            judge=None if data.get("judge") is None else Judge(data["judge"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{where} is damaged: {error!r}") from None


def append_note(root: Path, note: EpisodeNote) -> None:
    """Add one line, synced."""
    path = root / SIDECAR
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(_to_line(note))
        file.flush()
        os.fsync(file.fileno())


def read_notes(root: Path, count: int) -> dict[int, EpisodeNote]:
    """Notes of the first `count` episodes, by episode index; none when another program wrote the dataset.

    What comes after them, a line torn by a crash or that of an episode that was never completed, is not read.
    """
    path = root / SIDECAR
    if not path.exists():
        return {}
    lines = path.read_text().splitlines()[:count]
    notes = (_from_line(line, f"{path}, line {number}") for number, line in enumerate(lines, 1))
    return {note.episode_index: note for note in notes}


def cut_notes(root: Path, count: int) -> None:
    """Drop every line after the first `count`, before more are appended."""
    path = root / SIDECAR
    if not path.exists():
        return
    with path.open("rb+") as file:
        for _ in range(count):
            file.readline()
        file.truncate(file.tell())
