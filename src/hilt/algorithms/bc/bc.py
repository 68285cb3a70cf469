"""Behaviour cloning of demonstrations and interventions: the baseline of SAC."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from hilt.algorithms.base import Algorithm, Metrics, Range, Sampler
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.losses import imitation_loss
from hilt.algorithms.sac.policy import GaussianPolicy
from hilt.algorithms.sac.sac import SAC
from hilt.algorithms.spec import PolicySpec
from hilt.networks.pretrained import PretrainedEncoder


class BehaviorCloning(Algorithm):
    """The policy network of SAC, trained by imitation alone; a discrete gripper by cross-entropy."""

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
        self.settings = config
        self.generator = torch.Generator(device).manual_seed(seed)
        mode = config.model_copy(
            update={"deterministic_policy": True}
        )  # imitation need not have taught a spread
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.policy: GaussianPolicy = GaussianPolicy(mode, spec, backbone).to(device)
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), config.actor_lr, config.grad_clip_norm)}

    make_policy = staticmethod(SAC.make_policy)

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
