"""The losses against the plain formulas, in float64, on fixed weights, batch and noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.algorithms.optimizer import trainable
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.losses import (
    Encoded,
    SACNetworks,
    actor_loss,
    critic_loss,
    critic_target,
    discrete_critic_loss,
    imitation_loss,
    margin_loss,
    temperature_loss,
)
from hilt.algorithms.sac.sac import make_networks
from hilt.networks.distributions import SquashedGaussian
from tests.algorithms.toy import changed, make_spec, small

B, C = 12, 3
CONFIG = small(SACConfig(preset="reference"), num_discrete_actions=3, num_critics=4)


@pytest.fixture
def networks() -> SACNetworks:
    torch.manual_seed(0)
    made = make_networks(CONFIG, make_spec()).double()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


@pytest.fixture
def batch() -> Encoded:
    generator = torch.Generator().manual_seed(1)

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    bootstrap = 0.9 * torch.ones(B, dtype=torch.float64)
    bootstrap[3] = 0
    return Encoded(
        features=(2 * rand(B, 8) - 1).requires_grad_(),
        next_features=2 * rand(B, 8) - 1,
        action=2 * rand(B, C) - 1,
        gripper=torch.arange(B) % 3,
        reward=rand(B),
        bootstrap=bootstrap,
        discrete_penalty=-rand(B),
        imitate=torch.arange(B) % 2 == 0,
    )


@pytest.fixture
def noise() -> Tensor:
    return torch.randn(B, C, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def plain_q(critic: nn.Module, member: int, features: Tensor, action: Tensor) -> Tensor:
    """One critic, layer by layer: Dense -> LayerNorm -> tanh, twice, then Dense."""
    p = {name: value[member] for name, value in critic.named_parameters()}
    x = torch.cat([features, action], -1)
    for dense, norm in (("0", "1"), ("3", "4")):
        x = x @ p[f"{dense}.weight"] + p[f"{dense}.bias"]
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-6).sqrt()
        x = torch.tanh(x * p[f"{norm}.weight"] + p[f"{norm}.bias"])
    return (x @ p["6.weight"] + p["6.bias"]).squeeze(-1)


def plain_policy(networks: SACNetworks, features: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Action and log-density by the definition: Gaussian density over the slope of tanh."""
    distribution = networks.policy.actor(features)
    raw = distribution.mean + distribution.log_std.exp() * noise
    normal = torch.distributions.Normal(distribution.mean, distribution.log_std.exp())
    log_prob = normal.log_prob(raw) - torch.log(1 - torch.tanh(raw) ** 2)
    return torch.tanh(raw), log_prob.sum(-1)


@pytest.mark.parametrize("reduction", ["min", "mean_minus_std"])
@pytest.mark.parametrize("entropy", [False, True])
@pytest.mark.parametrize("members", [None, [2, 0]])
@pytest.mark.parametrize("target_range", [None, (0.0, 0.5)])
def test_critic_loss(
    networks: SACNetworks,
    batch: Encoded,
    noise: Tensor,
    reduction: str,
    entropy: bool,
    members: list[int] | None,
    target_range: tuple[float, float] | None,
) -> None:
    config = changed(CONFIG, critic_target_reduction=reduction, use_backup_entropy=entropy)
    action, log_prob = plain_policy(networks, batch.next_features, noise)
    values = torch.stack(
        [plain_q(networks.target.critic, e, batch.next_features, action) for e in members or range(4)]
    )
    next_value = values.min(0).values if reduction == "min" else values.mean(0) - 0.5 * values.std(0, False)
    if entropy:
        next_value = next_value - networks.temperature * log_prob
    target = batch.reward + batch.bootstrap * next_value
    if target_range is not None:
        target = target.clamp(*target_range)
    q = torch.stack([plain_q(networks.critic, e, batch.features, batch.action) for e in range(4)])
    expected = sum(((q[e] - target) ** 2).sum() for e in range(4)) / (4 * B)

    chosen = None if members is None else torch.tensor(members)
    loss, metrics = critic_loss(networks, batch, noise, chosen, config, target_range)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    assert metrics["loss_critic"] == loss
    assert not metrics["loss_critic"].requires_grad


def test_a_true_terminal_pays_the_reward_alone(networks: SACNetworks, batch: Encoded, noise: Tensor) -> None:
    target = critic_target(networks, batch, noise, None, changed(CONFIG, use_backup_entropy=True))
    assert target[3] == batch.reward[3]


def test_target_is_a_constant(networks: SACNetworks, batch: Encoded, noise: Tensor) -> None:
    loss, _ = critic_loss(networks, batch, noise, None, CONFIG)
    loss.backward()
    assert all(p.grad is None for p in [*networks.target.parameters(), *networks.policy.actor.parameters()])
    assert all(p.grad is not None for p in networks.critic.parameters())
    assert batch.features.grad is not None, "the critics train the encoder"


def test_discrete_critic_is_double_dqn_with_the_penalty(networks: SACNetworks, batch: Encoded) -> None:
    online, target = networks.policy.discrete_critic, networks.target.discrete_critic
    assert online is not None
    assert target is not None
    assert batch.gripper is not None
    expected = torch.zeros((), dtype=torch.float64)
    for b in range(B):
        best = int(online(batch.next_features[b]).argmax())
        value = target(batch.next_features[b])[best]
        y = batch.reward[b] + batch.discrete_penalty[b] + batch.bootstrap[b] * value
        expected = expected + (online(batch.features[b])[batch.gripper[b]] - y.detach()) ** 2 / B
    loss, _ = discrete_critic_loss(networks, batch)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)

    clipped = torch.zeros((), dtype=torch.float64)
    for b in range(B):
        best = int(online(batch.next_features[b]).argmax())
        y = batch.reward[b] + batch.discrete_penalty[b]
        y = (y + batch.bootstrap[b] * target(batch.next_features[b])[best]).clamp(-0.1, 0.2)
        clipped = clipped + (online(batch.features[b])[batch.gripper[b]] - y.detach()) ** 2 / B
    assert clipped != expected
    loss, _ = discrete_critic_loss(networks, batch, (-0.1, 0.2))
    torch.testing.assert_close(loss, clipped, rtol=1e-9, atol=1e-9)

    without = replace(batch, discrete_penalty=torch.zeros(B, dtype=torch.float64))
    assert discrete_critic_loss(networks, without)[0] != loss


