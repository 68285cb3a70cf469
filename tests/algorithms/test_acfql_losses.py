"""The losses against the published formulas, written out here network by network, in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.algorithms.acfql.config import ACFQLConfig, QNormalization
from hilt.algorithms.acfql.losses import (
    EncodedChunks,
    Noise,
    actor_loss,
    critic_loss,
    distill_loss,
    flow_loss,
    q_loss,
    total_loss,
)
from hilt.algorithms.acfql.networks import ACFQLNetworks
from hilt.networks.ensemble import EnsembleLayerNorm, EnsembleLinear, EnsembleMLP
from tests.algorithms.toy import changed
from tests.algorithms.toy_chunks import in_float64, small

Case = tuple[ACFQLNetworks, EncodedChunks, Noise]
REFERENCE = small(ACFQLConfig(preset="reference"))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def actor_output(network: nn.Module, *inputs: Tensor) -> Tensor:
    """Dense -> GELU, no LayerNorm; the last layer linear."""
    *hidden, last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    x = torch.cat(inputs, dim=-1)
    for layer in hidden:
        x = F.gelu(x @ layer.weight.T + layer.bias, approximate="tanh")
    return x @ last.weight.T + last.bias


def critic_output(critic: EnsembleMLP, member: int, *inputs: Tensor) -> Tensor:
    """Dense -> GELU -> LayerNorm of one member; the last layer linear."""
    *hidden, last = [layer for layer in critic if isinstance(layer, EnsembleLinear)]
    norms = [layer for layer in critic if isinstance(layer, EnsembleLayerNorm)]
    x = torch.cat(inputs, dim=-1)
    for layer, norm in zip(hidden, norms, strict=True):
        x = F.gelu(x @ layer.weight[member] + layer.bias[member], approximate="tanh")
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-6).sqrt()
        x = x * norm.weight[member] + norm.bias[member]
    return (x @ last.weight[member] + last.bias[member])[:, 0]


@torch.no_grad()
def published(case: Case, config: ACFQLConfig) -> dict[str, float]:
    """Every term of the published loss, sample by sample."""
    networks, batch, noise = case
    size, h, dim = len(batch.reward), config.chunk_size, batch.chunk.shape[1] // config.chunk_size
    next_chunk = actor_output(networks.actor, batch.next_features, noise.next).clamp(-1, 1)
    flow_chunk, chunk = noise.policy, actor_output(networks.actor, batch.features, noise.policy)
    for step in range(config.flow_steps):
        time = torch.full((size, 1), step / config.flow_steps, dtype=torch.float64)
        flow_chunk = flow_chunk + actor_output(networks.flow, batch.features, flow_chunk, time) / 10
    x = (1 - noise.time) * noise.start + noise.time * batch.chunk
    velocity = actor_output(networks.flow, batch.features, x, noise.time)
    target_critic, critic = networks.target.critic, networks.critic
    next_q = sum(critic_output(target_critic, e, batch.next_features, next_chunk) for e in (0, 1)) / 2
    target = batch.reward + batch.bootstrap * next_q
    terms = {"loss_critic": 0.0, "loss_flow": 0.0, "loss_q": 0.0}
    for e in (0, 1):
        error = critic_output(critic, e, batch.features, batch.chunk) - target
        terms["loss_critic"] += float((error**2 * batch.valid[:, h - 1]).sum()) / (2 * size)
        improved = critic_output(critic, e, batch.features, chunk.clamp(-1, 1))
        terms["loss_q"] -= float(improved.sum()) / (2 * size)
    for i in range(h):
        error = (velocity - (batch.chunk - noise.start))[:, i * dim : (i + 1) * dim]
        terms["loss_flow"] += float((error**2 * batch.valid[:, i : i + 1]).sum()) / (size * h * dim)
    terms["loss_distill"] = float(((chunk - flow_chunk.clamp(-1, 1)) ** 2).mean())
    return terms


def perturbed(case: Case) -> Case:
    """Targets and LayerNorms that differ from their first values, and chunks that reach the bounds."""
    networks, batch, noise = case
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return networks, batch, replace(noise, policy=2 * noise.policy, next=2 * noise.next)


def test_reference_losses_are_the_published_ones(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    case = perturbed(in_float64(REFERENCE, generator))
    loss, metrics = total_loss(*case, REFERENCE)
    terms = published(case, REFERENCE)
    for name, value in terms.items():
        assert float(metrics[name]) == pytest.approx(value, rel=1e-9, abs=1e-12), name
    weighted = terms["loss_critic"] + terms["loss_flow"] + 100 * terms["loss_distill"] + terms["loss_q"]
    assert loss.item() == pytest.approx(weighted, rel=1e-9)


def test_the_reference_takes_the_least_value_when_told(generator: torch.Generator) -> None:
    networks, batch, noise = perturbed(in_float64(REFERENCE, generator))
    config = changed(REFERENCE, q_agg="min")
    _, metrics = critic_loss(networks, batch, noise.next, None, config)
    chunk = networks.actor(batch.next_features, noise.next).clamp(-1, 1)
    values = [critic_output(networks.target.critic, e, batch.next_features, chunk) for e in (0, 1)]
    target = batch.reward + batch.bootstrap * torch.minimum(*values)
    assert metrics["target_mean"].item() == pytest.approx(target.mean().item(), rel=1e-9)


def test_chunks_of_one_action_are_plain_flow_q_learning(generator: torch.Generator) -> None:
    """FQL: (Q(s,a) - r - gamma m Q̄(s',a'))^2, flow matching, distillation and -Q, with nothing masked."""
    config = changed(REFERENCE, chunk_size=1, n_action_steps=1)
    networks, batch, noise = perturbed(in_float64(config, generator))
    features, action = batch.features, batch.chunk
    with torch.no_grad():
        next_action = networks.actor(batch.next_features, noise.next).clamp(-1, 1)
        next_q = networks.target.critic(torch.cat([batch.next_features, next_action], -1)).mean(0)[:, 0]
        goal, x = noise.policy, noise.start + noise.time * (action - noise.start)
        for step in range(10):
            goal = goal + networks.flow.velocity(features, goal, torch.full_like(noise.time, step / 10)) / 10
    critic = F.mse_loss(
        networks.critic(torch.cat([features, action], -1))[..., 0],
        (batch.reward + batch.bootstrap * next_q).expand(2, -1),
    )
    flow = F.mse_loss(networks.flow.velocity(features, x, noise.time), action - noise.start)
    policy = networks.actor(features, noise.policy)
    q = networks.critic(torch.cat([features, policy.clamp(-1, 1)], -1)).mean()
    loss, _ = total_loss(networks, batch, noise, config)
    expected = critic + flow + 100 * F.mse_loss(policy, goal.clamp(-1, 1)) - q
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize("kind", [None, True, "q_vals", "q_vals_plus_eps", "q_preds", "q_preds_plus_eps"])
def test_the_q_loss_is_divided_by_the_size_of_q(
    kind: QNormalization | None, generator: torch.Generator
) -> None:
    networks, batch, noise = perturbed(in_float64(REFERENCE, generator))
    chunk = networks.actor(batch.features, noise.policy).detach().requires_grad_()
    values = networks.critic(torch.cat([batch.features, chunk.clamp(-1, 1)], -1))[..., 0]
    size = {
        None: torch.tensor(1.0),
        True: values.mean(0).abs().mean(),
        "q_vals": values.mean(0).abs().mean(),
        "q_vals_plus_eps": values.mean(0).abs().mean() + 1e-6,
        "q_preds": values.abs().mean(),
        "q_preds_plus_eps": values.abs().mean() + 1e-6,
    }[kind].detach()
    loss, _ = q_loss(networks, batch, chunk, changed(REFERENCE, normalize_q_loss=kind))
    assert loss.item() == pytest.approx((-values.mean() / size).item(), rel=1e-12)
    (gradient,) = torch.autograd.grad(loss, chunk)
    (expected,) = torch.autograd.grad(-values.mean() / size, chunk)
    torch.testing.assert_close(gradient, expected)


def test_each_loss_trains_its_own_networks(generator: torch.Generator) -> None:
    """The critics are constants for the actor, the flow for its pupil, the targets for all."""
    networks, batch, noise = in_float64(REFERENCE, generator)

    def trained(loss: Tensor) -> set[str]:
        names, parameters = zip(*networks.named_parameters(), strict=True)
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        return {name.split(".")[0] for name, g in zip(names, gradients, strict=True) if g is not None}

    chunk = networks.actor(batch.features, noise.policy)
    assert trained(critic_loss(networks, batch, noise.next, None, REFERENCE)[0]) == {"critic"}
    flow = flow_loss(networks.flow, batch.features, batch.chunk, batch.imitate, noise.start, noise.time)
    assert trained(flow[0]) == {"flow"}
    assert trained(distill_loss(networks, batch, chunk, noise.policy, REFERENCE)[0]) == {"actor"}
    chunk = networks.actor(batch.features, noise.policy)
    assert trained(q_loss(networks, batch, chunk, REFERENCE)[0]) == {"actor"}


def test_padded_steps_change_no_imitation(generator: torch.Generator) -> None:
    """hilt's preset: neither the flow nor its pupil is fitted to what never happened."""
    config = small(ACFQLConfig(), chunk_size=5)
    networks, batch, noise = in_float64(config, generator)
    padding = (1 - batch.valid).repeat_interleave(4, dim=1)
    other = replace(batch, chunk=batch.chunk + padding * torch.rand_like(batch.chunk))
    chunk = networks.actor(batch.features, noise.policy)
    moved = (chunk + padding * torch.rand_like(chunk)).detach()
    first, second = (distill_loss(networks, batch, c, noise.policy, config)[0] for c in (chunk, moved))
    assert first.item() == second.item()
    zero_time = torch.zeros_like(noise.time)  # at time 0 the flow's input is the noise alone
    first, second = (
        flow_loss(networks.flow, b.features, b.chunk, b.imitate, noise.start, zero_time)[0]
        for b in (batch, other)
    )
    assert first.item() == pytest.approx(second.item(), rel=1e-12)


