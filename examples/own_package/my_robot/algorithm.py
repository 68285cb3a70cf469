"""An algorithm: cloning with a weight on corrections. `policy.type: "my_robot.algorithm:Cloning"`."""

import torch

from hilt.algorithms.base import Algorithm
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.sac.config import SACConfig as GaussianSettings
from hilt.algorithms.sac.policy import GaussianPolicy
from hilt.config import LearningPolicy

TYPE = "my_robot.algorithm:Cloning"


class CloningConfig(LearningPolicy):
    """Its keys of `policy`, beside those that every learning policy has."""

    type: str = TYPE
    correction_weight: float = 2.0
    """How much more a correction counts than a demonstration."""

    @property
    def samples_online(self):
        return False


class Cloning(Algorithm):
    """Mean squared error to what people did."""

    config_class = CloningConfig
    policy_from_config = staticmethod(GaussianPolicy.from_config)

    def __init__(self, config, spec, backbone=None, *, seed=0, device="cpu"):
        settings = GaussianSettings.from_keys({"actor_lr": config.actor_lr, "init_std": 0.01})
        self.weight = config.correction_weight
        self.generator = torch.Generator(device).manual_seed(seed)
        torch.manual_seed(seed)
        self.policy = GaussianPolicy(TYPE, settings, spec, backbone).to(device)
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), config.actor_lr, config.grad_clip_norm)}

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
