"""What recording costs a control loop, and how long recorded episodes take to load."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hilt.build.envs import make_environment
from hilt.build.operators import make_operator
from hilt.config.load import load_config
from hilt.data.lerobot import DatasetReader, DatasetWriter
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.transition import Feature, Schema, Transition
from hilt.rollout.rollout import HoldStill, Rollout

EPISODES, STEPS = 50, 100
PERIOD_MS = 100.0
"""Of a control step at 10 Hz."""
TARGETS = {"recording_share_of_step": 0.10, "load_50_episodes_s": 20.0}
"""At most so much."""
_CONFIG = {
    "env": {
        "task": "hilt/PickCube-v0",
        "obs_type": "pixels",
        "processor": {"reset": {"control_time_s": STEPS / 10}},
    },
    "operator": "scripted",
    "operator_options": {"always": True},
}


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """PickCube with two cameras of 128x128, as video: 50 episodes of 100 steps, however long they take."""
    with tempfile.TemporaryDirectory() as folder:
        recording = measure_recording(Path(folder) / "set", _episode(), EPISODES)
        return {
            **recording,
            "load_50_episodes_s": measure_loading(Path(folder) / "set"),
            "target_at_most": TARGETS,
        }


def measure_recording(root: Path, steps: Sequence[Transition], episodes: int) -> dict[str, float]:
    """Milliseconds per step that the writer takes: in the control loop, and all in all.

    All in all counts the encoding, which goes on beside the loop, and making each episode safe at its end.
    """
    in_loop = total = 0.0
    with _writer(root, steps) as writer:
        for _ in range(episodes):
            started = time.perf_counter()
            for step in steps:
                writer.add(step)
            added = time.perf_counter()
            writer.finish_episode()
            in_loop += added - started
            total += time.perf_counter() - started
    count = episodes * len(steps) / 1000
    return {
        "recording_in_loop_ms_per_step": in_loop / count,
        "recording_ms_per_step": total / count,
        "recording_share_of_step": total / count / PERIOD_MS,
    }


def measure_loading(root: Path) -> float:
    """Seconds from a folder of recorded episodes to a full replay buffer."""
    started = time.perf_counter()
    reader = DatasetReader(root)
    buffer = ReplayBuffer(EPISODES * (STEPS + 1), reader.schema)
    for transition in reader.transitions():
        buffer.add(transition)
    assert len(buffer) == EPISODES * STEPS
    return time.perf_counter() - started


def _episode() -> list[Transition]:
    """`STEPS` steps of the scripted human, who holds the cube up when they have got it."""
    config = load_config(_CONFIG)
    env = make_environment(config, terminate_on_success=False)
    operator = make_operator(config, env, seed=0)
    steps: list[Transition] = []
    rollout = Rollout(env, HoldStill(env), operator, record=steps.append)
    rollout.run_episode(0, 0, lambda: len(steps) == STEPS)
    env.close()
    return [*steps[:-1], replace(steps[-1], truncated=True)]


def _writer(root: Path, steps: Sequence[Transition]) -> DatasetWriter:
    observed = {
        name: Feature(array.shape, "uint8" if array.ndim == 3 else "float32")
        for name, array in steps[0].observation.items()
    }
    return DatasetWriter(
        root, Schema(observed, Feature(steps[0].action.shape)), fps=10, task="pick up the cube"
    )
