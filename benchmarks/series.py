"""What benchmarks of several runs share: a folder in which finished parts stay, to be gone on with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilt.config.errors import ConfigError
from hilt.config.overrides import parse_command_line


@dataclass(frozen=True, slots=True)
class Series:
    """The same measurement with several seeds."""

    folder: Path
    seeds: Sequence[int]
    overrides: Sequence[str]
    """Options of `hilt train`, as `key=value`, for every run."""

    @staticmethod
    def parse(words: Sequence[str], folder: str, seeds: int) -> Series:
        """Of a command line: --output_dir, --seeds, --first_seed, overrides. Raises ConfigError."""
        config_path, overrides = parse_command_line(words)
        if config_path is not None:
            raise ConfigError("--config_path", "the benchmark brings its own configuration")
        options = dict(override.split("=", 1) for override in overrides)
        count = int(options.pop("seeds", seeds))
        first = int(options.pop("first_seed", 1))
        place = Path(options.pop("output_dir", folder))
        return Series(
            place, range(first, first + count), [f"{name}={value}" for name, value in options.items()]
        )

    def result(self, name: str, measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The figures called `name`: from disk, or measured now and then kept there."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            text = json.dumps(measure(), indent=2)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
            print(f"{name}: {text}", flush=True)
        return dict(json.loads(path.read_text()))


def whole(path: Path, make: Callable[[Path], object]) -> Path:
    """`path`, which `make` fills under another name unless it is there: what is interrupted begins anew."""
    if not path.exists():
        partial = path.with_name(f"{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        make(partial)
        partial.rename(path)
    return path


def train(run: Path, source: Path | str | None, overrides: Sequence[str]) -> None:
    """`hilt train` as a user calls it, in the folder `run`. Raises CalledProcessError when it fails."""
    given = [] if source is None else [f"--config_path={source}"]
    options = [*given, f"--output_dir={run}", *(f"--{word}" for word in overrides)]
    subprocess.run([sys.executable, "-m", "hilt", "train", *options, "--no-ui"], check=True)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table, a line a row; the first one's keys are the heading."""
    cells = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
