"""SAC updates per second and bytes per transition, beside the peer's (LeRobot) in the same run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from hilt.algorithms.allocation import keep_freed_memory
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.sac import SAC
from hilt.algorithms.spec import PolicySpec
from hilt.benchmarks.env import PeerUnavailableError
from hilt.config.learning import Activation
from hilt.data.batch import Batch, ObservationBatch
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.transition import Controller, Feature, Schema, Transition

Preset = Literal["reference", "hilt", "peer"]

PEER = "lerobot[hilserl]==0.6.1"
PEER_VENV = Path(".venv-peer-lerobot")
PEER_SCRIPT = Path(__file__).with_name("peer_lerobot.py")
PEER_MODULES = "import torch, lerobot.rl.algorithms.sac"
TARGETS = {"state": 3.0, "pixels": 20.0}
"""How many times the peer's rate hilt is to reach."""
BATCH, STATE_DIM, ACTION_DIM, IMAGE_SIZE = 256, 18, 4, 128
ROUNDS = 3
"""hilt and the peer take turns, so that both see the same machine; the best round of each counts."""


def config_of(preset: Preset) -> SACConfig:
    """One critic, actor and temperature update per step. `peer`: networks as large as LeRobot's defaults."""
    if preset == "hilt":
        return SACConfig(pretrain_updates=0, utd_ratio=1)
    activation: Activation = "silu" if preset == "peer" else "tanh"
    return SACConfig(
        preset="reference", latent_dim=64, image_size_encoder=64, activation=activation, utd_ratio=1
    )


def measure_sac_state(seconds: float, preset: Preset = "peer") -> float:
    """Updates/s on states, batch 256."""
    return _rate(config_of(preset), make_schema(pixels=False), seconds)


def measure_sac_pixels(seconds: float, preset: Preset = "hilt") -> float:
    """Updates/s on two cameras stored at 128x128 and encoded at 64x64 by a convolution that is trained."""
    return _rate(config_of(preset), make_schema(pixels=True), seconds)


def measure_gemm(seconds: float = 1.0) -> float:
    """What the machine gives a product of 1024x1024 matrices, float32 [GFLOP/s]."""
    matrix = torch.randn(1024, 1024)
    return 2 * 1024**3 / 1e9 * calls_per_second(lambda: torch.mm(matrix, matrix), seconds)


def measure_bytes_per_transition(episode_length: int = 100) -> float:
    """Memory of the replay buffer per transition with two cameras of 128x128, in episodes of 100 steps."""
    buffer = ReplayBuffer(10 * (episode_length + 1), make_schema(pixels=True))
    observation: dict[str, Any] = {
        name: np.zeros(feature.shape, feature.dtype) for name, feature in buffer.schema.observation.items()
    }
    action = np.zeros(ACTION_DIM, np.float32)
    for episode in range(10):
        for step in range(episode_length):
            last = step == episode_length - 1
            buffer.add(
                Transition(
                    observation,
                    action,
                    action,
                    Controller.POLICY,
                    0.0,
                    False,
                    last,
                    observation,
                    0.0,
                    episode,
                    step,
                )
            )
    return buffer.nbytes_per_transition


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """All figures of the learner; with `peer` also the peer's and the ratios to it."""
    measures: dict[str, Callable[[float], float]] = {
        "state": measure_sac_state, "pixels": measure_sac_pixels, "gemm_gflops": measure_gemm,
        "state_reference": lambda s: measure_sac_state(s, "reference"),
        "state_hilt": lambda s: measure_sac_state(s, "hilt"),
    }  # fmt: skip
    keep_freed_memory()
    python = peer_python() if peer else None
    rounds, theirs = [], []
    for _ in range(ROUNDS):
        rounds.append({name: function(seconds / ROUNDS) for name, function in measures.items()})
        if python is not None:
            theirs.append(measure_peer(python, seconds / ROUNDS))
    figures: dict[str, Any] = _best(rounds)
    figures["bytes_per_transition"] = measure_bytes_per_transition()
    figures["threads"] = torch.get_num_threads()
    figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if theirs:
        figures["peer"] = _best(theirs)
        figures["ratio"] = {name: figures[name] / figures["peer"][name] for name in TARGETS}
        figures["target_ratio"] = TARGETS
    return figures


