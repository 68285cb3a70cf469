"""What stands around ACFQL's networks: observations normalised by dataset statistics, actions scaled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.networks import make_networks
from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.registry import policy_from_config
from hilt.algorithms.spec import PolicySpec
from hilt.data.transition import ENVIRONMENT_STATE, STATE, Feature, Schema
from hilt.processors.actions import ActionScaling
from hilt.processors.normalization import Mode, Normalizer, statistics_of

DATA = np.random.default_rng(0).normal(3, 2, size=(400, 42)).astype(np.float32)
STATISTICS = statistics_of(DATA)
SMALL = {"hidden_dims": [8]}
CONFIG = ACFQLConfig.model_validate(
    {"critic_network_kwargs": SMALL, "actor_network_kwargs": SMALL, "chunk_size": 3, "n_action_steps": 2}
)


def normalizer(mode: Mode, size: int = 18) -> Normalizer:
    return Normalizer({STATE: statistics_of(DATA[:, :size])}, {STATE: mode})


def expected(mode: Mode, value: Tensor) -> Tensor:
    """The formula of each mode, by numpy in double precision."""
    size = value.shape[-1]
    s = {name: np.asarray(values[:size]) for name, values in STATISTICS.items()}
    x = value.double().numpy()
    by_mode = {
        "MIN_MAX": 2 * (x - s["min"]) / (s["max"] - s["min"]) - 1,
        "MEAN_STD": (x - s["mean"]) / s["std"],
        "IDENTITY": x,
    }
    return torch.from_numpy(by_mode[mode])


def make_policy(mode: Mode, size: int, action_dim: int) -> ChunkPolicy:
    features = {STATE: Feature((size,)), ENVIRONMENT_STATE: Feature((3,))}
    spec = PolicySpec(
        Schema(features, Feature((action_dim,))),
        (-1.0,) * (action_dim - 1) + (0.0,),
        (1.0,) * (action_dim - 1) + (2.0,),
        {STATE: mode, ENVIRONMENT_STATE: mode},
        {STATE: statistics_of(DATA[:, :size]), ENVIRONMENT_STATE: statistics_of(DATA[:, :3])},
    )
    return ChunkPolicy(CONFIG, spec, make_networks(CONFIG, spec))


@pytest.mark.parametrize("mode", ["MIN_MAX", "MEAN_STD", "IDENTITY"])
@pytest.mark.parametrize("size", [18, 42])
@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 4)])
def test_normalises_batched_and_unbatched(mode: Mode, size: int, batch: tuple[int, ...]) -> None:
    value = torch.randn(*batch, size) * 2 + 3
    normalised = normalizer(mode, size).normalize(STATE, value)
    assert normalised.shape == value.shape
    torch.testing.assert_close(normalised.double(), expected(mode, value), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["MIN_MAX", "MEAN_STD", "IDENTITY"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("move_module", [False, True])
def test_the_dtype_of_the_value_is_kept(
    mode: Mode, dtype: torch.dtype, tolerance: float, move_module: bool
) -> None:
    module = normalizer(mode)
    if move_module:
        module = module.to(dtype)
    value = (torch.randn(6, 18) * 2 + 3).to(dtype)
    normalised = module.normalize(STATE, value)
    assert normalised.dtype == dtype
    torch.testing.assert_close(normalised.double(), expected(mode, value), rtol=tolerance, atol=tolerance)
    assert module.unnormalize(STATE, normalised).dtype == dtype


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("mode", ["MIN_MAX", "MEAN_STD", "IDENTITY"])
def test_statistics_and_bounds_move_with_the_module(mode: Mode, device: str) -> None:
    module, scaling = normalizer(mode).to(device), ActionScaling([-1, 0], [1, 2]).to(device)
    value, action = torch.zeros(4, 18, device=device), torch.zeros(4, 3, 2, device=device)
    assert module.normalize(STATE, value).device.type == device
    assert scaling.to_unit(action).device.type == scaling.to_env(action).device.type == device


@pytest.mark.parametrize("shape", [(4,), (1, 4), (6, 3, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_actions_are_scaled_whatever_stands_before_them(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    scaling = ActionScaling([-1, -1, -1, 0], [1, 1, 1, 2]).to(dtype)
    unit = torch.rand(shape).mul(2).sub(1).to(dtype)
    env = scaling.to_env(unit)
    assert env.shape == shape
    assert env.dtype == dtype
    torch.testing.assert_close(env[..., 3], unit[..., 3] + 1)
    torch.testing.assert_close(
        scaling.to_unit(env), unit, atol=0.02 if dtype == torch.bfloat16 else 1e-6, rtol=0
    )


@pytest.mark.parametrize("mode", ["MIN_MAX", "MEAN_STD", "IDENTITY"])
@pytest.mark.parametrize(("size", "action_dim"), [(18, 4), (42, 7)])
def test_saved_and_loaded_it_plans_the_same(mode: Mode, size: int, action_dim: int, tmp_path: Path) -> None:
    policy = make_policy(mode, size, action_dim)
    save_file(policy.state_dict(), tmp_path / "model.safetensors")
    loaded = policy_from_config(policy.config)
    loaded.load_state_dict(load_file(tmp_path / "model.safetensors"))
    observation = {STATE: torch.from_numpy(DATA[:5, :size]), ENVIRONMENT_STATE: torch.rand(5, 3)}
    plan = policy.plan(observation, deterministic=True)
    assert plan.shape == (5, 3, action_dim)
    assert isinstance(loaded, ChunkPolicy)
    assert torch.equal(plan, loaded.plan(observation, deterministic=True))


def test_the_networks_see_normalised_observations() -> None:
    policy = make_policy("MEAN_STD", 18, 4)
    observation = {STATE: torch.from_numpy(DATA[:, :18]), ENVIRONMENT_STATE: torch.from_numpy(DATA[:, :3])}
    features = policy.encoder(observation)
    assert features.shape == (400, 21)
    assert features.mean(0).abs().max() < 1e-3
    assert (features.std(0, correction=0) - 1).abs().max() < 1e-3
