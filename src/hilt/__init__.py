"""hilt: human-in-the-loop training of simulated robot arms.

Every command is a function, too. It takes a configuration (a JSON file, a folder that holds one, a dict, a
RunConfig; None: the defaults) and overrides, written as on the command line:
`hilt.train("train.json", "policy.utd_ratio=4")`. What a person can mend is a `hilt.errors.UserError`.
`stop` is a request to end that another thread may make while the function works (`stop.request()`);
without one, Ctrl-C is the KeyboardInterrupt that it always is.

Importing it makes the `hilt/...` environments known to Gymnasium; MuJoCo and torch are imported when used.
"""

import importlib
from typing import TYPE_CHECKING, Any

import hilt.envs  # noqa: F401

if TYPE_CHECKING:
    from hilt.build.envs import make_env
    from hilt.build.policies import load_policy
    from hilt.commands.compare import compare
    from hilt.commands.evaluate import evaluate
    from hilt.commands.record import record
    from hilt.commands.relabel import relabel
    from hilt.commands.replay import replay
    from hilt.commands.sweep import sweep
    from hilt.commands.train import train

__version__ = "0.1.0"
__all__ = ["compare", "evaluate", "load_policy", "make_env", "record", "relabel", "replay", "sweep", "train"]

_MODULES = {
    "compare": "hilt.commands.compare",
    "evaluate": "hilt.commands.evaluate",
    "load_policy": "hilt.build.policies",
    "make_env": "hilt.build.envs",
    "record": "hilt.commands.record",
    "relabel": "hilt.commands.relabel",
    "replay": "hilt.commands.replay",
    "sweep": "hilt.commands.sweep",
    "train": "hilt.commands.train",
}


def __getattr__(name: str) -> Any:
    """The functions for Python users, imported when first used."""
    if name not in __all__:
        raise AttributeError(f"module 'hilt' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
