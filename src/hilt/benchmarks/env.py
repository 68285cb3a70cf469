"""Control steps per second of the simulation, beside the peer's (gym-hil) in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import gymnasium as gym

import hilt.envs  # noqa: F401  makes the ids known

PEER = "gym-hil==0.1.14"
PEER_VENV = Path(".venv-peer-gymhil")
PEER_SCRIPT = Path(__file__).with_name("peer_gym_hil.py")
TARGETS = {"state": 15.0, "pixels": 150.0}
"""How many times the peer's rate hilt is to reach."""


class PeerUnavailableError(RuntimeError):
    """The peer could not be installed or run. The message says which step failed, and how."""


def measure_state_steps(seconds: float) -> float:
    """Control steps/s: state observations, random actions over the whole space, episode ends included."""
    return _rate(gym.make("hilt/PickCube-v0"), seconds)


def measure_pixel_steps(seconds: float) -> float:
    """The same with two cameras of 128x128."""
    return _rate(gym.make("hilt/PickCube-v0", obs_type="pixels", image_size=128), seconds)


def measure_vector_steps(seconds: float, num_envs: int = 16) -> float:
    """Control steps/s of all environments together, state observations, stepping in parallel."""
    env = gym.make_vec("hilt/PickCube-v0", num_envs=num_envs)
    env.reset(seed=0)
    env.action_space.seed(0)
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        env.step(env.action_space.sample())
        steps += num_envs
    rate = steps / (time.perf_counter() - start)
    env.close()
    return rate


def measure_peer(seconds: float, folder: Path = PEER_VENV) -> dict[str, float]:
    """The peer's `state` and `pixels` control steps/s, from a virtual environment made on demand.

    Raises PeerUnavailableError.
    """
    python = _peer_python(folder)
    environment = {**os.environ, "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
    command = [str(python), str(PEER_SCRIPT), str(seconds)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if run.returncode != 0:
        raise PeerUnavailableError(f"{PEER} failed:\n{run.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(run.stdout.strip().splitlines()[-1])
    return figures


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """All figures of the environment, steps/s; with `peer` also the peer's and the ratios to it."""
    figures: dict[str, Any] = {
        "state": measure_state_steps(seconds),
        "pixels": measure_pixel_steps(seconds),
        "vector_16": measure_vector_steps(seconds),
    }
    if peer:
        theirs = measure_peer(seconds)
        figures["peer"] = theirs
        figures["ratio"] = {name: figures[name] / theirs[name] for name in TARGETS}
        figures["target_ratio"] = TARGETS
    return figures


def _rate(env: gym.Env[Any, Any], seconds: float) -> float:
    env.reset(seed=0)
    env.action_space.seed(0)
    env.step(env.action_space.sample())  # what is made at first use is not measured
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        steps += 1
        if terminated or truncated:
            env.reset()
    rate = steps / (time.perf_counter() - start)
    env.close()
    return rate


def _peer_python(folder: Path) -> Path:
    """Interpreter of the peer's virtual environment, which is made when it is missing or incomplete."""
    python = (folder / ("Scripts" if sys.platform == "win32" else "bin") / "python").absolute()
    if python.exists() and _runs(python, "-c", "import gym_hil"):
        return python
    venv.create(folder, with_pip=True, clear=True)
    install = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", PEER], capture_output=True, text=True, check=False
    )
    if install.returncode != 0:
        raise PeerUnavailableError(f"pip could not install {PEER}:\n{install.stderr[-2000:]}")
    return python


def _runs(python: Path, *arguments: str) -> bool:
    environment = {**os.environ, "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
    return (
        subprocess.run(
            [str(python), *arguments], capture_output=True, env=environment, check=False
        ).returncode
        == 0
    )
