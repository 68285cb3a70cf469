from __future__ import annotations

import pytest
import torch

from hilt.algorithms.bc.bc import BehaviorCloning
from hilt.algorithms.registry import make_algorithm, policy_from_config
from hilt.algorithms.sac.config import SACConfig
from hilt.data.batch import Batch
from tests.algorithms.toy import STATE, changed_fields, equal, make_batch, make_spec, small

SPEC = make_spec()


def expert(state: torch.Tensor) -> torch.Tensor:
    """Smooth in the first three dimensions; the gripper closes, stays or opens by the first number."""
    motion = 0.8 * torch.sin(3 * state)
    return torch.cat([motion, (3 * state[:, :1]).floor().clamp(0, 2)], dim=-1)


def demonstrations() -> Batch:
    batch = make_batch(SPEC, torch.Generator().manual_seed(0), 256)
    everything = torch.ones(256, dtype=torch.bool)
    return changed_fields(batch, action=expert(batch.observation[STATE]), is_demonstration=everything)


@pytest.mark.parametrize("bc_loss", ["squared_error", "log_likelihood"])
def test_learns_the_experts_mapping(bc_loss: str) -> None:
    config = small(
        SACConfig(), num_discrete_actions=3, bc_loss=bc_loss, actor_lr=3e-3, actor_hidden_dims=(64, 64)
    )
    algorithm, batch = BehaviorCloning(config, SPEC), demonstrations()
    for _ in range(400):
        algorithm.update(lambda: batch)
    action = algorithm.policy.act(batch.observation, deterministic=True)
    assert (action - batch.action)[:, :3].abs().mean() < 0.08
    assert (action[:, 3] == batch.action[:, 3]).float().mean() > 0.95


def test_what_nobody_demonstrated_is_not_imitated() -> None:
    algorithm, batch = BehaviorCloning(small(SACConfig()), SPEC), demonstrations()
    nobody = changed_fields(batch, is_demonstration=torch.zeros(256, dtype=torch.bool))
    before = {name: value.clone() for name, value in algorithm.policy.state_dict().items()}
    algorithm.update(lambda: nobody)
    assert equal(before, dict(algorithm.policy.state_dict()))


def test_is_made_by_name_and_its_policy_rebuilt() -> None:
    kind = "hilt.algorithms.bc.bc:BehaviorCloning"
    config = SACConfig.model_validate({"type": kind, "critic_network_kwargs": {"hidden_dims": [8]}})
    algorithm = make_algorithm(config, SPEC, seed=1)
    assert isinstance(algorithm, BehaviorCloning)
    policy = policy_from_config(algorithm.policy.config)
    policy.load_state_dict(algorithm.policy.state_dict())
    observation = demonstrations().observation
    torch.testing.assert_close(
        policy.act(observation, deterministic=True), algorithm.policy.act(observation, deterministic=True)
    )


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="'ppo': one of sac, acfql, hg_dagger, or"):
        make_algorithm(SACConfig(type="ppo"), SPEC)
    with pytest.raises(ValueError, match="policy type"):
        policy_from_config({"type": "ppo"})
