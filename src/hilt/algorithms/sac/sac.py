"""Soft actor-critic with demonstrations and interventions, as in RLPD and HIL-SERL."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hilt.algorithms.base import Algorithm, Metrics, Range, Sampler
from hilt.algorithms.optimizer import Optimizer, Target, minimize, trainable
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.lagrangian import Constraint, person_loss
from hilt.algorithms.sac.losses import (
    Encoded,
    SACNetworks,
    SACTarget,
    actor_loss,
    constraint_loss,
    critic_loss,
    discrete_critic_loss,
    imitation_loss,
    margin_loss,
    temperature_loss,
)
from hilt.algorithms.sac.policy import GaussianPolicy, norm
from hilt.algorithms.spec import PolicySpec
from hilt.data.batch import Batch
from hilt.networks.actor import GaussianActor
from hilt.networks.averaging import Acting, copy_of
from hilt.networks.ensemble import EnsembleMLP
from hilt.networks.mlp import MLP
from hilt.networks.pretrained import PretrainedEncoder

_SPREAD = (0.03, 1.0)
"""Least and greatest standard deviation of the model of the person, of actions in [-1, 1]."""


class SAC(Algorithm):
    """One call of `update` is one optimisation step: `utd_ratio` critic updates, then the actor's."""

    config_class = SACConfig

    def __init__(
        self,
        config: SACConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        target_range: Range | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.target_range = config, target_range
        self.generator = torch.Generator(device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.networks = make_networks(config, spec, backbone).to(device)
        learned = self.networks.policy
        self._acting = Acting(learned, learned.encoder.backbone, config.policy_average_weight)
        self.policy: GaussianPolicy = self._acting.policy
        self.modules = {"networks": self.networks, **self._acting.modules}
        self.optimizers = self._make_optimizers()
        self._target = Target(trainable(self.networks.target), self.optimizers["critic"])
        self.target_entropy = (
            config.target_entropy if config.target_entropy is not None else -spec.schema.action_dim / 2
        )

    @staticmethod
    def make_policy(
        settings: SACConfig, spec: PolicySpec, backbone: PretrainedEncoder | None
    ) -> GaussianPolicy:
        return GaussianPolicy(settings, spec, backbone)

    def _make_optimizers(self) -> dict[str, Optimizer]:
        """The encoder belongs to the critics' optimiser alone."""
        config, networks, policy = self.settings, self.networks, self.networks.policy
        critic = trainable(policy.encoder, networks.critic, policy.discrete_critic)
        clip, constraint = config.grad_clip_norm, networks.constraint
        optimizers = {
            "critic": Optimizer(critic, config.critic_lr, clip),
            "actor": Optimizer(policy.actor.parameters(), config.actor_lr, clip),
            "temperature": Optimizer([networks.log_temperature], config.temperature_lr, clip),
        }
        if constraint is not None:
            optimizers["person"] = Optimizer(constraint.human.parameters(), config.actor_lr, clip)
            optimizers["multiplier"] = Optimizer(
                constraint.multiplier.parameters(), config.multiplier_lr, clip
            )
        return optimizers

    def update(self, sample: Sampler) -> Metrics:
        step = self.updates - self.settings.pretrain_updates
        self.updates += 1
        metrics = self._pretrain(sample()) if step < 0 else self._learn(sample, step)
        self._acting.follow(imitating=step < 0)
        return metrics

    def _learn(self, sample: Sampler, step: int) -> Metrics:
        bc_weight = self._bc_weight(step)
        for _ in range(self.settings.utd_ratio - 1):
            self._update_critics(self._encode(sample()), bc_weight)
        batch = self._encode(sample())
        metrics = self._update_critics(batch, bc_weight)
        if step >= self.settings.critic_warmup_updates and step % self.settings.policy_update_freq == 0:
            metrics |= self._update_actor(batch, bc_weight)
        return metrics

    def _bc_weight(self, step: int) -> float:
        fade = self.settings.bc_fade_updates
        return self.settings.bc_weight * (1.0 if fade is None else max(0.0, 1.0 - step / fade))

    def _encode(self, batch: Batch) -> Encoded:
        """Every picture goes through an encoder once: s through the online one, s' through the target."""
        size, policy = len(batch.reward), self.networks.policy
        encoder = policy.encoder
        noise, next_noise = (encoder.draw_noise(size, self.generator) for _ in range(2))
        with torch.no_grad():
            next_features = self.networks.target.encoder(batch.next_observation, next_noise)
        action, gripper = policy.split(batch.action)
        return Encoded(
            features=encoder(batch.observation, noise),
            next_features=next_features,
            action=action,
            gripper=gripper,
            reward=batch.reward,
            bootstrap=batch.bootstrap,
            discrete_penalty=batch.discrete_penalty,
            imitate=batch.is_intervention | batch.is_demonstration,
        )

    @property
    def _discrete_range(self) -> Range | None:
        """Of targets that hold the gripper's penalty, too, which only lowers them."""
        return None if self.target_range is None else (-math.inf, self.target_range[1])

    def _value_loss(self, batch: Encoded) -> tuple[Tensor, Metrics]:
        loss, metrics = critic_loss(
            self.networks,
            batch,
            self._noise(batch.action),
            self._members(),
            self.settings,
            self.target_range,
        )
        if self.networks.policy.discrete_critic is not None:
            discrete_loss, discrete_metrics = discrete_critic_loss(self.networks, batch, self._discrete_range)
            loss, metrics = loss + discrete_loss, metrics | discrete_metrics
        return loss, metrics

    def _update_critics(self, batch: Encoded, bc_weight: float) -> Metrics:
        loss, metrics = self._value_loss(batch)
        if self.settings.bc_trains_encoder and bc_weight > 0:
            imitated = self.networks.policy.actor(batch.features)
            loss = loss + bc_weight * imitation_loss(imitated, batch.action, batch.imitate, self.settings)
        (norm,) = minimize(loss, self.optimizers["critic"])
        self._target.follow(self.settings.critic_target_update_weight)
        return metrics | {"critic_grad_norm": norm}

    def _update_constraint(self, batch: Encoded) -> None:
        """One step of the model of the person, and of the multipliers up their objective."""
        networks = self.networks
        if networks.constraint is None:
            return
        person, multiplier = constraint_loss(networks.constraint, networks.policy, batch, self.settings)
        minimize(person, self.optimizers["person"])
        minimize(multiplier, self.optimizers["multiplier"])

    def _update_actor(self, batch: Encoded, bc_weight: float) -> Metrics:
        self._update_constraint(batch)
        loss, metrics = actor_loss(self.networks, batch, self._noise(batch.action), bc_weight, self.settings)
        (norm,) = minimize(loss, self.optimizers["actor"])
        loss, temperature_metrics = temperature_loss(
            self.networks.log_temperature, metrics["entropy"], self.target_entropy
        )
        (temperature_norm,) = minimize(loss, self.optimizers["temperature"])
        norms = {"actor_grad_norm": norm, "temperature_grad_norm": temperature_norm}
        return metrics | temperature_metrics | norms

    def _pretrain(self, batch: Batch) -> Metrics:
        """Imitation alone trains encoder, actor and gripper: many cheap steps before the first action."""
        policy = self.networks.policy
        noise = policy.encoder.draw_noise(len(batch.reward), self.generator)
        features = policy.encoder(batch.observation, noise)
        action, gripper = policy.split(batch.action)
        imitate = batch.is_intervention | batch.is_demonstration
        imitation = imitation_loss(policy.actor(features), action, imitate, self.settings)
        if policy.discrete_critic is not None and gripper is not None:
            imitation = imitation + margin_loss(policy.discrete_critic(features), gripper, imitate)
        norms = minimize(imitation, self.optimizers["critic"], self.optimizers["actor"])
        if self.networks.constraint is not None:
            person = self.networks.constraint.person(features.detach())
            minimize(person_loss(person, action, imitate), self.optimizers["person"])
        self._target.follow(self.settings.critic_target_update_weight)
        return {"loss_bc": imitation.detach(), "actor_grad_norm": norms[1]}

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator, device=like.device)

    def _members(self) -> Tensor | None:
        """Which target critics count in this update."""
        count = self.settings.num_subsample_critics
        if count is None:
            return None
        device = self.generator.device
        return torch.randperm(self.settings.num_critics, generator=self.generator, device=device)[:count]


def make_networks(
    config: SACConfig, spec: PolicySpec, backbone: PretrainedEncoder | None = None
) -> SACNetworks:
    """Fresh networks; the targets start as copies, a frozen pretrained encoder is shared."""
    policy = GaussianPolicy(config, spec, backbone)
    critic = EnsembleMLP(
        config.num_critics,
        policy.encoder.feature_dim + policy.action_dim,
        config.critic_network_kwargs.hidden_dims,
        1,
        activation=config.activation,
        norm=norm(config.critic_network_kwargs),
    )
    copies = copy_of((policy.encoder, critic, policy.discrete_critic), backbone)
    constraint = make_constraint(config, policy) if config.imitation == "lagrangian" else None
    return SACNetworks(policy, critic, SACTarget(*copies), config.temperature_init, constraint)


def make_constraint(config: SACConfig, policy: GaussianPolicy) -> Constraint:
    """The networks of `hilt.algorithms.sac.lagrangian`, of the actor's size."""
    feature_dim, network = policy.encoder.feature_dim, config.actor_network_kwargs
    human = GaussianActor(
        feature_dim,
        policy.action_dim,
        network.hidden_dims,
        activation=config.activation,
        norm=norm(network),
        std_range=_SPREAD,
        init_std=0.3,
        init_final=config.policy_kwargs.init_final,
    )
    multiplier = MLP(feature_dim, network.hidden_dims, 1, activation=config.activation, norm=norm(network))
    return Constraint(human, multiplier)
