"""Action-chunked flow Q-learning (QC-FQL)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.losses import (
    EncodedChunks,
    Noise,
    critic_loss,
    distill_loss,
    flow_loss,
    total_loss,
)
from hilt.algorithms.acfql.networks import make_networks
from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.base import Algorithm, Metrics, Range, Sampler
from hilt.algorithms.optimizer import Optimizer, Target, minimize, trainable
from hilt.algorithms.spec import PolicySpec
from hilt.data.batch import Batch
from hilt.networks.averaging import Acting
from hilt.networks.encoders import EncoderNoise
from hilt.networks.pretrained import PretrainedEncoder

_DRAWS = 4
"""Noise and time are drawn so often for each chunk while imitation alone learns: the encoder has the work."""


class ACFQL(Algorithm):
    """One call of `update` is one optimisation step: `utd_ratio` critic updates, the last with the actors'.
    The first `pretrain_updates` are imitation alone, the next `offline_steps` have an `alpha` of their own.

    Critics and actors have an optimiser each. Where the learning rates are equal and gradients are not
    clipped this is the same as one Adam over everything, since Adam treats every number by itself.
    """

    config_class = ACFQLConfig

    def __init__(
        self,
        config: ACFQLConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        target_range: Range | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.target_range = config, target_range
        alpha = config.alpha if config.offline_alpha is None else config.offline_alpha
        kept = "successful" if config.flow_data == "better" else config.flow_data
        self._offline_settings = config.model_copy(update={"alpha": alpha, "flow_data": kept})
        self.generator = torch.Generator(device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.networks = make_networks(config, spec, backbone).to(device)
        learned = ChunkPolicy(config, spec, self.networks).to(device)
        self._acting = Acting(learned, learned.encoder.backbone, config.policy_average_weight)
        self.policy: ChunkPolicy = self._acting.policy
        self.modules = {"networks": self.networks, **self._acting.modules}
        self.optimizers = self._make_optimizers()
        self._target = Target(trainable(self.networks.target), self.optimizers["critic"])

    @staticmethod
    def make_policy(
        settings: ACFQLConfig, spec: PolicySpec, backbone: PretrainedEncoder | None
    ) -> ChunkPolicy:
        return ChunkPolicy(settings, spec, make_networks(settings, spec, backbone))

    def _make_optimizers(self) -> dict[str, Optimizer]:
        config, networks = self.settings, self.networks
        critic = trainable(networks.encoder("critic"), networks.critic)
        known = {id(parameter) for parameter in critic}
        learned = trainable(networks.encoders, networks.flow, networks.actor)
        actor = [parameter for parameter in learned if id(parameter) not in known]
        return {
            "critic": Optimizer(critic, config.critic_lr, config.grad_clip_norm),
            "actor": Optimizer(actor, config.actor_lr, config.grad_clip_norm),
        }

    def update(self, sample: Sampler) -> Metrics:
        settings, step = self.settings, self.updates - self.settings.pretrain_updates
        self.updates += 1
        if step < 0:
            metrics = self._pretrain(sample())
        else:
            offline = step < settings.offline_steps
            metrics = self._learn(sample, self._offline_settings if offline else settings)
        self._acting.follow(imitating=step < 0)
        return metrics

    def _learn(self, sample: Sampler, settings: ACFQLConfig) -> Metrics:
        for _ in range(settings.utd_ratio - 1):
            self._update_critics(sample())
        if self.updates % settings.policy_update_freq:
            return self._update_critics(sample())
        return self._update_all(sample(), settings)

    def _pretrain(self, batch: Batch) -> Metrics:
        """Imitation alone: the flow learns, from several draws for each chunk, and the actor follows it."""
        encoded = self.encode(batch, imitation_only=True)
        noise = self.draw_noise(encoded.chunk)
        loss, metrics = self._imitation(encoded)
        if self.networks.actor is not None:
            chunk = self.networks.actor(encoded.actor_features, noise.policy)
            distill, distill_metrics = distill_loss(
                self.networks, encoded, chunk, noise.policy, self.settings
            )
            loss, metrics = loss + self.settings.alpha * distill, metrics | distill_metrics
        norms = minimize(loss, self.optimizers["critic"], self.optimizers["actor"])
        self._follow()
        return metrics | {"actor_grad_norm": norms[1]}

    def _imitation(self, encoded: EncodedChunks) -> tuple[Tensor, Metrics]:
        features, chunk, imitate = (
            tensor.repeat_interleave(_DRAWS, dim=0)
            for tensor in (encoded.flow_features, encoded.chunk, encoded.imitate)
        )
        return flow_loss(self.networks.flow, features, chunk, imitate, *flow_noise(chunk, self.generator))

    def _update_critics(self, batch: Batch) -> Metrics:
        encoded = self.encode(batch, critics_only=True)
        noise = self.draw_noise(encoded.chunk)
        loss, metrics = critic_loss(
            self.networks, encoded, noise.next, noise.members, self.settings, self.target_range
        )
        self._follow()
        (norm,) = minimize(loss, self.optimizers["critic"])
        return metrics | {"critic_grad_norm": norm}

    def _update_all(self, batch: Batch, settings: ACFQLConfig) -> Metrics:
        encoded = self.encode(batch)
        noise = self.draw_noise(encoded.chunk)
        loss, metrics = total_loss(self.networks, encoded, noise, settings, self.target_range)
        self._follow()
        norm, actor_norm = minimize(loss, self.optimizers["critic"], self.optimizers["actor"])
        return metrics | {"critic_grad_norm": norm, "actor_grad_norm": actor_norm}

    def _follow(self) -> None:
        """As published, the targets move towards the critics before these take their step."""
        self._target.follow(self.settings.critic_target_update_weight)

    def encode(
        self, batch: Batch, *, critics_only: bool = False, imitation_only: bool = False
    ) -> EncodedChunks:
        """Each encoder sees each picture once, and all of them the same random shift of it.

        With `critics_only` the flow's and the actor's features, which nothing uses, are the critics'; with
        `imitation_only` those of the next observation are those of the observation.
        """
        networks, size = self.networks, len(batch.reward)
        critic_encoder = networks.encoder("critic")
        shift, next_shift = (critic_encoder.draw_noise(size, self.generator) for _ in range(2))
        features = flow_features = critic_encoder(batch.observation, shift)
        actor_features = features.detach()
        next_features = next_actor_features = actor_features
        if not imitation_only:
            next_features, next_actor_features = self._encode_next(batch, next_shift)
        if not self.settings.shared_encoder and not critics_only:
            flow_features = networks.encoder("flow")(batch.observation, shift)
            actor_features = networks.generator_encoder(batch.observation, shift)
        return EncodedChunks(
            features=features,
            flow_features=flow_features,
            actor_features=actor_features,
            next_features=next_features,
            next_actor_features=next_actor_features,
            chunk=self._executed(batch),
            reward=batch.reward,
            bootstrap=batch.bootstrap,
            valid=batch.valid,
            imitate=to_imitate(batch, self.settings),
        )

    @torch.no_grad()
    def _encode_next(self, batch: Batch, shift: EncoderNoise | None) -> tuple[Tensor, Tensor]:
        """For the critics and for the policy that acts there."""
        networks = self.networks
        features = actor_features = networks.target.encoder(batch.next_observation, shift)
        if not self.settings.shared_encoder:
            actor_features = networks.generator_encoder(batch.next_observation, shift)
        return features, actor_features

    def _executed(self, batch: Batch) -> Tensor:
        """Chunks (B, D) in [-1, 1]. What would be done after the end changes nothing: random padding teaches
        that to the critics, or else the policy would be drawn to their errors about such actions."""
        chunk = self.policy.scaling.to_unit(batch.action)
        if self.settings.keep_terminal_chunks:
            random = 2 * torch.rand(chunk.shape, generator=self.generator, device=chunk.device) - 1
            chunk = torch.where(batch.valid.bool().unsqueeze(-1), chunk, random)
        return chunk.flatten(1)

    def draw_noise(self, like: Tensor) -> Noise:
        """For chunks of the shape and device of `like` (B, D)."""
        size, config = len(like), self.settings
        many = (size, config.num_samples, like.shape[1])
        draw = partial(torch.randn, generator=self.generator, device=like.device)
        following = draw(many if config.actor_type == "best_of_n" else like.shape)
        members = self._members()
        start, time = flow_noise(like, self.generator)
        return Noise(following, members, start, time, policy=draw(like.shape))

    def _members(self) -> Tensor | None:
        """Which target critics count in this update."""
        count = self.settings.num_subsample_critics
        if count is None:
            return None
        device = self.generator.device
        return torch.randperm(self.settings.num_critics, generator=self.generator, device=device)[:count]


def flow_noise(like: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where the flow begins, (B, D), and how far it has come, (B, 1), for chunks of the shape of `like`."""
    start = torch.randn(like.shape, generator=generator, device=like.device)
    return start, torch.rand(len(like), 1, generator=generator, device=like.device)


def to_imitate(batch: Batch, config: ACFQLConfig) -> Tensor:
    """(B, h): 1 for the steps that the flow imitates, else 0; never padding.

    Each step by itself: what the policy did after a correction is imitated only where it succeeded.
    """
    if config.flow_data == "all":
        return batch.valid
    good = batch.is_demonstration | batch.is_intervention | batch.success.unsqueeze(-1)
    return batch.valid * good
