"""A task that a camera can judge: the square is a success when it is in the upper part of the picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hilt.data.lerobot import DatasetWriter
from hilt.data.transition import Controller, Feature, Schema, Transition

FRONT, WRIST, STATE = "observation.images.front", "observation.images.wrist", "observation.state"
SIZE = 32
SCHEMA = Schema(
    {
        FRONT: Feature((3, SIZE, SIZE), "uint8"),
        WRIST: Feature((3, SIZE, SIZE), "uint8"),
        STATE: Feature((3,)),
    },
    Feature((2,)),
)


def look(rng: np.random.Generator, height: float) -> dict[str, np.ndarray]:
    """The square at `height` 0..1 (1 is the top), at a random place from left to right."""
    pictures = {}
    for name, shade in ((FRONT, 220), (WRIST, 160)):
        image = np.full((3, SIZE, SIZE), 40, np.uint8)
        row, column = round((1 - height) * (SIZE - 8)), rng.integers(SIZE - 8)
        image[0, row : row + 8, column : column + 8] = shade
        pictures[name] = image + rng.integers(0, 8, image.shape, dtype=np.uint8)
    return {**pictures, STATE: rng.normal(size=3).astype(np.float32)}


def reward_at(height: float) -> float:
    return float(height > 0.55)


def episode(number: int, *, length: int = 12, succeeds: bool = True) -> list[Transition]:
    """The square rises from the bottom to the top, or, failing, to just below the line."""
    rng = np.random.default_rng(number)
    heights = np.linspace(0, 1.0 if succeeds else 0.4, length + 1)
    observations = [look(rng, height) for height in heights]
    return [
        Transition(
            observation=observations[k],
            action=np.zeros(2, np.float32),
            policy_action=np.zeros(2, np.float32),
            controller=Controller.OPERATOR,
            reward=reward_at(heights[k + 1]),
            terminated=succeeds and k == length - 1,
            truncated=not succeeds and k == length - 1,
            next_observation=observations[k + 1],
            discrete_penalty=0.0,
            episode_id=number,
            step=k,
            is_success=reward_at(heights[k + 1]) > 0,
        )
        for k in range(length)
    ]


def write(root: Path, episodes: list[list[Transition]], image_format: str = "png") -> Path:
    shapes = {name: Feature(a.shape, str(a.dtype)) for name, a in episodes[0][0].observation.items()}
    with DatasetWriter(
        root, Schema(shapes, SCHEMA.action), fps=10, task="raise the square", image_format=image_format
    ) as writer:
        for steps in episodes:
            for step in steps:
                writer.add(step)
            writer.finish_episode(seed=7)
    return root


def add_column(root: Path, name: str, values: list[int]) -> None:
    """A column of whole numbers more, in a dataset of one episode."""
    (path,) = root.glob("data/*/*.parquet")
    pq.write_table(pq.read_table(path).append_column(name, pa.array(values, pa.int64())), path)
    info = json.loads((root / "meta/info.json").read_text())
    info["features"][name] = {"dtype": "int64", "shape": [1], "names": None}
    (root / "meta/info.json").write_text(json.dumps(info))
