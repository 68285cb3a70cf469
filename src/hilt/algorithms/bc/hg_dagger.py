"""HG-DAgger: behaviour cloning of demonstrations and corrections, while the policy acts and is corrected."""

from __future__ import annotations

from typing import Any

import torch

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.base import Algorithm, Metrics, Policy, Range, Sampler, keys_of
from hilt.algorithms.bc.bc import BehaviorCloning
from hilt.algorithms.bc.config import HGDAggerConfig
from hilt.algorithms.bc.flow_bc import FlowCloning
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.sac import SAC
from hilt.algorithms.spec import PolicySpec
from hilt.networks.pretrained import PretrainedEncoder


class HGDAgger(Algorithm):
    """Cloning by a Gaussian or by a flow, whose policy is saved as this algorithm's."""

    config_class = HGDAggerConfig

    def __init__(
        self,
        config: HGDAggerConfig,
        spec: PolicySpec,
        backbone: PretrainedEncoder | None = None,
        *,
        target_range: Range | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self._cloning: BehaviorCloning | FlowCloning
        if config.actor == "flow":
            self._cloning = FlowCloning(_flow(config), spec, backbone, seed=seed, device=device)
        else:
            self._cloning = BehaviorCloning(_gaussian(config), spec, backbone, seed=seed, device=device)
        self.policy = _own(self._cloning.policy, config)
        self.modules, self.optimizers = self._cloning.modules, self._cloning.optimizers
        self.generator = self._cloning.generator

    @staticmethod
    def make_policy(settings: HGDAggerConfig, spec: PolicySpec, backbone: PretrainedEncoder | None) -> Policy:
        if settings.actor == "flow":
            flow = _flow(settings).model_copy(
                update={"actor_type": "best_of_n", "num_samples": 1, "shared_encoder": True}
            )
            return _own(ACFQL.make_policy(flow, spec, backbone), settings)
        return _own(SAC.make_policy(_gaussian(settings), spec, backbone), settings)

    def update(self, sample: Sampler) -> Metrics:
        self.updates += 1
        return self._cloning.update(sample)


def _gaussian(config: HGDAggerConfig) -> SACConfig:
    return SACConfig.model_validate(_shared(config, SACConfig))


def _flow(config: HGDAggerConfig) -> ACFQLConfig:
    keys = _shared(config, ACFQLConfig) | {"n_step": 1}
    return ACFQLConfig.model_validate(keys)


def _own(policy: Policy, config: HGDAggerConfig) -> Policy:
    """`policy`, which is saved by the keys of HG-DAgger."""
    policy.config = {**policy.config, "policy": keys_of(config)}
    return policy


def _shared(config: HGDAggerConfig, kind: type[Any]) -> dict[str, Any]:
    """The keys that both have; the type stays that of HG-DAgger, as which the policy is saved."""
    return {name: getattr(config, name) for name in type(config).model_fields if name in kind.model_fields}
