"""Statistics of a dataset: per feature min, max, mean, std, count and five quantiles, as LeRobot keeps them.

Vectors have shape (D,); pictures (3, 1, 1), in [0, 1]. Statistics of several episodes are merged: exactly
for min, max, mean, std and count; quantiles by their mean weighted with the counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stats = dict[str, NDArray[np.float64]]
"""`min`, `max`, `mean`, `std`, `q01`, `q10`, `q50`, `q90`, `q99`; and `count`, of shape (1,)."""

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_LEVELS = 256


def vector_stats(values: NDArray[Any]) -> Stats:
    """Statistics of (N, D) values."""
    rows = values.astype(np.float64)
    quantiles = np.quantile(rows, list(QUANTILES.values()), axis=0)
    return {
        "min": rows.min(0),
        "max": rows.max(0),
        "mean": rows.mean(0),
        "std": rows.std(0),
        "count": np.array([len(rows)], np.float64),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


class ImageHistogram:
    """Counts how often each channel takes each of its 256 values: exact statistics in 6 kB."""

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, _LEVELS), np.int64)
        self._offsets = (np.arange(channels) * _LEVELS)[:, None]
        self._frames = 0

    def add(self, image: NDArray[np.uint8]) -> None:
        """Count one picture, uint8 [C, H, W]."""
        flat = image.reshape(len(image), -1) + self._offsets
        self._counts += np.bincount(flat.ravel(), minlength=self._counts.size).reshape(self._counts.shape)
        self._frames += 1

    def stats(self) -> Stats:
        """Per channel, (C, 1, 1), values in [0, 1]; `count` is the number of pictures."""
        levels = np.arange(_LEVELS) / (_LEVELS - 1)
        share = self._counts / self._counts.sum(1, keepdims=True)
        cumulative = share.cumsum(1)
        mean = share @ levels
        std = np.sqrt(np.maximum(share @ levels**2 - mean**2, 0.0))
        seen = self._counts > 0
        stats = {
            "min": levels[seen.argmax(1)],
            "max": levels[_LEVELS - 1 - seen[:, ::-1].argmax(1)],
            "mean": mean,
            "std": std,
            **{name: levels[(cumulative < q).sum(1).clip(0, 255)] for name, q in QUANTILES.items()},
        }
        shaped = {name: value.reshape(-1, 1, 1) for name, value in stats.items()}
        return {**shaped, "count": np.array([self._frames], np.float64)}


def merge(first: Stats, second: Stats) -> Stats:
    """Statistics of both sets of samples together."""
    n, m = float(first["count"][0]), float(second["count"][0])
    share = m / (n + m)
    difference = second["mean"] - first["mean"]
    variance = (1 - share) * first["std"] ** 2 + share * second["std"] ** 2
    return {
        "min": np.minimum(first["min"], second["min"]),
        "max": np.maximum(first["max"], second["max"]),
        "mean": first["mean"] + share * difference,
        "std": np.sqrt(variance + share * (1 - share) * difference**2),
        "count": np.array([n + m]),
        **{name: (1 - share) * first[name] + share * second[name] for name in QUANTILES},
    }


def merge_all(episodes: Iterable[Mapping[str, Stats]]) -> dict[str, Stats]:
    """Statistics of each feature over all `episodes`."""
    total: dict[str, Stats] = {}
    for episode in episodes:
        for name, stats in episode.items():
            total[name] = merge(total[name], stats) if name in total else dict(stats)
    return total


def map_affine(stats: Stats, index: int, scale: float, offset: float) -> Stats:
    """Statistics of vectors after component `index` became `scale` * value + `offset`."""
    mapped = {name: value.copy() for name, value in stats.items()}
    for name, value in mapped.items():
        if name == "std":
            value[index] *= abs(scale)
        elif name != "count":
            value[index] = scale * value[index] + offset
    if scale < 0:
        for low, high in (("min", "max"), ("q01", "q99"), ("q10", "q90")):
            if low in mapped and high in mapped:
                mapped[low][index], mapped[high][index] = mapped[high][index], mapped[low][index]
    return mapped


def to_json(stats: Mapping[str, Stats]) -> dict[str, dict[str, Any]]:
    """Nested lists; `count` as an integer."""
    return {
        name: {key: (value.astype(int) if key == "count" else value).tolist() for key, value in entry.items()}
        for name, entry in stats.items()
    }


def from_json(data: Mapping[str, Mapping[str, Any]]) -> dict[str, Stats]:
    """The inverse of `to_json`; what other programs say of text, or in words, is left out."""
    read = {
        name: {key: array for key, value in entry.items() if (array := _numbers(value)) is not None}
        for name, entry in data.items()
    }
    return {name: entry for name, entry in read.items() if entry}


def _numbers(value: Any) -> NDArray[np.float64] | None:
    try:
        return np.atleast_1d(np.asarray(value, np.float64))
    except (TypeError, ValueError):
        return None
