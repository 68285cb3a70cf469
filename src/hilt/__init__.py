"""hilt: human-in-the-loop training of simulated robot arms.

Importing it makes the `hilt/...` environments known to Gymnasium; MuJoCo and torch are imported when used.
"""

import importlib
from typing import TYPE_CHECKING, Any

import hilt.sim  # noqa: F401

if TYPE_CHECKING:
    from hilt.api import evaluate, record, relabel, replay, train
    from hilt.factory import make_env
    from hilt.policy import load_policy

__version__ = "0.1.0"
__all__ = ["evaluate", "load_policy", "make_env", "record", "relabel", "replay", "train"]

_HOMES = {"load_policy": "hilt.policy", "make_env": "hilt.factory"}


def __getattr__(name: str) -> Any:
    """The functions for Python users, imported when first used."""
    if name not in __all__:
        raise AttributeError(f"module 'hilt' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "hilt.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
