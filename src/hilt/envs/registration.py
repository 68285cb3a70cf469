"""The ids of the tasks. Imports no MuJoCo: asking for the ids costs nothing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from hilt.envs import tasks

if TYPE_CHECKING:
    from hilt.envs.panda_env import PandaEnv
    from hilt.envs.tasks.base import Task
    from hilt.envs.vector import PandaVectorEnv


def task_names() -> list[str]:
    """`PickCube` for the module `pick_cube.py`, and so on."""
    modules = (module.name for module in pkgutil.iter_modules(tasks.__path__))
    return sorted(
        _class_name(module) for module in modules if module != "base" and not module.startswith("_")
    )


def task_class(name: str) -> type[Task]:
    """Raises ValueError naming the tasks there are."""
    for module in pkgutil.iter_modules(tasks.__path__):
        if _class_name(module.name) == name and module.name != "base":
            found: type[Task] = getattr(importlib.import_module(f"{tasks.__name__}.{module.name}"), name)
            return found
    raise ValueError(f"task {name!r}: one of {', '.join(task_names())}")


def make(task: str, **options: Any) -> PandaEnv:
    """One environment of a task; `options` are those of `EnvOptions`."""
    from hilt.envs.panda_env import PandaEnv

    return PandaEnv(task_class(task), **options)


def make_vector(task: str, num_envs: int, **options: Any) -> PandaVectorEnv:
    """Many environments of a task, stepping in parallel."""
    from hilt.envs.vector import PandaVectorEnv

    return PandaVectorEnv(task_class(task), num_envs, **options)


def register() -> None:
    """Makes `gym.make("hilt/TASK-v0")` and `gym.make_vec` work; may be called again."""
    for name in task_names():
        if f"hilt/{name}-v0" not in gym.registry:
            gym.register(
                f"hilt/{name}-v0",
                entry_point=f"{__name__}:make",
                vector_entry_point=f"{__name__}:make_vector",
                kwargs={"task": name},
            )


def _class_name(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_"))
