"""The losses of soft actor-critic: pure functions of networks, an encoded batch and explicit noise.

Each returns (loss, metrics). Nothing here draws random numbers or changes a parameter; everything works in
any floating-point precision. Actions are in (-1, 1). After Haarnoja et al. (2018), with the changes of
RLPD (Ball et al., 2023) and HIL-SERL (Luo et al., 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from hilt.algorithms.base import Metrics, Range
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.lagrangian import (
    Constraint,
    bounds,
    constrained_loss,
    distances,
    multiplier_loss,
    person_loss,
)
from hilt.algorithms.sac.policy import GaussianPolicy
from hilt.networks.distributions import SquashedGaussian
from hilt.networks.ensemble import EnsembleMLP

Loss = tuple[Tensor, Metrics]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch as the heads see it: every observation encoded exactly once."""

    features: Tensor
    """(B, L) of the observation, by the online encoder; carries its gradient."""
    next_features: Tensor
    """(B, L) of the next observation, by the target encoder; constant."""
    action: Tensor
    """(B, C) executed, in [-1, 1]."""
    gripper: Tensor | None
    """(B,) int64, index of the executed gripper command, if it is discrete."""
    reward: Tensor
    """(B,) over the steps that the sample spans."""
    bootstrap: Tensor
    """(B,) factor of the next value."""
    discrete_penalty: Tensor
    """(B,) at most 0."""
    imitate: Tensor
    """(B,) bool: a human, or their stand-in, chose the action."""


class SACNetworks(nn.Module):
    """Everything that SAC learns, and the targets."""

    def __init__(
        self,
        policy: GaussianPolicy,
        critic: EnsembleMLP,
        target: SACTarget,
        temperature_init: float,
        constraint: Constraint | None = None,
    ) -> None:
        super().__init__()
        self.policy, self.critic, self.target = policy, critic, target
        self.constraint = constraint
        self.log_temperature = nn.Parameter(torch.tensor(temperature_init).log())

    @property
    def temperature(self) -> Tensor:
        return self.log_temperature.exp()


class SACTarget(nn.Module):
    """Copies that follow slowly, in this order, the encoder's included; only ever used without gradient."""

    def __init__(self, encoder: nn.Module, critic: EnsembleMLP, discrete_critic: nn.Module | None) -> None:
        super().__init__()
        self.encoder, self.critic, self.discrete_critic = encoder, critic, discrete_critic


def q_values(critic: nn.Module, features: Tensor, action: Tensor) -> Tensor:
    """Q_e(s, a), (E, B)."""
    values: Tensor = critic(torch.cat([features, action], dim=-1))
    return values.squeeze(-1)


def reduce_ensemble(values: Tensor, config: SACConfig) -> Tensor:
    """One pessimistic value (B,) from those of the ensemble (E, B)."""
    if config.critic_target_reduction == "min":
        return values.amin(dim=0)
    std, mean = torch.std_mean(values, dim=0, correction=0)
    return mean - config.pessimism * std


@torch.no_grad()
def critic_target(
    networks: SACNetworks,
    batch: Encoded,
    noise: Tensor,
    members: Tensor | None,
    config: SACConfig,
    target_range: Range | None = None,
) -> Tensor:
    """y = R + bootstrap * (agg_e Q̄_e(s', a') [- alpha log pi(a'|s')]), (B,); a' ~ pi(s') by `noise` (B, C).

    `members` (K,) int64 are the target critics that count; None: all.
    """
    next_action, log_prob = networks.policy.actor(batch.next_features).sample_with_log_prob(noise)
    critic: nn.Module = networks.target.critic
    inputs = torch.cat([batch.next_features, next_action], dim=-1)
    if members is None:
        values = critic(inputs)
    else:
        chosen = {name: parameter[members] for name, parameter in critic.named_parameters()}
        values = functional_call(critic, chosen, inputs)
    value = reduce_ensemble(values.squeeze(-1), config)
    if config.use_backup_entropy:
        value = value - networks.temperature * log_prob
    target = batch.reward + batch.bootstrap * value
    return target if target_range is None else target.clamp(*target_range)


def critic_loss(
    networks: SACNetworks,
    batch: Encoded,
    noise: Tensor,
    members: Tensor | None,
    config: SACConfig,
    target_range: Range | None = None,
) -> Loss:
    """mean_{e,b} (Q_e(s, a) - y)^2. Trains the critics and the encoder."""
    target = critic_target(networks, batch, noise, members, config, target_range)
    values = q_values(networks.critic, batch.features, batch.action)
    loss = F.mse_loss(values, target.expand_as(values))
    return loss, {
        "loss_critic": loss.detach(),
        "q_mean": values.detach().mean(),
        "target_mean": target.mean(),
    }


