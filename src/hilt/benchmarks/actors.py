"""Actors and a learner on one machine: their rates, and whether a person's control steps keep their time.

Every figure is one `hilt train` from nothing, as a user calls it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hilt.operators.base import NoOperator
from hilt.runs.metrics import read_metrics

ACTORS = (1, 2, 4)
TARGETS = {"control_jitter_p99_ms": 5.0}
"""At most so many."""
CONFIG: dict[str, Any] = {
    "env": {"task": "hilt/PickCube-v0"},
    "operator": "none",
    "ui": {"enable": False},
    "demonstrations": {"num_episodes": 5, "operator": "scripted"},
    "max_updates_per_env_step": None,
    "max_env_steps_per_update": None,
    "save_checkpoint": False,
    "log_freq": 20,
    "policy": {"type": "sac", "online_steps": 10_000_000, "pretrain_updates": 50, "critic_warmup_updates": 0},
}
"""State, default networks; neither side waits for the other."""


class Onlooker(NoOperator):
    """A person who watches and does nothing: the actor keeps real time."""

    interactive = True

    def __init__(self, **said: Any) -> None:
        """`said` is what every operator is told."""


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """Rates with 1, 2 and 4 actors; lateness of control steps at 10 Hz beside a learner that never rests."""
    watched = _train(6 * seconds, operator=f"{__name__}:Onlooker")
    late = [record[_JITTER] for record in watched if _JITTER in record]
    return {
        "actors": {str(count): rates(_train(3 * seconds, num_actors=count)) for count in ACTORS},
        "control_jitter_p99_ms": {
            "median_episode": statistics.median(late) if late else None,
            "worst_episode": max(late, default=None),
        },
        "target_at_most": TARGETS,
    }


_JITTER = "Control jitter p99 [ms]"


def rates(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Environment steps and updates per second, from the first to the last update logged while actors act."""
    online = [record for record in records if "train/updates" in record and record["step"] > 0]
    if len(online) < 2:
        return {"steps_per_second": float("nan"), "updates_per_second": float("nan")}
    first, last = online[0], online[-1]
    seconds = last["time_s"] - first["time_s"]
    return {
        "steps_per_second": (last["step"] - first["step"]) / seconds,
        "updates_per_second": (last["train/updates"] - first["train/updates"]) / seconds,
    }


def _train(seconds: float, **changes: Any) -> list[dict[str, Any]]:
    """The metrics of a training of `seconds`, the start of its processes not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "train.json"
        config.write_text(json.dumps({**CONFIG, "time_limit_s": seconds, **changes}))
        command = [sys.executable, "-m", "hilt", "train", f"--config_path={config}"]
        subprocess.run([*command, f"--output_dir={folder / 'run'}"], check=True, stderr=subprocess.DEVNULL)
        return read_metrics(folder / "run" / "metrics.jsonl")
