"""The losses of action-chunked flow Q-learning: pure functions of networks, an encoded batch, explicit noise.

Each returns (loss, metrics). Nothing here draws random numbers or changes a parameter; everything works in
any floating-point precision. Chunks are flattened, (B, D) with D = h * A, in [-1, 1]. After Park et al.,
Flow Q-Learning (2025), and Li et al., Reinforcement Learning with Action Chunking (2025).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.networks import ACFQLNetworks, aggregate, choose_best, generate, q_values
from hilt.algorithms.base import Metrics, Range
from hilt.networks.flow import FlowActor

Loss = tuple[Tensor, Metrics]
_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class EncodedChunks:
    """A batch as the heads see it. With one encoder for all, the features of an observation are the same."""

    features: Tensor
    """(B, L) of the observation, for the critics; carries the gradient of their encoder."""
    flow_features: Tensor
    """(B, L) for the flow; carries the gradient of its encoder."""
    actor_features: Tensor
    """(B, L) for the one-step actor; constant where the encoder is shared."""
    next_features: Tensor
    """(B, L) of the next observation, by the target encoder; constant."""
    next_actor_features: Tensor
    """(B, L) of the next observation, for the policy that acts there; constant."""
    chunk: Tensor
    """(B, D) executed."""
    reward: Tensor
    """(B,) discounted sum over the steps that the chunk spans."""
    bootstrap: Tensor
    """(B,) factor of the next value."""
    valid: Tensor
    """(B, h): 1 for the steps of the chunk that happened, 0 for padding."""
    imitate: Tensor
    """(B, h): 1 for the steps that the flow imitates, else 0."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The randomness of one update. Normal, but for `time`, which is uniform in [0, 1)."""

    next: Tensor
    """z' of the target's chunks: (B, D), or with best_of_n (B, N, D)."""
    members: Tensor | None
    """(K,) int64, the target critics that count; None: all."""
    start: Tensor
    """x0, (B, D): where the flow begins."""
    time: Tensor
    """tau, (B, 1): how far it has come."""
    policy: Tensor
    """z, (B, D), of the one-step actor and its teacher."""


@torch.no_grad()
def critic_target(
    networks: ACFQLNetworks,
    batch: EncodedChunks,
    noise: Tensor,
    members: Tensor | None,
    config: ACFQLConfig,
    target_range: Range | None = None,
) -> Tensor:
    """y = R + bootstrap * agg_e Q̄_e(s', A'), (B,); A' is the policy's chunk for `noise`."""
    chunk = next_chunk(networks, batch, noise, config)
    critic: nn.Module = networks.target.critic
    inputs = torch.cat([batch.next_features, chunk], dim=-1)
    if members is None:
        values = critic(inputs)
    else:
        chosen = {name: parameter[members] for name, parameter in critic.named_parameters()}
        values = functional_call(critic, chosen, inputs)
    target = batch.reward + batch.bootstrap * aggregate(values.squeeze(-1), config)
    return target if target_range is None else target.clamp(*target_range)


def next_chunk(networks: ACFQLNetworks, batch: EncodedChunks, noise: Tensor, config: ACFQLConfig) -> Tensor:
    """A' (B, D): one sample of the one-step actor, or the best by the online critics of n of the flow."""
    if networks.actor is not None:
        chunk: Tensor = networks.actor(batch.next_actor_features, noise)
        return chunk.clamp(-1, 1)
    chunks = generate(networks.flow, batch.next_actor_features, noise)
    return choose_best(networks.critic, batch.next_features, chunks, config)


def critic_loss(
    networks: ACFQLNetworks,
    batch: EncodedChunks,
    noise: Tensor,
    members: Tensor | None,
    config: ACFQLConfig,
    target_range: Range | None = None,
) -> Loss:
    """L_Q = mean_{e,b} (Q_e(s, A) - y)^2, of complete chunks only unless terminal ones are kept.

    Trains the critics and their encoder.
    """
    target = critic_target(networks, batch, noise, members, config, target_range)
    values = q_values(networks.critic, batch.features, batch.chunk)
    errors = (values - target).square()
    loss = errors.mean() if config.keep_terminal_chunks else (errors * batch.valid[:, -1]).mean()
    return loss, {
        "loss_critic": loss.detach(),
        "q_mean": values.detach().mean(),
        "target_mean": target.mean(),
    }


