"""Algorithms and policies by the name that stands in `policy.type`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.allocation import keep_freed_memory
from hilt.algorithms.base import Algorithm, Policy
from hilt.algorithms.bc.bc import BehaviorCloning
from hilt.algorithms.bc.flow_bc import FlowCloning
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.policy import GaussianPolicy
from hilt.algorithms.sac.sac import SAC
from hilt.algorithms.spec import PolicySpec
from hilt.config.user_algorithm import named_algorithm
from hilt.networks.pretrained import PretrainedEncoder

Device = torch.device | str
Keys = Mapping[str, Any]
Backbone = PretrainedEncoder | None


@dataclass(frozen=True, slots=True)
class Entry:
    """How an algorithm is made from the keys of `policy`, and a policy from its own `config`."""

    algorithm: Callable[[Keys, PolicySpec, Backbone, int, Device], Algorithm]
    policy: Callable[[Mapping[str, Any]], Policy]


def _sac(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
    return SAC(SACConfig.from_keys(keys), spec, backbone, seed=seed, device=device)


def _bc(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
    return BehaviorCloning(SACConfig.from_keys(keys), spec, backbone, seed=seed, device=device)


def _acfql(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
    return ACFQL(ACFQLConfig.from_keys(keys), spec, backbone, seed=seed, device=device)


def _flow_bc(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
    return FlowCloning(ACFQLConfig.from_keys(keys), spec, backbone, seed=seed, device=device)


def _hg_dagger(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
    make = _flow_bc if keys["actor"] == "flow" else _bc
    return make(keys, spec, backbone, seed, device)


REGISTRY: dict[str, Entry] = {
    "sac": Entry(_sac, GaussianPolicy.from_config),
    "bc": Entry(_bc, GaussianPolicy.from_config),
    "acfql": Entry(_acfql, ChunkPolicy.from_config),
    "flow_bc": Entry(_flow_bc, ChunkPolicy.from_config),
    "hg_dagger": Entry(_hg_dagger, GaussianPolicy.from_config),
}


def make_algorithm(
    kind: str,
    keys: Keys,
    spec: PolicySpec,
    *,
    backbone: Backbone = None,
    seed: int = 0,
    device: Device = "cpu",
) -> Algorithm:
    """A fresh algorithm. `keys` are those of `policy` that were set; `backbone` is a pretrained encoder of
    pictures; `seed` decides weights and noise."""
    keep_freed_memory()
    return _entry(kind).algorithm(keys, spec, backbone, seed, device)


def policy_from_config(config: Mapping[str, Any]) -> Policy:
    """The policy that `config` describes, its tensors still to be loaded.

    Raises:
        ValueError: unknown `type`. KeyError, TypeError: something is missing or unknown in `config`.
    """
    return _entry(str(config["type"])).policy(config)


def _entry(kind: str) -> Entry:
    if kind in REGISTRY:
        return REGISTRY[kind]
    if (named := named_algorithm(kind)) is not None:
        return _users(kind, named)
    raise ValueError(f"policy type {kind!r}: one of {', '.join(sorted(REGISTRY))}, or a class that is named")


def _users(kind: str, named: type[Any]) -> Entry:
    """How a user's algorithm is made. Raises ValueError for a class that is none."""
    build: Any = named
    if not issubclass(named, Algorithm) or not callable(getattr(build, "policy_from_config", None)):
        raise ValueError(
            f"policy type {kind!r}: must be a subclass of hilt.algorithms.base.Algorithm with "
            "policy_from_config(config)"
        )

    def make(keys: Keys, spec: PolicySpec, backbone: Backbone, seed: int, device: Device) -> Algorithm:
        known = {name: keys[name] for name in keys if name in build.config_class.model_fields}
        config = build.config_class.model_validate(known)
        return cast(Algorithm, build(config, spec, backbone, seed=seed, device=device))

    return Entry(make, build.policy_from_config)
