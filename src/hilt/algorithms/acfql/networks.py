"""Everything that ACFQL learns, and the targets."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.spec import PolicySpec
from hilt.config.learning import NetworkKwargs
from hilt.networks.averaging import copy_of
from hilt.networks.encoders import ObservationEncoder
from hilt.networks.ensemble import EnsembleMLP
from hilt.networks.flow import FlowActor, OneStepActor, xavier_
from hilt.networks.mlp import Norm
from hilt.networks.pretrained import PretrainedEncoder

Role = Literal["critic", "flow", "actor"]


class CriticTarget(nn.Module):
    """Copies that follow slowly, in this order; only ever used without gradient."""

    def __init__(self, encoder: ObservationEncoder, critic: EnsembleMLP) -> None:
        super().__init__()
        self.encoder, self.critic = encoder, critic


class ACFQLNetworks(nn.Module):
    """`actor` is None where the policy is the best of n samples of the flow."""

    def __init__(
        self,
        encoders: dict[Role, ObservationEncoder],
        critic: EnsembleMLP,
        flow: FlowActor,
        actor: OneStepActor | None,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(cast(dict[str, nn.Module], encoders))
        self.critic, self.flow, self.actor = critic, flow, actor
        encoder = encoders["critic"]
        self.target = CriticTarget(*copy_of((encoder, critic), encoder.backbone))

    def encoder(self, role: Role) -> ObservationEncoder:
        """The encoder of `role`: that of the critics, where all share one."""
        return cast(ObservationEncoder, self.encoders[role if role in self.encoders else "critic"])

    @property
    def generator(self) -> FlowActor | OneStepActor:
        """What turns noise into the policy's chunks."""
        return self.flow if self.actor is None else self.actor

    @property
    def generator_encoder(self) -> ObservationEncoder:
        return self.encoder("flow" if self.actor is None else "actor")


def make_networks(
    config: ACFQLConfig, spec: PolicySpec, backbone: PretrainedEncoder | None = None
) -> ACFQLNetworks:
    """Fresh networks, but for a pretrained `backbone`; the targets start as copies."""
    encoders = make_encoders(config, spec, backbone)
    feature_dim, chunk_dim = encoders["critic"].feature_dim, config.chunk_size * spec.schema.action_dim
    critic = EnsembleMLP(
        config.num_critics,
        feature_dim + chunk_dim,
        config.critic_network_kwargs.hidden_dims,
        1,
        activation=config.activation,
        norm=norm(config.critic_network_kwargs),
    )
    xavier_(critic)
    flow = FlowActor(
        feature_dim,
        chunk_dim,
        config.actor_network_kwargs.hidden_dims,
        activation=config.activation,
        norm=norm(config.actor_network_kwargs),
        init_final=config.policy_kwargs.init_final,
        steps=config.flow_steps,
        integrator=config.integrator,
    )
    actor = OneStepActor(
        feature_dim,
        chunk_dim,
        config.actor_network_kwargs.hidden_dims,
        activation=config.activation,
        norm=norm(config.actor_network_kwargs),
        init_final=config.policy_kwargs.init_final,
    )
    return ACFQLNetworks(encoders, critic, flow, actor if config.actor_type == "distilled" else None)


def norm(network: NetworkKwargs) -> Norm:
    """Where ACFQL's networks are normalised."""
    return "after_activation" if network.layer_norm else "none"


def make_encoders(
    config: ACFQLConfig, spec: PolicySpec, backbone: PretrainedEncoder | None
) -> dict[Role, ObservationEncoder]:
    """One for each role that has its own. A frozen backbone is the same in all, a trained one is copied."""
    roles: list[Role] = ["critic"]
    if not config.shared_encoder:
        roles += ["flow", "actor"] if config.actor_type == "distilled" else ["flow"]
    return {role: spec.encoder(config, copy_of(backbone, backbone)) for role in roles}


def q_values(critic: nn.Module, features: Tensor, chunk: Tensor) -> Tensor:
    """Q_e(s, A), (E, B), of features (B, L) and flattened chunks (B, D) in [-1, 1]."""
    values: Tensor = critic(torch.cat([features, chunk], dim=-1))
    return values.squeeze(-1)


def aggregate(values: Tensor, config: ACFQLConfig) -> Tensor:
    """One value (B,) from those of the ensemble (E, B)."""
    if config.q_agg == "min":
        return values.amin(dim=0)
    if config.q_agg == "mean":
        return values.mean(dim=0)
    std, mean = torch.std_mean(values, dim=0, correction=0)
    return mean - config.pessimism * std


def generate(generator: FlowActor | OneStepActor, features: Tensor, noise: Tensor) -> Tensor:
    """Chunks (B, N, D) in [-1, 1] from features (B, L) and noise (B, N, D)."""
    repeated = features.repeat_interleave(noise.shape[1], dim=0)
    chunks: Tensor = generator(repeated, noise.flatten(0, 1))
    return chunks.clamp(-1, 1).view_as(noise)


def choose_best(critic: nn.Module, features: Tensor, chunks: Tensor, config: ACFQLConfig) -> Tensor:
    """Of the chunks (B, N, D) in each state those (B, D) that the critics value most."""
    repeated = features.repeat_interleave(chunks.shape[1], dim=0)
    values = aggregate(q_values(critic, repeated, chunks.flatten(0, 1)), config)
    best = values.view(chunks.shape[:2]).argmax(dim=1)
    return chunks[torch.arange(len(chunks), device=chunks.device), best]
