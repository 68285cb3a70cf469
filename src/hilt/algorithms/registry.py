"""Algorithms and policies by the name that stands in `policy.type`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

import torch
from pydantic import ValidationError

from hilt.algorithms.allocation import keep_freed_memory
from hilt.algorithms.base import Algorithm, Policy, Range
from hilt.algorithms.older_policies import modernised
from hilt.algorithms.spec import PolicySpec
from hilt.config.learning import LearningPolicy
from hilt.config.registry import ALGORITHMS, load_class
from hilt.networks.pretrained import PretrainedEncoder


def algorithm_class(kind: str) -> type[Algorithm]:
    """hilt's own algorithm of that name, or the class "package.module:Class".

    Raises ValueError, in one line, where it cannot be loaded or is no algorithm.
    """
    found = load_class(ALGORITHMS[kind][1] if kind in ALGORITHMS else kind)
    if not issubclass(found, Algorithm):
        raise ValueError(f"{kind} is no subclass of hilt.algorithms.base.Algorithm")
    if inspect.isabstract(found):
        raise ValueError(f"{kind} lacks {', '.join(sorted(found.__abstractmethods__))}")
    return cast(type[Algorithm], found)


def make_algorithm(
    settings: LearningPolicy,
    spec: PolicySpec,
    *,
    target_range: Range | None = None,
    backbone: PretrainedEncoder | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Algorithm:
    """A fresh algorithm, that of `settings.type`.

    `target_range` are the values that the reward makes possible, None: unknown; `backbone` is a pretrained
    encoder of pictures, None: a small convolution, trained from scratch; `seed` decides weights and noise.
    """
    keep_freed_memory()
    kind: Any = algorithm_class(settings.type)
    algorithm: Algorithm = kind(settings, spec, backbone, target_range=target_range, seed=seed, device=device)
    return algorithm


def policy_from_config(config: Mapping[str, Any]) -> Policy:
    """The policy that `config` describes, its tensors still to be loaded.

    Raises:
        ValueError: unknown `type`, or key. KeyError: something is missing in `config`.
    """
    config = modernised(config)
    kind = algorithm_class(config["type"])
    try:
        settings = kind.config_class.model_validate({"type": config["type"], **config["policy"]})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"policy.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    saved = config["backbone"]
    backbone = PretrainedEncoder.from_json(saved) if saved is not None else None
    return kind.make_policy(settings, PolicySpec.from_json(config), backbone)


def saved_keys(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of `policy` with which the policy that `config` describes was trained."""
    keys: Mapping[str, Any] = modernised(config)["policy"]
    return keys