def test_discrete_critic_loss_needs_a_discrete_critic(batch: Encoded) -> None:
    networks = make_networks(changed(CONFIG, num_discrete_actions=None), make_spec()).double()
    with pytest.raises(ValueError, match="num_discrete_actions"):
        discrete_critic_loss(networks, batch)


@pytest.mark.parametrize("bc_filter", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_actor_loss(
    networks: SACNetworks, batch: Encoded, noise: Tensor, bc_filter: bool, weight: float
) -> None:
    action, log_prob = plain_policy(networks, batch.features, noise)
    q = torch.stack([plain_q(networks.critic, e, batch.features, action) for e in range(4)]).mean(0)
    human = torch.stack([plain_q(networks.critic, e, batch.features, batch.action) for e in range(4)])
    imitate = batch.imitate & (human.min(0).values > q) if bc_filter else batch.imitate
    mode = torch.tanh(networks.policy.actor(batch.features).mean)
    error = ((mode - batch.action) ** 2).sum(-1)[imitate].sum() / imitate.sum().clamp(min=1)
    expected = (networks.temperature * log_prob - q).mean() + weight * error

    loss, metrics = actor_loss(networks, batch, noise, weight, changed(CONFIG, bc_filter=bc_filter))
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(metrics["entropy"], -log_prob.mean().detach(), rtol=1e-9, atol=1e-9)


def test_filter_lets_through_what_the_critics_prefer(
    networks: SACNetworks, batch: Encoded, noise: Tensor
) -> None:
    _, metrics = actor_loss(networks, batch, noise, 1.0, changed(CONFIG, bc_filter=True))
    _, unfiltered = actor_loss(networks, batch, noise, 1.0, changed(CONFIG, bc_filter=False))
    assert metrics["bc_fraction"] < unfiltered["bc_fraction"] == 0.5


def test_actor_loss_spares_the_encoder(networks: SACNetworks, batch: Encoded, noise: Tensor) -> None:
    loss, _ = actor_loss(networks, batch, noise, 1.0, CONFIG)
    gradients = torch.autograd.grad(
        loss, [batch.features, *trainable(networks.policy.encoder)], allow_unused=True
    )
    assert all(gradient is None for gradient in gradients)


@pytest.mark.parametrize("kind", ["squared_error", "log_likelihood"])
def test_imitation_pulls_towards_the_human(kind: str) -> None:
    config = changed(CONFIG, bc_loss=kind)
    mean = torch.zeros(2, 1, requires_grad=True)
    action = torch.tensor([[0.5], [-0.5]])
    distribution = SquashedGaussian(mean, torch.zeros(2, 1))
    loss = imitation_loss(distribution, action, torch.tensor([True, False]), config)
    (gradient,) = torch.autograd.grad(loss, mean)
    assert gradient[0] < 0
    assert gradient[1] == 0


def test_imitation_of_nothing_is_zero() -> None:
    distribution = SquashedGaussian(torch.zeros(2, 1), torch.zeros(2, 1))
    assert imitation_loss(distribution, torch.ones(2, 1), torch.tensor([False, False]), CONFIG) == 0


@pytest.mark.parametrize(("entropy", "direction"), [(0.0, -1), (-4.0, 1)])
def test_temperature_moves_the_entropy_to_its_target(entropy: float, direction: int) -> None:
    log_temperature = torch.tensor(np.log(0.5), requires_grad=True)
    loss, metrics = temperature_loss(log_temperature, torch.tensor(entropy), -2.0)
    torch.testing.assert_close(loss, torch.tensor(0.5 * (entropy + 2), dtype=torch.float64))
    (gradient,) = torch.autograd.grad(loss, log_temperature)
    assert -gradient.sign() == direction
    assert metrics["temperature"] == pytest.approx(0.5)


def test_softplus_form_of_the_density_does_not_cancel() -> None:
    raw = torch.tensor([[15.0]], dtype=torch.float64)
    distribution = SquashedGaussian(raw, torch.zeros(1, 1, dtype=torch.float64))
    _, log_prob = distribution.sample_with_log_prob(torch.zeros(1, 1, dtype=torch.float64))
    slope = 2 * (np.log(2) - 15 - F.softplus(torch.tensor(-30.0, dtype=torch.float64)))
    torch.testing.assert_close(log_prob, (-0.5 * np.log(2 * np.pi) - slope).reshape(1))


def test_margin_loss_vanishes_only_where_the_humans_gripper_command_leads_by_the_margin() -> None:
    values = torch.tensor([[1.0, 0.8, 0.0], [1.0, 0.95, 0.0], [0.0, 0.5, 1.0]], dtype=torch.float64)
    chosen = torch.tensor([0, 0, 1])
    everything = torch.tensor([True, True, True])
    # Leads by 0.2; leads by 0.05, 0.05 short; trails by 0.5, 0.6 short.
    torch.testing.assert_close(
        margin_loss(values, chosen, everything), torch.tensor((0.0 + 0.05 + 0.6) / 3, dtype=torch.float64)
    )
    only_first = torch.tensor([True, False, False])
    assert margin_loss(values, chosen, only_first) == 0