def test_incomplete_chunks_train_the_critic_only_where_terminal_chunks_are_kept(
    generator: torch.Generator,
) -> None:
    for keep in (True, False):
        config = small(ACFQLConfig(), chunk_size=5, keep_terminal_chunks=keep)
        networks, batch, noise = in_float64(config, generator)
        cut = batch.valid[:, -1] == 0
        assert 0 < cut.sum() < len(cut)
        far = replace(batch, reward=batch.reward + 10.0 * cut)
        first, second = (critic_loss(networks, b, noise.next, None, config)[0] for b in (batch, far))
        assert (first.item() != second.item()) == keep


def test_targets_are_pessimistic_clipped_and_drawn(generator: torch.Generator) -> None:
    config = small(ACFQLConfig(), chunk_size=3, n_action_steps=3)
    networks, batch, noise = perturbed(in_float64(config, generator))
    chunk = networks.actor(batch.next_features, noise.next).clamp(-1, 1)
    values = networks.target.critic(torch.cat([batch.next_features, chunk], -1))[..., 0]

    def target(
        settings: ACFQLConfig, members: Tensor | None = None, within: tuple[float, float] | None = None
    ) -> float:
        _, metrics = critic_loss(networks, batch, noise.next, members, settings, within)
        return float(metrics["target_mean"])

    pessimistic = batch.reward + batch.bootstrap * (values.mean(0) - 0.5 * values.std(0, correction=0))
    assert target(config) == pytest.approx(pessimistic.mean().item(), rel=1e-9)
    assert target(config, within=(0.0, 0.3)) == pytest.approx(
        pessimistic.clamp(0, 0.3).mean().item(), rel=1e-9
    )
    drawn = batch.reward + batch.bootstrap * torch.minimum(values[2], values[0])
    two = torch.tensor([2, 0])
    assert target(changed(config, q_agg="min"), two) == pytest.approx(drawn.mean().item(), rel=1e-9)


