"""Metrics under the field's names: `metrics.jsonl` always, TensorBoard and Weights & Biases when asked.

| name | meaning |
|---|---|
| `Episodic reward` | sum of the rewards of an episode |
| `Episodic success` | 1 when the environment says that the episode succeeded |
| `Success rate` | share of the last 20 episodes that succeeded without any help |
| `Intervention rate` | share of the steps of an episode in which the operator was in control |
| `Interventions per 1000 steps` | takeovers, over the last 20 episodes |
| `Human seconds` | seconds of control by the operator since the run began |
| `Takeovers` | how often the operator took control since the run began |
| `Episode human seconds`, `Episode takeovers` | the same, in the episode |
| `Cycle time [s]` | duration of a successful episode |
| `Classifier false positives` | steps of an episode that the reward classifier paid wrongly |
| `Classifier false negatives` | steps of success that it did not pay |
| `Classifier time [ms]` | what one step of it takes |
| `Policy frequency [Hz]` | control steps per second of the actor |
| `Weights age [s]` | since the actor got its newest weights, at the end of the episode |
| `Control jitter p99 [ms]` | lateness of 99 of 100 control steps, where real time is kept |
| `Refused steps` | since the run began: numbers that were not finite, from policy or simulator |
| `train/*` | losses, temperature, gradient norms, buffer sizes, rates of the learner |
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

from hilt.config.errors import ConfigError
from hilt.rollout.rollout import Episode
from hilt.runs.layout import MODEL, outcome

WINDOW = 20
_REMEMBERED = ("length", "is_success", "intervention_steps", "takeovers")
_PASSED_ON = ("Policy frequency", "Weights age", "Control jitter", "Classifier", "Judge")
"""What an actor reports under the name that it is logged by."""


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
        folder = None if self._upload is None else outcome(self._upload) / MODEL
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


@dataclass(slots=True)
class History:
    """What the episodes so far say, as counters that survive a resume."""

    fps: float
    episodes: int = 0
    human_steps: int = 0
    takeovers: int = 0
    refused: int = 0
    recent: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, summary: Mapping[str, float]) -> dict[str, float]:
        """Count one `summarise`d episode; the record to log is returned."""
        self.refused += int(summary["refused"])
        if not summary["length"]:
            return {"Refused steps": self.refused}
        self.episodes += 1
        self.human_steps += int(summary["intervention_steps"])
        self.takeovers += int(summary["takeovers"])
        self.recent.append({name: summary[name] for name in _REMEMBERED})
        record = {
            "Episodic reward": summary["reward"],
            "Episodic success": summary["is_success"],
            "Episode length": summary["length"],
            "Success rate": self.success_rate,
            "Intervention rate": summary["intervention_steps"] / max(summary["length"], 1),
            "Interventions per 1000 steps": 1000 * self._per_step("takeovers"),
            "Human seconds": self.human_seconds,
            "Takeovers": self.takeovers,
            "Episode human seconds": summary["intervention_steps"] / self.fps,
            "Episode takeovers": summary["takeovers"],
            "Refused steps": self.refused,
        }
        if summary["is_success"]:
            record["Cycle time [s]"] = summary["length"] / self.fps
        return record | {name: value for name, value in summary.items() if name.startswith(_PASSED_ON)}

    @property
    def human_seconds(self) -> float:
        """Time at the controls, in all [s]."""
        return self.human_steps / self.fps

    @property
    def success_rate(self) -> float:
        """Share of the last episodes that succeeded without any help; 0 before the first."""
        unaided = [entry["is_success"] for entry in self.recent if not entry["intervention_steps"]]
        return sum(unaided) / max(len(self.recent), 1)

    @property
    def intervention_rate(self) -> float:
        """Share of steps under the operator's control, over the last episodes."""
        return self._per_step("intervention_steps")

    def _per_step(self, name: str) -> float:
        return sum(entry[name] for entry in self.recent) / max(
            sum(entry["length"] for entry in self.recent), 1
        )

    def state(self) -> dict[str, Any]:
        """A JSON value from which `restore` goes on."""
        return {
            "episodes": self.episodes,
            "human_steps": self.human_steps,
            "takeovers": self.takeovers,
            "refused": self.refused,
            "recent": list(self.recent),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.episodes, self.human_steps = int(state["episodes"]), int(state["human_steps"])
        self.takeovers, self.refused = int(state["takeovers"]), int(state["refused"])
        self.recent.extend(state["recent"])


def summarise(episode: Episode) -> dict[str, float]:
    """The account of an episode as a flat record that an actor can report."""
    return {
        "length": episode.length,
        "reward": episode.reward,
        "is_success": float(episode.is_success),
        "intervention_steps": episode.intervention_steps,
        "takeovers": episode.takeovers,
        "refused": float(episode.refused is not None),
    }


def judged(episode: Episode) -> dict[str, float | str]:
    """Whose word the success of an episode is, and whether the environment's own, if any, differs."""
    record: dict[str, float | str] = {"Judge": episode.judge.value}
    if episode.ground_truth is not None:
        record["Judge differs from ground truth"] = float(episode.is_success != episode.ground_truth)
    return record


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
