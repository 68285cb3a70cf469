"""The grid of a sweep: each value of `--grid.KEY=A,B` with each value of the other keys, and each seed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hilt.config.errors import ConfigError, repr_short
from hilt.config.load import Source, load_config
from hilt.config.run import RunConfig

_GRID = "grid."
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Point:
    """One training of a sweep: its `name`, unique in the sweep, and the overrides that make it."""

    name: str
    overrides: Sequence[str]


def split_grid(overrides: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """(key -> its values as typed, the other overrides). Raises ConfigError on a key without a value."""
    grid: dict[str, list[str]] = {}
    for override in overrides:
        if override.startswith(_GRID):
            key, _, text = override.removeprefix(_GRID).partition("=")
            grid[key] = list(values_of(text))
            if not key or not all(grid[key]):
                raise ConfigError(f"--{override}", "a value is missing: --grid.KEY=VALUE,VALUE")
    return grid, [override for override in overrides if not override.startswith(_GRID)]


def values_of(text: str) -> Iterator[str]:
    """What stands between the commas of `text` that are in no brackets and no quotes."""
    depth, quoted, start = 0, False, 0
    for index, letter in enumerate(text):
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter in "[{") - (letter in "]}")
        if letter == "," and not depth and not quoted:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def points(grid: Mapping[str, Sequence[str]], seeds: Sequence[int]) -> list[Point]:
    """All trainings, seed by seed, so that every setting has a first run early."""
    combined = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return [_point({**values, "seed": str(seed)}) for seed in seeds for values in combined]


def configurations(
    source: Source, overrides: Sequence[str], grid: Mapping[str, Sequence[str]], seeds: int
) -> dict[str, RunConfig]:
    """Name of each training -> its configuration, with `seeds` seeds from `seed` on.

    Raises:
        ConfigError: one of them cannot be used, or two are the same.
    """
    if "seed" in grid:
        raise ConfigError("--grid.seed", "say --seeds=N, and --seed=FIRST")
    first = load_config(source, overrides).seed
    overrides = [override for override in overrides if not override.removeprefix("--").startswith("seed=")]
    found: dict[str, RunConfig] = {}
    for point in points(grid, range(first, first + seeds)):
        if point.name in found:
            raise ConfigError("grid", f"two of its trainings are {repr_short(point.name)}")
        found[point.name] = load_config(source, [*overrides, *point.overrides])
    return found


def _point(values: Mapping[str, str]) -> Point:
    overrides = [f"{key}={value}" for key, value in values.items()]
    return Point(re.sub(r"[^\w.=+-]+", "_", ",".join(overrides))[-_LONGEST_NAME:], overrides)


def as_text(value: object) -> str:
    """A value from Python as it would be typed."""
    return value if isinstance(value, str) else json.dumps(value)