def test_best_of_n_values_by_the_target_what_the_online_critics_choose(generator: torch.Generator) -> None:
    config = changed(REFERENCE, actor_type="best_of_n", num_samples=6)
    networks, batch, noise = perturbed(in_float64(config, generator))
    assert networks.actor is None
    targets = []
    for row in range(len(batch.reward)):
        features = batch.next_features[row].expand(6, -1)
        chunks = networks.flow(features, noise.next[row]).clamp(-1, 1)
        best = networks.critic(torch.cat([features, chunks], -1)).mean(0)[:, 0].argmax()
        value = networks.target.critic(torch.cat([features, chunks], -1))[:, best, 0].mean()
        targets.append(batch.reward[row] + batch.bootstrap[row] * value)
    _, metrics = critic_loss(networks, batch, noise.next, None, config)
    assert float(metrics["target_mean"]) == pytest.approx(torch.stack(targets).mean().item(), rel=1e-9)
    assert "loss_distill" not in actor_loss(networks, batch, noise, config)[1]


def test_a_constant_q_makes_the_policy_the_flow_map(generator: torch.Generator) -> None:
    """Without a slope to climb the one-step actor learns to give the flow's chunk for the same noise."""
    config = changed(REFERENCE, chunk_size=1, n_action_steps=1, actor_hidden_dims=(64, 64), flow_steps=4)
    networks, batch, noise = in_float64(config, generator, size=256)
    nn.init.zeros_(networks.critic[-1].weight)
    parameters = list(networks.actor.parameters())
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        fresh = replace(noise, policy=torch.randn(256, 4, generator=generator, dtype=torch.float64))
        optimizer.zero_grad()
        actor_loss(networks, batch, fresh, config)[0].backward(inputs=parameters)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        flow = networks.flow(batch.features, noise.policy).clamp(-1, 1)
        error = (networks.actor(batch.features, noise.policy) - flow).square().mean().sqrt()
    assert error < 0.1 * flow.std()


def test_the_flow_leaves_what_the_policy_has_outgrown(generator: torch.Generator) -> None:
    config = small(ACFQLConfig(chunk_size=5), flow_data="better")
    networks, batch, noise = perturbed(in_float64(config, generator))
    chunk = actor_output(networks.actor, batch.features, noise.policy)
    critics = range(config.num_critics)
    executed = torch.stack([critic_output(networks.critic, e, batch.features, batch.chunk) for e in critics])
    own = torch.stack(
        [critic_output(networks.critic, e, batch.features, chunk.clamp(-1, 1)) for e in critics]
    )
    better = executed.min(0).values > own.mean(0)
    assert 0 < better.sum() < len(better)
    kept = replace(batch, imitate=batch.imitate * better.unsqueeze(-1))
    expected, _ = actor_loss(networks, kept, noise, changed(config, flow_data="successful"))
    loss, metrics = actor_loss(networks, batch, noise, config)
    torch.testing.assert_close(loss, expected)
    assert metrics["imitated_fraction"] == kept.imitate.mean()
