"""SAC on a control problem that needs looking ahead: reach the origin of a line, paid only there."""

from __future__ import annotations

import torch
from torch import Tensor

from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.sac import SAC
from hilt.data.batch import Batch
from tests.algorithms.toy import STATE, make_spec, small

STEP, GOAL, DISCOUNT = 0.2, 0.1, 0.9


def transition(position: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    """Next position, and whether it is the goal, where the episode ends with reward 1."""
    after = (position + STEP * action[:, 0]).clamp(-1, 1)
    return after, after.abs() < GOAL


def observe(position: Tensor) -> dict[str, Tensor]:
    return {STATE: torch.stack([position, torch.zeros_like(position), torch.ones_like(position)], dim=-1)}


def test_reaches_the_goal_from_everywhere() -> None:
    config = small(
        SACConfig(preset="reference"), critic_lr=2e-3, actor_lr=2e-3, activation="relu",
        critic_target_update_weight=0.05, critic_hidden_dims=(32, 32), actor_hidden_dims=(32,),
    )  # fmt: skip
    algorithm, generator = (
        SAC(config, make_spec(action_dim=2), target_range=(0.0, 1.0)),
        torch.Generator().manual_seed(0),
    )

    def sample() -> Batch:
        position = 2 * torch.rand(128, generator=generator) - 1
        action = 2 * torch.rand(128, 2, generator=generator) - 1
        after, reached = transition(position, action)
        nothing = torch.zeros(128, dtype=torch.bool)
        bootstrap = DISCOUNT * (~reached).float()
        return Batch(
            observe(position), action, reached.float(), bootstrap, observe(after), torch.zeros(128), nothing,
            nothing, torch.ones(128, 1), reached,
        )  # fmt: skip

    for _ in range(500):
        algorithm.update(sample)
    position = torch.linspace(-1, 1, 41)
    arrived = torch.zeros(41, dtype=torch.bool)
    for _ in range(6):
        action = algorithm.policy.act(observe(position), deterministic=True)
        position, reached = transition(position, action)
        arrived |= reached
    assert arrived.all()
