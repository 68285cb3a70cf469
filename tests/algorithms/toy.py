"""Small specifications and batches for the tests of the algorithms."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.spec import PolicySpec
from hilt.data.batch import Batch, ObservationBatch
from hilt.data.transition import Feature, Schema

STATE, CAMERA = "observation.state", "observation.images.front"
STATISTICS = {"mean": [0.5] * 3, "std": [2.0] * 3}


def make_spec(*, pixels: bool = False, action_dim: int = 4) -> PolicySpec:
    """A state of 3 numbers, perhaps a camera, and a gripper in 0..2 as the last of the actions."""
    observation = {STATE: Feature((3,))}
    if pixels:
        observation[CAMERA] = Feature((3, 32, 32), "uint8")
    return PolicySpec(
        Schema(observation, Feature((action_dim,))),
        (-1.0,) * (action_dim - 1) + (0.0,),
        (1.0,) * (action_dim - 1) + (2.0,),
        {STATE: "MEAN_STD"},
        {STATE: STATISTICS},
    )


C = TypeVar("C", SACConfig, ACFQLConfig)
NETWORKS = ("critic", "actor", "discrete_critic")


def changed(config: C, **changes: Any) -> C:
    """`config` with other values, unchecked; `critic_hidden_dims` and the like mean those of the
    networks, `init_final` that of `policy_kwargs`.
    """
    for head in NETWORKS:
        if f"{head}_hidden_dims" in changes:
            dims, key = list(changes.pop(f"{head}_hidden_dims")), f"{head}_network_kwargs"
            changes[key] = getattr(config, key).model_copy(update={"hidden_dims": dims})
    if "init_final" in changes:
        head = {"init_final": changes.pop("init_final")}
        changes["policy_kwargs"] = config.policy_kwargs.model_copy(update=head)
    assert changes.keys() <= type(config).model_fields.keys()
    return config.model_copy(update=changes)


def small(config: SACConfig, **changes: Any) -> SACConfig:
    """`config` with small networks."""
    sizes = {"critic_hidden_dims": (16, 16), "actor_hidden_dims": (16,), "discrete_critic_hidden_dims": (16,)}
    encoder = {"state_encoder_hidden_dim": 8, "latent_dim": 8, "image_encoder_hidden_dim": 4}
    return changed(config, image_size_encoder=64, **{**encoder, **sizes, **changes})


def make_batch(
    spec: PolicySpec, generator: torch.Generator, size: int = 12, dtype: torch.dtype = torch.float32
) -> Batch:
    """Random transitions, half of them demonstrations, two of them terminal."""

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=dtype)

    def observation() -> ObservationBatch:
        seen: ObservationBatch = {STATE: rand(size, 3)}
        for name, shape in spec.images.items():
            seen[name] = torch.randint(0, 256, (size, *shape), generator=generator, dtype=torch.uint8)
        return seen

    low, high = torch.tensor(spec.action_low, dtype=dtype), torch.tensor(spec.action_high, dtype=dtype)
    bootstrap = torch.full((size,), 0.97**3, dtype=dtype)
    bootstrap[:2] = 0
    false = torch.zeros(size, dtype=torch.bool)
    return Batch(
        observation=observation(),
        action=low + (high - low) * rand(size, len(low)),
        reward=rand(size),
        bootstrap=bootstrap,
        next_observation=observation(),
        discrete_penalty=-0.02 * rand(size),
        is_intervention=false,
        is_demonstration=torch.arange(size) >= size // 2,
        valid=torch.ones(size, 1, dtype=dtype),
        success=false,
    )


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """The same names, and the same values bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def changed_fields(batch: Batch, **changes: Tensor) -> Batch:
    """`batch` with some fields replaced."""
    return Batch(**{**{f.name: getattr(batch, f.name) for f in fields(batch)}, **changes})
