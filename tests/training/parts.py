"""Small trainings: configurations, made-up experience, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.transition import Action, Controller, Feature, Observation, Schema, Transition
from hilt.runs.checkpoints import Checkpoint

SCHEMA = Schema({"observation.state": Feature((3,))}, Feature((4,)))
SMALL: dict[str, Any] = {"hidden_dims": [16, 16]}


def small_config(policy: str = "sac", obs_type: str = "state", **more: Any) -> RunConfig:
    """PickCube with networks that train in a moment."""
    keys = {"type": policy, "critic_network_kwargs": SMALL, "actor_network_kwargs": SMALL}
    if policy == "sac":
        keys |= {"pretrain_updates": 4, "critic_warmup_updates": 0}
    if policy == "acfql":
        keys |= {"chunk_size": 3, "n_action_steps": 3, "flow_steps": 2, "offline_steps": 4}
    env = {"task": "hilt/PickCube-v0", "obs_type": obs_type, "image_size": 32}
    demonstrations = {"operator": "scripted", **more.pop("demonstrations", {})}
    data = {"env": env, "policy": keys, "batch_size": 16, "seed": 3, "demonstrations": demonstrations, **more}
    return load_config(data)


def observation(schema: Schema, rng: np.random.Generator) -> Observation:
    return {
        name: rng.integers(256, size=feature.shape).astype(np.uint8)
        if feature.is_image
        else rng.standard_normal(feature.shape).astype(np.float32)
        for name, feature in schema.observation.items()
    }


def episode(
    number: int, length: int, *, schema: Schema = SCHEMA, open_end: bool = False, start: int = 0
) -> list[Transition]:
    """Steps `start` to `length` - 1 of an episode that ends in success unless it has an `open_end`."""
    return list(_steps(number, length, schema, open_end))[start:]


def _steps(number: int, length: int, schema: Schema, open_end: bool) -> Iterator[Transition]:
    rng = np.random.default_rng(number)
    seen = observation(schema, rng)
    for step in range(length):
        following, last = observation(schema, rng), step == length - 1 and not open_end
        yield Transition(
            observation=seen,
            action=_action(schema, rng),
            policy_action=_action(schema, rng),
            controller=Controller(int(step % 3 == 1)),
            reward=float(last),
            terminated=last,
            truncated=False,
            next_observation=following,
            discrete_penalty=0.0,
            episode_id=number,
            step=step,
            is_success=last,
        )
        seen = following


def _action(schema: Schema, rng: np.random.Generator) -> Action:
    """Within the bounds of every hilt environment."""
    return rng.uniform(0, 1, schema.action.shape).astype(np.float32)


def checkpoint(step: int, size: int = 100) -> Checkpoint:
    """One whose every part says its step."""
    tensor = torch.full((size,), float(step))
    return Checkpoint(
        step,
        {"type": "sac", "n": step},
        {"w": tensor},
        {"seed": step},
        {"m": -tensor},
        {"env_steps": 2 * step},
    )


def assert_whole(loaded: Checkpoint | None, step: int) -> None:
    """`loaded` is what `checkpoint(step)` made."""
    assert loaded is not None
    expected = checkpoint(step, len(loaded.model["w"]))
    assert (loaded.step, loaded.config, loaded.train_config) == (step, expected.config, expected.train_config)
    assert loaded.counters["env_steps"] == 2 * step
    assert torch.equal(loaded.model["w"], expected.model["w"])
    assert torch.equal(loaded.state["m"], expected.state["m"])


def ids(transitions: list[Transition]) -> list[tuple[int, int]]:
    return [(transition.episode_id, transition.step) for transition in transitions]


def saved_names(run: Path) -> list[str]:
    """Checkpoints of the run, complete or not."""
    return sorted(path.name for path in (run / "checkpoints").iterdir() if not path.is_symlink())
