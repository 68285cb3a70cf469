"""Algorithms by the name that stands in `policy.type`.

hilt's own are named as a user's are, by text, so that `config` uses no room above it. Their configurations
use no torch.
"""

from __future__ import annotations

from typing import Any

from hilt.config.learning import LearningPolicy
from hilt.errors import import_named

ALGORITHMS = {
    "sac": ("hilt.algorithms.sac.config:SACConfig", "hilt.algorithms.sac.sac:SAC"),
    "acfql": ("hilt.algorithms.acfql.config:ACFQLConfig", "hilt.algorithms.acfql.acfql:ACFQL"),
    "hg_dagger": ("hilt.algorithms.bc.config:HGDAggerConfig", "hilt.algorithms.bc.hg_dagger:HGDAgger"),
}
"""Name -> (class of its configuration, class of the algorithm), each as "module:Class"."""


def config_class(kind: str) -> type[LearningPolicy]:
    """The configuration of the algorithm called `kind`, or of the class "package.module:Class".

    Raises ValueError, in one line, where there is none.
    """
    if kind in ALGORITHMS:
        found = load_class(ALGORITHMS[kind][0])
    else:
        found = getattr(load_class(kind), "config_class", None)
    if not (isinstance(found, type) and issubclass(found, LearningPolicy)):
        raise ValueError(f"{kind} must have a config_class, a subclass of hilt.config.LearningPolicy")
    return found


def load_class(path: str) -> Any:
    """The class "package.module:Class"; raises ValueError, in one line, where it cannot be loaded."""
    if ":" not in path:
        raise ValueError(f"policy type {path!r}: one of {', '.join(ALGORITHMS)}, or package.module:Class")
    found = import_named(path)
    if not isinstance(found, type):
        raise ValueError(f"{path} is no class")
    return found
