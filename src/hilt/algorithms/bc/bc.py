"""Behaviour cloning on demonstrations and interventions: the line that every other result stands beside."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F

from hilt.algorithms.base import Algorithm, Metrics, Sampler
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.losses import imitation_loss
from hilt.algorithms.sac.policy import GaussianPolicy
from hilt.algorithms.spec import PolicySpec
from hilt.networks.pretrained import PretrainedEncoder


class BehaviorCloning(Algorithm):
    """The policy network of SAC, trained by imitation alone; a discrete gripper by cross-entropy."""

    def __init__(
        self,
        config: SACConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """`backbone`: a pretrained encoder of pictures; None: a small convolution, trained from scratch."""
        self.settings = config
        self.generator = torch.Generator(device).manual_seed(seed)
        mode = replace(config, deterministic_policy=True)  # imitation need not have taught a spread
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.policy: GaussianPolicy = GaussianPolicy("bc", mode, spec, backbone).to(device)
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), config.actor_lr, config.grad_clip_norm)}

    def update(self, sample: Sampler) -> Metrics:
        self.updates += 1
        batch = sample()
        noise = self.policy.encoder.draw_noise(len(batch.reward), self.generator)
        features = self.policy.encoder(batch.observation, noise)
        action, gripper = self.policy.split(batch.action)
        imitate = batch.is_intervention | batch.is_demonstration
        loss = imitation_loss(self.policy.actor(features), action, imitate, self.settings)
        if self.policy.discrete_critic is not None and gripper is not None:
            errors = F.cross_entropy(self.policy.discrete_critic(features), gripper, reduction="none")
            loss = loss + (errors * imitate).sum() / imitate.sum().clamp(min=1)
        (norm,) = minimize(loss, self.optimizers["actor"])
        return {"loss_bc": loss.detach(), "actor_grad_norm": norm}