def flow_loss(
    flow: FlowActor, features: Tensor, chunk: Tensor, imitate: Tensor, start: Tensor, time: Tensor
) -> Loss:
    """L_BC = mean_{b,i,a} (v(s, (1 - tau) x0 + tau A, tau) - (A - x0))^2 imitate_i.

    `features` (B, L), `chunk` A and `start` x0 (B, D), `imitate` (B, h), `time` tau (B, 1). The divisor is
    B * D, whatever is left out. Trains the flow and its encoder.
    """
    velocity = flow.velocity(features, (1 - time) * start + time * chunk, time)
    errors = (velocity - (chunk - start)).square()
    loss = per_step_mean(errors, imitate)
    return loss, {"loss_flow": loss.detach()}


def distill_loss(
    networks: ACFQLNetworks, batch: EncodedChunks, chunk: Tensor, noise: Tensor, config: ACFQLConfig
) -> Loss:
    """L_dist = mean (mu(s, z) - clip(ODE(v; z), -1, 1))^2; `chunk` (B, D) is mu(s, z), `noise` the same z.

    The flow is the teacher and gets no gradient. With terminal chunks kept, padded steps do not count.
    """
    with torch.no_grad():
        teacher = networks.flow(batch.flow_features, noise).clamp(-1, 1)
    errors = (chunk - teacher).square()
    loss = per_step_mean(errors, batch.valid) if config.keep_terminal_chunks else errors.mean()
    return loss, {"loss_distill": loss.detach()}


def q_loss(networks: ACFQLNetworks, batch: EncodedChunks, chunk: Tensor, config: ACFQLConfig) -> Loss:
    """L_pi = - mean_{e,b} Q_e(s, clip(mu(s, z), -1, 1)); `chunk` (B, D) is mu(s, z), critics constant.

    With `normalize_q_loss` it is divided by the mean size of the ensemble's means (`q_vals`) or of all
    values (`q_preds`), plus 1e-6 in the variants `plus_eps`.
    """
    constants = {name: parameter.detach() for name, parameter in networks.critic.named_parameters()}
    inputs = torch.cat([batch.features.detach(), chunk.clamp(-1, 1)], dim=-1)
    values = functional_call(networks.critic, constants, inputs).squeeze(-1)
    loss = -values.mean()
    kind = config.normalize_q_loss
    if kind is not None:
        sizes = values if kind in ("q_preds", "q_preds_plus_eps") else values.mean(0)
        eps = _EPS if kind in ("q_vals_plus_eps", "q_preds_plus_eps") else 0.0
        loss = loss / (sizes.detach().abs().mean() + eps)
    return loss, {"loss_q": loss.detach()}


def actor_loss(networks: ACFQLNetworks, batch: EncodedChunks, noise: Noise, config: ACFQLConfig) -> Loss:
    """L_BC + alpha * L_dist + L_pi; L_BC alone without a one-step actor."""
    chunk = None if networks.actor is None else networks.actor(batch.actor_features, noise.policy)
    imitate = batch.imitate
    if config.flow_data == "better" and chunk is not None:
        imitate = imitate * better_than_policy(networks.critic, batch, chunk).unsqueeze(-1)
    loss, metrics = flow_loss(
        networks.flow, batch.flow_features, batch.chunk, imitate, noise.start, noise.time
    )
    metrics |= {"imitated_fraction": imitate.mean()}
    if chunk is not None:
        distill, distill_metrics = distill_loss(networks, batch, chunk, noise.policy, config)
        improve, q_metrics = q_loss(networks, batch, chunk, config)
        loss = loss + config.alpha * distill + improve
        metrics |= distill_metrics | q_metrics
    return loss, metrics | {"loss_actor": loss.detach()}


@torch.no_grad()
def better_than_policy(critic: nn.Module, batch: EncodedChunks, chunk: Tensor) -> Tensor:
    """(B,) bool: min_e Q_e(s, A) > mean_e Q_e(s, clip(mu(s, z), -1, 1)); `chunk` (B, D) is mu(s, z)."""
    executed = q_values(critic, batch.features, batch.chunk).amin(0)
    return executed > q_values(critic, batch.features, chunk.clamp(-1, 1)).mean(0)


def total_loss(
    networks: ACFQLNetworks,
    batch: EncodedChunks,
    noise: Noise,
    config: ACFQLConfig,
    target_range: Range | None = None,
) -> Loss:
    """L_Q + L_BC + alpha * L_dist + L_pi."""
    critic, critic_metrics = critic_loss(networks, batch, noise.next, noise.members, config, target_range)
    actor, actor_metrics = actor_loss(networks, batch, noise, config)
    return critic + actor, critic_metrics | actor_metrics


def per_step_mean(errors: Tensor, weight: Tensor) -> Tensor:
    """Mean of the `errors` (B, D) of chunks, each step's times its `weight` (B, h)."""
    return (errors.view(*weight.shape, -1) * weight.unsqueeze(-1)).mean()
