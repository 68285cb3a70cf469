"""The optimiser on flat buffers is the Adam that everybody knows."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from hilt.algorithms.optimizer import Optimizer, Target, minimize


@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_steps_are_those_of_adam(max_norm: float | None) -> None:
    """The gradient clipped as a whole; parameters that the loss does not reach stay where they are."""
    torch.manual_seed(0)
    x = torch.randn(9, 5, dtype=torch.float64)
    network = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 1), nn.Linear(2, 2)]).double()
    other = copy.deepcopy(network)
    ours, adam = Optimizer(network.parameters(), 1e-2, max_norm), torch.optim.Adam(other.parameters(), 1e-2)

    def loss(layers: nn.ModuleList, scale: int) -> torch.Tensor:
        return scale * layers[1](layers[0](x).tanh()).square().mean()

    for scale in (1, 50, 2):
        (norm,) = minimize(loss(network, scale), ours)
        adam.zero_grad()
        loss(other, scale).backward()
        reached = [parameter for parameter in other.parameters() if parameter.grad is not None]
        expected = nn.utils.clip_grad_norm_(reached, max_norm if max_norm is not None else float("inf"))
        adam.step()
        torch.testing.assert_close(norm, expected)
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-7)


def test_imitation_before_the_critics_costs_them_no_bias_correction() -> None:
    """Which parameters a loss reaches changes between updates, and a checkpoint lies in the middle."""
    torch.manual_seed(0)
    x = torch.randn(9, 5, dtype=torch.float64)
    network = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 1), nn.Linear(7, 2)]).double()
    other = copy.deepcopy(network)
    ours, adam = Optimizer(network.parameters(), 1e-2), torch.optim.Adam(other.parameters(), 1e-2)

    def loss(layers: nn.ModuleList, heads: list[int]) -> torch.Tensor:
        features = layers[0](x).tanh()
        return torch.stack([layers[head](features).square().mean() for head in heads]).sum()

    for update, heads in enumerate([[1], [1], [1, 2], [2], [1, 2], [1], [1, 2]]):
        minimize(loss(network, heads), ours)
        adam.zero_grad(set_to_none=True)
        loss(other, heads).backward()
        adam.step()
        if update == 3:
            saved = {name: tensor.clone() for name, tensor in ours.state_tensors().items()}
            ours = Optimizer(network.parameters(), 1e-2)
            ours.load_state_tensors(saved)
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-7)


def test_the_one_count_of_an_older_checkpoint_is_that_of_every_parameter() -> None:
    network = nn.Linear(3, 2)
    optimizer = Optimizer(network.parameters(), 1e-3)
    optimizer.load_state_tensors({**optimizer.state_tensors(), "count": torch.tensor(7.0)})
    assert optimizer.state_tensors()["count"].tolist() == [7.0, 7.0]


def test_a_target_moves_its_share_of_the_way() -> None:
    online, target = nn.Linear(3, 2), nn.Linear(3, 2)
    before = copy.deepcopy(target)
    Target(target.parameters(), Optimizer(online.parameters(), 1e-3)).follow(0.25)
    for new, old, goal in zip(target.parameters(), before.parameters(), online.parameters(), strict=True):
        torch.testing.assert_close(new, 0.75 * old + 0.25 * goal)
