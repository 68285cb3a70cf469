"""Action-chunked flow Q-learning (QC-FQL)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from hilt.algorithms.acfql_config import ACFQLConfig
from hilt.algorithms.acfql_losses import EncodedChunks, Noise, critic_loss, flow_loss, total_loss
from hilt.algorithms.acfql_networks import make_networks
from hilt.algorithms.acfql_policy import ChunkPolicy
from hilt.algorithms.base import Algorithm, Metrics, Sampler
from hilt.algorithms.optimizer import Optimizer, Target, minimize, trainable
from hilt.algorithms.spec import PolicySpec
from hilt.data.batch import Batch
from hilt.networks.encoders import ObservationEncoder
from hilt.networks.flow import FlowActor
from hilt.networks.pretrained import PretrainedEncoder


class ACFQL(Algorithm):
    """One call of `update` is one optimisation step: `utd_ratio` critic updates, the last with the actors'.
    In the first `pretrain_updates` the flow learns alone.

    Critics and actors have an optimiser each. Where the learning rates are equal and gradients are not
    clipped this is the same as one Adam over everything, since Adam treats every number by itself.
    """

    def __init__(
        self,
        config: ACFQLConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """`backbone`: a pretrained encoder of pictures; None: a small convolution, trained from scratch."""
        self.settings = config
        self.generator = torch.Generator(device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.networks = make_networks(config, spec, backbone).to(device)
        self.policy: ChunkPolicy = ChunkPolicy("acfql", config, spec, self.networks).to(device)
        self.modules = {"networks": self.networks}
        self.optimizers = self._make_optimizers()
        self._target = Target(trainable(self.networks.target), self.optimizers["critic"])

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
        self.updates += 1
        if self.updates <= self.settings.pretrain_updates:
            return self._pretrain(sample())
        for _ in range(self.settings.utd_ratio - 1):
            self._update_critics(sample())
        if self.updates % self.settings.policy_update_freq:
            return self._update_critics(sample())
        return self._update_all(sample())

    def _pretrain(self, batch: Batch) -> Metrics:
        """The flow alone learns, by imitation: many cheap steps before the others follow it."""
        networks = self.networks
        loss, metrics = imitation_loss(
            self.policy, networks.encoder("flow"), networks.flow, batch, self.settings, self.generator
        )
        norms = minimize(loss, self.optimizers["critic"], self.optimizers["actor"])
        self._follow()
        return metrics | {"actor_grad_norm": norms[1]}

    def _update_critics(self, batch: Batch) -> Metrics:
        encoded = self.encode(batch, critics_only=True)
        noise = self.draw_noise(encoded.chunk)
        loss, metrics = critic_loss(self.networks, encoded, noise.next, noise.members, self.settings)
        self._follow()
        (norm,) = minimize(loss, self.optimizers["critic"])
        return metrics | {"critic_grad_norm": norm}

    def _update_all(self, batch: Batch) -> Metrics:
        encoded = self.encode(batch)
        loss, metrics = total_loss(self.networks, encoded, self.draw_noise(encoded.chunk), self.settings)
        self._follow()
        norm, actor_norm = minimize(loss, self.optimizers["critic"], self.optimizers["actor"])
        return metrics | {"critic_grad_norm": norm, "actor_grad_norm": actor_norm}

    def _follow(self) -> None:
        """As published, the targets move towards the critics before these take their step."""
        self._target.follow(self.settings.critic_target_update_weight)

    def encode(self, batch: Batch, *, critics_only: bool = False) -> EncodedChunks:
        """Each encoder sees each picture once, and all of them the same random shift of it.

        With `critics_only` the flow's and the actor's features, which nothing uses, are the critics'.
        """
        networks, size = self.networks, len(batch.reward)
        critic_encoder = networks.encoder("critic")
        shift, next_shift = (critic_encoder.draw_noise(size, self.generator) for _ in range(2))
        features = flow_features = critic_encoder(batch.observation, shift)
        actor_features = features.detach()
        with torch.no_grad():
            next_features = next_actor_features = networks.target.encoder(batch.next_observation, next_shift)
            if not self.settings.shared_encoder:
                next_actor_features = networks.generator_encoder(batch.next_observation, next_shift)
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
        return Noise(
            next=draw(many if config.actor_type == "best_of_n" else like.shape),
            members=self._members(),
            start=draw(like.shape),
            time=torch.rand(size, 1, generator=self.generator, device=like.device),
            policy=draw(like.shape),
        )

    def _members(self) -> Tensor | None:
        """Which target critics count in this update."""
        count = self.settings.num_subsample_critics
        if count is None:
            return None
        device = self.generator.device
        return torch.randperm(self.settings.num_critics, generator=self.generator, device=device)[:count]


def imitation_loss(
    policy: ChunkPolicy,
    encoder: ObservationEncoder,
    flow: FlowActor,
    batch: Batch,
    config: ACFQLConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Metrics]:
    """L_BC of a batch as it was sampled, its noise drawn from `generator`; trains `flow` and `encoder`."""
    features = encoder(batch.observation, encoder.draw_noise(len(batch.reward), generator))
    chunk = policy.scaling.to_unit(batch.action).flatten(1)
    start = torch.randn(chunk.shape, generator=generator, device=chunk.device)
    time = torch.rand(len(chunk), 1, generator=generator, device=chunk.device)
    return flow_loss(flow, features, chunk, to_imitate(batch, config), start, time)


def to_imitate(batch: Batch, config: ACFQLConfig) -> Tensor:
    """(B, h): 1 for the steps that the flow imitates, else 0; never padding."""
    if config.flow_data == "all":
        return batch.valid
    good = batch.is_demonstration | batch.is_intervention | batch.success
    return batch.valid * good.unsqueeze(-1)
