"""Metrics to `metrics.jsonl` always, to TensorBoard and Weights & Biases when asked.

`hilt.runs.history` has the names of an episode's; those of the learner begin with `train/`.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

from hilt.config.errors import ConfigError
from hilt.runs.layout import MODEL, best_checkpoint

_TAIL = 16_384
"""Bytes at the end of a file of metrics."""


class MetricsSink(Protocol):
    """A place where records go."""

    def write(self, record: Mapping[str, Any]) -> None:
        """Keep one flat record; it holds `step` (environment steps) and `time_s`."""
        ...

    def close(self) -> None:
        """Everything is on its way."""
        ...


class JsonLines:
    """One line per record in `path`; a torn last line is cut off before appending."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(path)
        self._file = FileIO(path, "a")
        self.lost = 0
        """Records for which there was no room on the disk: training goes on without them."""

    def write(self, record: Mapping[str, Any]) -> None:
        line = (json.dumps({name: _finite(value) for name, value in record.items()}) + "\n").encode()
        size = os.fstat(self._file.fileno()).st_size
        try:
            written = self._file.write(line)
        except OSError:
            written = 0
        if written != len(line):
            self._file.truncate(size)
            self.lost += 1

    def close(self) -> None:
        self._file.close()


class TensorBoard:
    """Scalars to an event file below `folder` (extra `[tensorboard]`)."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ConfigError("tensorboard", "not installed: pip install 'hilt[tensorboard]'") from None
        self._writer = SummaryWriter(str(folder))

    def write(self, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            if isinstance(value, int | float) and name not in ("step", "time_s"):
                self._writer.add_scalar(name, value, int(record["step"]))

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """Records to Weights & Biases (extra `[wandb]`); `mode: "offline"` needs no account."""

    def __init__(
        self,
        options: Mapping[str, Any],
        run: Path,
        config: Mapping[str, Any],
        upload: bool = False,
    ) -> None:
        """With `upload` the policy that `run` hands over is uploaded at the end."""
        try:
            import wandb
        except ImportError:
            raise ConfigError("wandb.enable", "not installed: pip install 'hilt[wandb]'") from None
        self._upload = run if upload else None
        self._run = wandb.init(dir=str(run), config=dict(config), resume="allow", **options)

    def write(self, record: Mapping[str, Any]) -> None:
        self._run.log(dict(record))

    def close(self) -> None:
        folder = None if self._upload is None else best_checkpoint(self._upload) / MODEL
        if folder is not None and folder.is_dir():
            self._run.log_artifact(folder, name=f"policy-{self._run.id}", type="model")
        self._run.finish()


class Metrics:
    """Fans records out to the sinks, stamped with environment step and wall-clock seconds."""

    def __init__(self, sinks: Sequence[MetricsSink], elapsed_s: float = 0.0) -> None:
        self._sinks = sinks
        self._started = time.monotonic() - elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Wall-clock seconds of training, those before a resume included."""
        return time.monotonic() - self._started

    def log(self, step: int, record: Mapping[str, Any]) -> None:
        """Write one record at environment step `step`."""
        stamped = {"step": step, "time_s": round(self.elapsed_s, 3), **record}
        for sink in self._sinks:
            sink.write(stamped)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a `metrics.jsonl`; a torn last line is left out."""
    lines = path.read_text().splitlines() if path.is_file() else []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def newest_metrics(path: Path) -> dict[str, Any]:
    """The newest value of each metric among the last records of a `metrics.jsonl`, however long it is."""
    newest: dict[str, Any] = {}
    if path.is_file():
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().splitlines()
        for line in lines:
            with suppress(ValueError):
                newest.update(json.loads(line))
    return newest


def _finite(value: Any) -> Any:
    """JSON knows neither NaN nor infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cut_torn_line(path: Path) -> None:
    if not path.is_file():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
