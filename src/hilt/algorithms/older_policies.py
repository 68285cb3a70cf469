"""Saved policies of before: their settings stand flat under the algorithm's name, not as keys of `policy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAME_POLICY = {"sac": "sac", "bc": "sac", "acfql": "acfql", "flow_bc": "acfql"}
_HEAD = ("init_final", "init_std", "std_min", "std_max")
_NO_KEYS = ("dropout", "target_range", "discrete_target_range")


def modernised(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """`config` of a saved policy as today's have it. Raises KeyError naming what is missing."""
    if "policy" in config or config["type"] not in _SAME_POLICY:
        return config
    kind = _SAME_POLICY[config["type"]]
    return {**config, "type": kind, "policy": _keys(config[kind])}


def _keys(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `policy` that mean the flat `settings`."""
    flat = {**settings, **settings["encoder"]}
    del flat["encoder"]
    for name in _NO_KEYS:
        flat.pop(name, None)
    norms = {name: flat.pop(f"{name}_norm") for name in ("critic", "actor")}
    norms["discrete_critic"] = norms["critic"]
    for name in [name for name in norms if f"{name}_hidden_dims" in flat]:
        dims = flat.pop(f"{name}_hidden_dims")
        flat[f"{name}_network_kwargs"] = {"hidden_dims": dims, "layer_norm": norms[name] != "none"}
    flat["policy_kwargs"] = {name: flat.pop(name) for name in _HEAD if name in flat}
    return flat
