"""The policy of SAC and of behaviour cloning: a squashed Gaussian, and a gripper that may be discrete."""

from __future__ import annotations

import torch
from torch import Tensor

from hilt.algorithms.base import Policy
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.spec import PolicySpec
from hilt.config.learning import NetworkKwargs
from hilt.data.batch import ObservationBatch
from hilt.networks.actor import GaussianActor
from hilt.networks.mlp import MLP, Norm
from hilt.networks.pretrained import PretrainedEncoder
from hilt.processors.actions import DiscreteScaling


class GaussianPolicy(Policy):
    """Encoder, actor and, with `num_discrete_actions`, a critic whose best value commands the gripper.

    The gripper is the last dimension of the action; the actor has all the others, or all of them. A
    deterministic act is the mode or, if the configuration says so, a draw whose noise is the same each time:
    that of `generator`, if the caller sets it back as an episode begins.
    """

    def __init__(
        self, config: SACConfig, spec: PolicySpec, backbone: PretrainedEncoder | None = None
    ) -> None:
        super().__init__(config, spec, backbone)
        self.encoder = spec.encoder(config, backbone)
        feature_dim, head = self.encoder.feature_dim, config.policy_kwargs
        self.samples = not config.deterministic_policy
        self.discrete_critic: MLP | None = None
        self.gripper: DiscreteScaling | None = None
        self.action_dim = spec.schema.action_dim
        if config.num_discrete_actions is not None:
            self.action_dim -= 1
            self.gripper = DiscreteScaling(
                spec.action_low[-1], spec.action_high[-1], config.num_discrete_actions
            )
            self.discrete_critic = MLP(
                feature_dim,
                config.discrete_critic_network_kwargs.hidden_dims,
                config.num_discrete_actions,
                activation=config.activation,
                norm=norm(config.discrete_critic_network_kwargs),
            )
        self.scaling = spec.scaling(self.action_dim)
        self.actor = GaussianActor(
            feature_dim,
            self.action_dim,
            config.actor_network_kwargs.hidden_dims,
            activation=config.activation,
            norm=norm(config.actor_network_kwargs),
            std_range=(head.std_min, head.std_max),
            init_std=head.init_std,
            init_final=head.init_final,
        )

    @torch.inference_mode()
    def act(
        self,
        observation: ObservationBatch,
        *,
        deterministic: bool,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        features = self.encoder(observation)
        distribution = self.actor(features)
        unit = distribution.mode
        if self.samples or not deterministic:
            if generator is None and deterministic:
                generator = torch.Generator(unit.device).manual_seed(0)
            noise = torch.randn(unit.shape, generator=generator, device=unit.device)
            unit = distribution.sample(noise)
        action = self.scaling.to_env(unit)
        if self.discrete_critic is None or self.gripper is None:
            return action
        command = self.gripper.to_env(self.discrete_critic(features).argmax(-1))
        return torch.cat([action, command.unsqueeze(-1)], dim=-1)

    def split(self, action: Tensor) -> tuple[Tensor, Tensor | None]:
        """Executed actions (B, A) to the actor's part (B, C) in [-1, 1] and the gripper's index (B,)."""
        unit = self.scaling.to_unit(action[:, : self.action_dim])
        return unit, self.gripper.to_index(action[:, -1]) if self.gripper is not None else None


def norm(network: NetworkKwargs) -> Norm:
    """Where SAC's networks are normalised."""
    return "before_activation" if network.layer_norm else "none"
