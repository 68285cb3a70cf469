"""Behaviour cloning in chunks by flow matching: the baseline of ACFQL."""

from __future__ import annotations

import torch

from hilt.algorithms.acfql.acfql import ACFQL, flow_noise, to_imitate
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.losses import flow_loss
from hilt.algorithms.acfql.networks import make_networks
from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.base import Algorithm, Metrics, Range, Sampler
from hilt.algorithms.optimizer import Optimizer, minimize, trainable
from hilt.algorithms.spec import PolicySpec
from hilt.networks.pretrained import PretrainedEncoder


class FlowCloning(Algorithm):
    """The flow of ACFQL, trained by imitation alone and followed when acting."""

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
        self.settings = config.model_copy(
            update={"actor_type": "best_of_n", "num_samples": 1, "shared_encoder": True}
        )
        self.generator = torch.Generator(device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            networks = make_networks(self.settings, spec, backbone)
        self.policy: ChunkPolicy = ChunkPolicy(self.settings, spec, networks).to(device)
        self.flow = networks.flow
        self.modules = {"policy": self.policy}
        self.optimizers = {"actor": Optimizer(trainable(self.policy), config.actor_lr, config.grad_clip_norm)}

    make_policy = staticmethod(ACFQL.make_policy)

    def update(self, sample: Sampler) -> Metrics:
        self.updates += 1
        batch = sample()
        shift = self.policy.encoder.draw_noise(len(batch.reward), self.generator)
        features = self.policy.encoder(batch.observation, shift)
        chunk = self.policy.scaling.to_unit(batch.action).flatten(1)
        start, time = flow_noise(chunk, self.generator)
        imitate = to_imitate(batch, self.settings)
        loss, metrics = flow_loss(self.flow, features, chunk, imitate, start, time)
        (norm,) = minimize(loss, self.optimizers["actor"])
        return metrics | {"actor_grad_norm": norm}
