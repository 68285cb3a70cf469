"""An algorithm: cloning with a weight on corrections. `policy.type: "my_robot.algorithm:Cloning"`."""

import torch

from hilt.algorithms.base import Algorithm
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.policy import GaussianPolicy


class CloningConfig(SACConfig):
    """Its keys of `policy`: those of SAC's network, and one more."""

    type: str = "my_robot.algorithm:Cloning"
    correction_weight: float = 2.0
    """How much more a correction counts than a demonstration."""

    @property
    def samples_online(self):
        return False  # batches are what people did


class Cloning(Algorithm):
    """Mean squared error to what people did."""

    config_class = CloningConfig

    def __init__(self, config, spec, backbone=None, *, target_range=None, seed=0, device="cpu"):
        self.weight = config.correction_weight
        self.generator = torch.Generator(device).manual_seed(seed)
        torch.manual_seed(seed)
        self.policy = self.make_policy(config, spec, backbone).to(device)
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), config.actor_lr, config.grad_clip_norm)}

    @staticmethod
    def make_policy(settings, spec, backbone):
        return GaussianPolicy(settings, spec, backbone)

    def update(self, sample):
        self.updates += 1
        batch = sample()
        noise = self.policy.encoder.draw_noise(len(batch.reward), self.generator)
        features = self.policy.encoder(batch.observation, noise)
        wanted, _ = self.policy.split(batch.action)
        error = (self.policy.actor(features).mode - wanted).square().sum(-1)
        weight = torch.where(batch.is_intervention, self.weight, 1.0)
        loss = (weight * error).mean()
        (norm,) = minimize(loss, self.optimizers["actor"])
        return {"loss_cloning": loss.detach(), "actor_grad_norm": norm}