def measure_peer(python: Path, seconds: float) -> dict[str, float]:
    """Its `state` and `pixels` updates/s and its `bytes_per_transition`. Raises PeerUnavailableError."""
    command = [str(python), str(PEER_SCRIPT), str(seconds), str(torch.get_num_threads())]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise PeerUnavailableError(f"{PEER} failed:\n{run.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(run.stdout.strip().splitlines()[-1])
    return figures


def peer_python(folder: Path = PEER_VENV) -> Path:
    """Interpreter of the peer's virtual environment, made when it is missing or incomplete.

    Raises PeerUnavailableError: no Python 3.12, which the peer needs, or an installation that fails.
    """
    python = (folder / "bin" / "python").absolute()
    if python.exists() and _succeeds([str(python), "-c", PEER_MODULES]):
        return python
    _run([_python312(), "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", PEER])
    return python


def _python312() -> str:
    """A Python 3.12 on the PATH, or among pyenv's."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which("python3.12"), *map(str, sorted(versions.glob("3.12*/bin/python3"), reverse=True))]
    for candidate in found:
        if candidate is not None and _succeeds(
            [candidate, "-c", "import sys; assert sys.version_info[:2] == (3, 12)"]
        ):
            return candidate
    raise PeerUnavailableError(
        f"{PEER} needs Python 3.12 and none was found on the PATH or in {versions};"
        " install one (`pyenv install 3.12`), or measure without --peer"
    )


def _run(command: list[str]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise PeerUnavailableError(f"{' '.join(command)} failed:\n{run.stderr[-2000:]}")


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _best(rounds: list[dict[str, float]]) -> dict[str, float]:
    smaller_is_better = {"bytes_per_transition"}
    return {
        name: (min if name in smaller_is_better else max)(figures[name] for figures in rounds)
        for name in rounds[0]
    }


def make_schema(*, pixels: bool) -> Schema:
    """A state of 18 numbers, perhaps two cameras, 4 actions."""
    features = {"observation.state": Feature((STATE_DIM,))}
    if pixels:
        for camera in ("front", "wrist"):
            features[f"observation.images.{camera}"] = Feature((3, IMAGE_SIZE, IMAGE_SIZE), "uint8")
    return Schema(features, Feature((ACTION_DIM,)))


def make_batch(schema: Schema) -> Batch:
    """A random batch, half of it demonstrations."""

    def observation() -> ObservationBatch:
        return {
            name: torch.randint(0, 256, (BATCH, *feature.shape), dtype=torch.uint8)
            if feature.is_image
            else torch.randn(BATCH, *feature.shape)
            for name, feature in schema.observation.items()
        }

    nothing = torch.zeros(BATCH, dtype=torch.bool)
    return Batch(
        observation=observation(),
        action=2 * torch.rand(BATCH, ACTION_DIM) - 1,
        reward=torch.rand(BATCH),
        bootstrap=torch.full((BATCH,), 0.97),
        next_observation=observation(),
        discrete_penalty=torch.zeros(BATCH),
        is_intervention=nothing,
        is_demonstration=torch.arange(BATCH) >= BATCH // 2,
        valid=torch.ones(BATCH, 1),
        success=nothing,
    )


def _rate(config: SACConfig, schema: Schema, seconds: float) -> float:
    spec = PolicySpec(schema, (-1.0,) * ACTION_DIM, (1.0,) * ACTION_DIM, {}, {})
    algorithm, batch = SAC(config, spec), make_batch(schema)
    return calls_per_second(lambda: algorithm.update(lambda: batch), seconds)


def calls_per_second(function: Callable[[], object], seconds: float) -> float:
    """After two calls that are not counted."""
    function(), function()
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        function()
        calls += 1
    return calls / elapsed


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]), "--peer" in sys.argv), indent=2))
