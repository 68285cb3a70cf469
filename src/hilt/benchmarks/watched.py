"""What a training loses while a person watches it: one run, turn by turn with the page open and closed."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from hilt.benchmarks.watching import reading
from hilt.config.variables import UI_TOKEN
from hilt.runs.metrics import read_metrics
from hilt.webui import free_port, link_to

ROUNDS = 5
TRAINING: dict[str, Any] = {
    "env": {"task": "hilt/PickCube-v0", "processor": {"reset": {"control_time_s": 15.0}}},
    "operator": "scripted",
    "eval_freq": 0,
    "log_freq": 10,
    "policy": {"type": "sac", "online_steps": 1_000_000, "pretrain_updates": 100},
}
_SETTLED_STEPS = 1000
_PATIENCE_S = 300.0


def measure_training(seconds: float) -> dict[str, float]:
    """Speed of a `hilt train` whose page is open, as a share of its speed with none: updates, and steps.

    The page is a socket that reads as a page does: a browser on the same machine costs what it costs.
    """
    with tempfile.TemporaryDirectory(prefix="hilt-") as folder, _training(Path(folder)) as (url, metrics):
        pairs = []
        for turn in range(2 * ROUNDS):
            watched = turn % 2 == 1
            with reading(url) if watched else nullcontext():
                pairs.append(_speed(metrics, seconds))
    shares = [
        [watched[kind] / alone[kind] for alone, watched in zip(pairs[::2], pairs[1::2], strict=True)]
        for kind in range(2)
    ]
    return {
        "training_updates_watched": median(shares[0]),
        "training_steps_watched": median(shares[1]),
        "training_least": 0.9,
    }


@contextmanager
def _training(folder: Path) -> Iterator[tuple[str, Path]]:
    """(link to the page, metrics) of a training that is under way."""
    config, run = folder / "train.json", folder / "run"
    config.write_text(json.dumps(TRAINING))
    port, token = free_port("127.0.0.1", 0), secrets.token_urlsafe(24)
    options = {"config_path": config, "output_dir": run, "ui.port": port, "ui.open_browser": "false"}
    process = subprocess.Popen(
        [sys.executable, "-m", "hilt", "train", *(f"--{name}={value}" for name, value in options.items())],
        env={**os.environ, UI_TOKEN: token},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while _newest(run / "metrics.jsonl")["step"] < _SETTLED_STEPS:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the training that was to be measured did not get under way")
            time.sleep(0.2)
        yield link_to("127.0.0.1", port, token), run / "metrics.jsonl"
    finally:
        process.terminate()
        process.wait()


def _speed(metrics: Path, seconds: float) -> list[float]:
    """Updates, and environment steps, per second of the next `seconds`."""
    first = _newest(metrics)
    time.sleep(seconds)
    last = _newest(metrics)
    passed = last["time_s"] - first["time_s"]
    return [(last[name] - first[name]) / passed for name in ("train/updates", "step")]


def _newest(metrics: Path) -> dict[str, float]:
    """The last record of the learner's updates."""
    records = [record for record in read_metrics(metrics) if "train/updates" in record]
    return records[-1] if records else {"step": 0}