def discrete_critic_loss(
    networks: SACNetworks, batch: Encoded, target_range: tuple[float, float] | None = None
) -> Loss:
    """Double DQN on the gripper: mean_b (Q(s)[g] - (R + penalty + bootstrap * Q̄(s')[argmax Q(s')]))^2.

    Targets are clipped to `target_range`, if there is one.
    """
    online, target_critic = networks.policy.discrete_critic, networks.target.discrete_critic
    if online is None or target_critic is None or batch.gripper is None:
        raise ValueError(
            "discrete_critic_loss: the policy has no discrete critic (num_discrete_actions is null)"
        )
    with torch.no_grad():
        best = online(batch.next_features).argmax(-1, keepdim=True)
        next_value = target_critic(batch.next_features).gather(-1, best).squeeze(-1)
        target = batch.reward + batch.discrete_penalty + batch.bootstrap * next_value
        target = target if target_range is None else target.clamp(*target_range)
    value = online(batch.features).gather(-1, batch.gripper.unsqueeze(-1)).squeeze(-1)
    loss = F.mse_loss(value, target)
    return loss, {"loss_discrete_critic": loss.detach()}


def actor_loss(
    networks: SACNetworks, batch: Encoded, noise: Tensor, bc_weight: float, config: SACConfig
) -> Loss:
    """mean_b (alpha log pi(a|s) - mean_e Q_e(s, a)), a ~ pi(s) by `noise` (B, C), plus Q-filtered imitation,
    or constrained by `hilt.algorithms.sac.lagrangian`.

    Trains the actor: features are constants here, and the critics too where only the actor is minimised.
    """
    features = batch.features.detach()
    distribution = networks.policy.actor(features)
    action, log_prob = distribution.sample_with_log_prob(noise)
    value = q_values(networks.critic, features, action).mean(0)
    objective = networks.temperature.detach() * log_prob - value
    metrics = {"entropy": -log_prob.detach().mean()}
    if networks.constraint is not None:
        distance = distances(distribution.mode, networks.constraint.person(features))
        multiplier = bc_weight * networks.constraint.multipliers(features) * batch.imitate
        loss = constrained_loss(objective, distance, multiplier)
        return loss, metrics | {"loss_actor": loss.detach(), "multiplier": multiplier.detach().mean()}
    loss = objective.mean()
    if bc_weight > 0:
        imitate = batch.imitate
        if config.bc_filter:
            imitate = imitate & better_than_policy(networks.critic, features, batch.action, value.detach())
        imitation = imitation_loss(distribution, batch.action, imitate, config)
        loss = loss + bc_weight * imitation
        metrics |= {"loss_bc": imitation.detach(), "bc_fraction": imitate.float().mean()}
    return loss, metrics | {"loss_actor": loss.detach()}


def constraint_loss(
    constraint: Constraint, policy: GaussianPolicy, batch: Encoded, config: SACConfig
) -> tuple[Tensor, Tensor]:
    """Of the model of the person, and of the multipliers (`hilt.algorithms.sac.lagrangian`)."""
    features = batch.features.detach()
    person = constraint.person(features)
    distance = distances(policy.actor(features).mode, person)
    bound = bounds(person, config.imitation_tolerance)
    multiplier = constraint.multipliers(features)
    return (
        person_loss(person, batch.action, batch.imitate),
        multiplier_loss(multiplier, distance, bound, batch.imitate),
    )


@torch.no_grad()
def better_than_policy(critic: nn.Module, features: Tensor, action: Tensor, value: Tensor) -> Tensor:
    """(B,) bool: min_e Q_e(s, `action`) > `value` (B,), the mean value of the policy's own action."""
    return q_values(critic, features, action).amin(0) > value


def imitation_loss(
    distribution: SquashedGaussian, action: Tensor, imitate: Tensor, config: SACConfig
) -> Tensor:
    """Mean error of the policy against `action` (B, C) over the samples to `imitate` (B,) bool, if any."""
    if config.bc_loss == "squared_error":
        error = (distribution.mode - action).square().sum(-1)
    else:
        error = -distribution.log_prob(action)
    return (error * imitate).sum() / imitate.sum().clamp(min=1)


def margin_loss(values: Tensor, chosen: Tensor, imitate: Tensor, margin: float = 0.1) -> Tensor:
    """max_g (Q(s)[g] + margin [g != g_human]) - Q(s)[g_human], where `imitate` (B,) bool: the human's gripper
    command (B,) is to look best by a margin (Hester et al., Deep Q-learning from Demonstrations, 2018).

    `values` (B, G) are the discrete critic's.
    """
    best = values.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    others = (values + margin).scatter(-1, chosen.unsqueeze(-1), best.unsqueeze(-1))
    return ((others.amax(-1) - best) * imitate).sum() / imitate.sum().clamp(min=1)


def temperature_loss(log_temperature: Tensor, entropy: Tensor, target_entropy: float) -> Loss:
    """alpha * (entropy - target_entropy): alpha falls while the policy is more random than it should be."""
    loss = log_temperature.exp() * (entropy - target_entropy)
    return loss, {"loss_temperature": loss.detach(), "temperature": log_temperature.detach().exp()}
