"""The datasets and classifiers of the benchmarks of a learned reward: PickCube, two cameras of 128x128."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.series import whole
from hilt.commands.record import record_episodes as record
from hilt.config.load import load_config
from hilt.rewards.report import Report
from hilt.training.reward_classifier import train_classifier

TASK: dict[str, Any] = {"task": "hilt/PickCube-v0", "obs_type": "pixels"}
EPISODES, FAILURES = 20, 30
FAILURE_S = 4.0
CLASSIFIER: dict[str, Any] = {
    "policy": {"type": "reward_classifier", "learning_rate": 3e-4},
    "batch_size": 64,
    "steps": 1000,
}
"""As in configs/train_reward_classifier.json."""


def recorded(root: Path, episodes: int, failures: int, seed: int) -> Path:
    """`episodes` of the scripted human that go on for 10 steps after success, then `failures`, in `root`."""
    return whole(root, partial(_record, episodes=episodes, failures=failures, seed=seed))


def _record(root: Path, episodes: int, failures: int, seed: int) -> None:
    dataset = {"root": str(root), "task": "pick up the cube"}
    shown: dict[str, Any] = {
        "env": {**TASK, "number_of_steps_after_success": 10},
        "dataset": {**dataset, "num_episodes_to_record": episodes},
        "operator": "scripted",
        "seed": seed,
    }
    record(load_config(shown), tell=_silent)
    if failures:
        env = {**shown["env"], "processor": {"reset": {"control_time_s": FAILURE_S}}}
        fumbled = {**dataset, "num_episodes_to_record": failures}
        operator = "hilt.operators.fumbling:Fumbler"
        record(
            load_config({**shown, "env": env, "dataset": fumbled, "operator": operator, "resume": True}),
            tell=_silent,
        )


def trained(run: Path, dataset: Path, seed: int) -> Path:
    """A classifier of `dataset` in the folder `run`; its checkpoint."""
    whole(run, partial(fit, dataset=dataset, seed=seed))
    return run / "checkpoints" / "last"


def fit(run: Path, dataset: Path, seed: int) -> Report:
    """Train a classifier of `dataset` in the folder `run`."""
    return train_classifier(load_config({"dataset": {"root": str(dataset)}, **CLASSIFIER, "seed": seed}), run)


def _silent(text: str) -> None:
    """A benchmark says what it found at the end."""
