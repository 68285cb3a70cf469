"""Small batches of chunks for the tests of ACFQL."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.losses import EncodedChunks, Noise
from hilt.algorithms.acfql.networks import ACFQLNetworks
from hilt.data.batch import Batch
from tests.algorithms.toy import changed, changed_fields, make_batch, make_spec


def small(config: ACFQLConfig, **changes: Any) -> ACFQLConfig:
    """`config` with small networks."""
    sizes = {"critic_hidden_dims": (16, 16), "actor_hidden_dims": (16, 16)}
    encoder = {"state_encoder_hidden_dim": 0, "latent_dim": 8, "image_encoder_hidden_dim": 4}
    return changed(config, **{**encoder, **sizes, **changes})


def chunk_batch(
    generator: torch.Generator, chunk_size: int, *, size: int = 12, pixels: bool = False, **changes: Tensor
) -> Batch:
    """Random chunks of 4-D actions, the first ones cut short by the end of their episode."""
    spec = make_spec(pixels=pixels)
    batch = make_batch(spec, generator, size)
    low, high = torch.tensor(spec.action_low), torch.tensor(spec.action_high)
    action = low + (high - low) * torch.rand(size, chunk_size, 4, generator=generator)
    steps = torch.arange(size).clamp(min=1, max=chunk_size)
    valid = (torch.arange(chunk_size) < steps.unsqueeze(-1)).float()
    flags = {
        name: getattr(batch, name).unsqueeze(-1).expand(size, chunk_size)
        for name in ("is_intervention", "is_demonstration")
    }
    return changed_fields(batch, action=action, valid=valid, **{**flags, **changes})


def in_float64(
    config: ACFQLConfig, generator: torch.Generator, *, size: int = 12
) -> tuple[ACFQLNetworks, EncodedChunks, Noise]:
    """Networks, an encoded batch and noise, all in float64."""
    algorithm = ACFQL(config, make_spec(), seed=1)
    batch = chunk_batch(generator, config.chunk_size, size=size)
    encoded = algorithm.encode(batch)
    noise = algorithm.draw_noise(encoded.chunk)
    return algorithm.networks.double(), EncodedChunks(**_double(encoded)), Noise(**_double(noise))


def _double(item: EncodedChunks | Noise) -> dict[str, Any]:
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    return {name: value.double() if torch.is_tensor(value) else value for name, value in values.items()}
