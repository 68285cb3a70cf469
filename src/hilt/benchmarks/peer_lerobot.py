"""Run by the interpreter of the peer's own virtual environment: LeRobot's SAC updates/s, as JSON.

Usage: `python peer_lerobot.py SECONDS THREADS`. Imports nothing of hilt, so that it runs where hilt is not
installed. Its classes with their defaults, but for `latent_dim` 64, as its users' configurations have it.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import repeat
from typing import Any

import torch
from lerobot.configs import FeatureType, PolicyFeature  # type: ignore[import-not-found]
from lerobot.policies.gaussian_actor.configuration_gaussian_actor import (  # type: ignore[import-not-found]
    GaussianActorConfig,
)
from lerobot.policies.gaussian_actor.modeling_gaussian_actor import (  # type: ignore[import-not-found]
    GaussianActorPolicy,
)
from lerobot.rl.algorithms.sac import SACAlgorithm, SACAlgorithmConfig  # type: ignore[import-not-found]
from lerobot.rl.buffer import ReplayBuffer  # type: ignore[import-not-found]

BATCH, STATE_DIM, ACTION_DIM, IMAGE_SIZE = 256, 18, 4, 128


def shapes(pixels: bool) -> dict[str, tuple[int, ...]]:
    cameras = ("front", "wrist") if pixels else ()
    images = {f"observation.images.{name}": (3, IMAGE_SIZE, IMAGE_SIZE) for name in cameras}
    return {"observation.state": (STATE_DIM,), **images}


def observation(pixels: bool, size: int) -> dict[str, torch.Tensor]:
    return {name: torch.rand(size, *shape) for name, shape in shapes(pixels).items()}


def algorithm(pixels: bool) -> Any:
    features = {
        name: PolicyFeature(type=FeatureType.VISUAL if "images" in name else FeatureType.STATE, shape=shape)
        for name, shape in shapes(pixels).items()
    }
    action = {"action": PolicyFeature(type=FeatureType.ACTION, shape=(ACTION_DIM,))}
    config = GaussianActorConfig(input_features=features, output_features=action, device="cpu", latent_dim=64)
    made = SACAlgorithm(GaussianActorPolicy(config), SACAlgorithmConfig.from_policy_config(config))
    made.make_optimizers_and_scheduler()
    return made


def rate(pixels: bool, seconds: float) -> float:
    made = algorithm(pixels)
    batches = repeat(
        {
            "state": observation(pixels, BATCH),
            "next_state": observation(pixels, BATCH),
            "action": 2 * torch.rand(BATCH, ACTION_DIM) - 1,
            "reward": torch.rand(BATCH),
            "done": torch.zeros(BATCH),
            "truncated": torch.zeros(BATCH),
        }
    )
    made.update(batches)
    updates, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        made.update(batches)
        updates += 1
    return updates / elapsed


def bytes_per_transition() -> float:
    """With its option that stores each observation once."""
    seen, capacity = observation(True, 1), 8
    buffer = ReplayBuffer(capacity, device="cpu", state_keys=list(seen), optimize_memory=True, use_drq=False)
    buffer.add(seen, torch.zeros(1, ACTION_DIM), 0.0, seen, False, False)
    stored = [*buffer.states.values(), buffer.actions, buffer.rewards, buffer.dones, buffer.truncateds]
    total: int = sum(tensor.nbytes for tensor in stored)
    return total / capacity


if __name__ == "__main__":
    duration = float(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    figures = {
        "state": rate(False, duration),
        "pixels": rate(True, duration),
        "bytes_per_transition": bytes_per_transition(),
    }
    print(json.dumps(figures))
