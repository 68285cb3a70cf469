"""An algorithm that hilt does not ship, in a module of its own, as a user writes it: behaviour cloning."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from hilt.algorithms.base import Algorithm, Metrics, Policy, Range, Sampler
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.spec import PolicySpec
from hilt.config import LearningPolicy
from hilt.data.batch import ObservationBatch
from hilt.networks.mlp import MLP
from hilt.networks.pretrained import PretrainedEncoder


class CloningConfig(LearningPolicy):
    """What every algorithm has, and what this one adds."""

    pretrain_updates: int = 20
    hidden: list[int] = [32, 32]  # noqa: RUF012 -- pydantic copies mutable defaults
    exploration: float = Field(default=0.1, ge=0)
    """Standard deviation of what it tries, as a share of half the range of an action."""


class CloningPolicy(Policy):
    """Features to the mean action; exploration adds noise."""

    def __init__(self, settings: CloningConfig, spec: PolicySpec, backbone: PretrainedEncoder | None) -> None:
        super().__init__(settings, spec, backbone)
        self.encoder = spec.encoder(settings, backbone)
        self.scaling = spec.scaling(spec.schema.action_dim)
        self.mean = MLP(self.encoder.feature_dim, settings.hidden, spec.schema.action_dim)
        self.exploration = settings.exploration

    def act(
        self,
        observation: ObservationBatch,
        *,
        deterministic: bool,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        with torch.inference_mode():
            unit = self.mean(self.encoder(observation)).tanh()
            if not deterministic:
                noise = torch.randn(unit.shape, generator=generator, device=unit.device)
                unit = (unit + self.exploration * noise).clamp(-1, 1)
            return self.scaling.to_env(unit)


class Cloning(Algorithm):
    """Imitates what people did, in demonstrations and interventions."""

    config_class = CloningConfig

    def __init__(
        self,
        settings: CloningConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        target_range: Range | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.generator = torch.Generator(device).manual_seed(seed)
        torch.manual_seed(seed)
        self.policy: CloningPolicy = CloningPolicy(settings, spec, backbone).to(device)
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), settings.actor_lr)}

    @staticmethod
    def make_policy(settings: Any, spec: PolicySpec, backbone: PretrainedEncoder | None) -> CloningPolicy:
        return CloningPolicy(settings, spec, backbone)

    def update(self, sample: Sampler) -> Metrics:
        self.updates += 1
        batch, policy = sample(), self.policy
        noise = policy.encoder.draw_noise(len(batch.reward), self.generator)
        proposed = policy.mean(policy.encoder(batch.observation, noise)).tanh()
        errors = (proposed - policy.scaling.to_unit(batch.action)).square().mean(-1)
        imitate = batch.is_intervention | batch.is_demonstration
        loss = (errors * imitate).sum() / imitate.sum().clamp(min=1)
        minimize(loss, self.optimizers["actor"])
        return {"loss_bc": loss.detach()}
