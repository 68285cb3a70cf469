"""The ids of the tasks. Imports no MuJoCo: asking for the ids costs nothing."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import gymnasium as gym

from hilt.envs import tasks
from hilt.errors import import_named

if TYPE_CHECKING:
    from hilt.envs.arm_env import ArmEnv
    from hilt.envs.robot import Robot
    from hilt.envs.tasks.base import Task
    from hilt.envs.vector import ArmVectorEnv


def task_names() -> list[str]:
    """`PickCube` for the module `pick_cube.py`, and so on."""
    return sorted(_modules())


def task_class(name: str) -> type[Task]:
    """The task called `name`: one of hilt's, or a class of the user's, "package.module:Class".

    Raises:
        ValueError: there is none, or it is no task.
    """
    if (module := _modules().get(name)) is not None:
        return cast("type[Task]", getattr(import_module(f"{tasks.__name__}.{module}"), name))
    from hilt.envs.tasks.base import Task

    if ":" not in name:
        raise ValueError(f"task {name!r}: one of {', '.join(task_names())}, or package.module:Class")
    found = import_named(name)
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise ValueError(f"{name} is no subclass of hilt.envs.tasks.base.Task")
    return found


def robot_class(name: str) -> type[Robot]:
    """The simulated arm called `name`: one of hilt's, or a class of the user's, "package.module:Class".

    Raises:
        ValueError: there is none, or it is no arm.
    """
    from hilt.config.robot import simulated_arm
    from hilt.envs.robot import Robot

    found = import_named(simulated_arm(name))
    if not (isinstance(found, type) and issubclass(found, Robot)):
        raise ValueError(f"robot {name} is no subclass of hilt.envs.robot.Robot")
    return found


def make(task: str, robot: str = "panda", **options: Any) -> ArmEnv:
    """One environment of a task for an arm; `options` are those of `EnvOptions`."""
    from hilt.envs.arm_env import ArmEnv

    return ArmEnv(task_class(task), robot_class(robot), **options)


def make_vector(task: str, num_envs: int, robot: str = "panda", **options: Any) -> ArmVectorEnv:
    """Many environments of a task for an arm, stepping in parallel."""
    from hilt.envs.vector import ArmVectorEnv

    return ArmVectorEnv(task_class(task), robot_class(robot), num_envs, **options)


def register() -> None:
    """Makes `gym.make("hilt/TASK-v0")` and `gym.make_vec` work; may be called again."""
    for name in task_names():
        register_task(name)


def register_task(name: str) -> str:
    """The id under which `gym.make` knows a task; that of "package.module:Class" is its own."""
    task_id = f"hilt/{name.replace(':', '.')}-v0"
    if task_id not in gym.registry:
        gym.register(
            task_id,
            entry_point=f"{__name__}:make",
            vector_entry_point=f"{__name__}:make_vector",
            kwargs={"task": name},
        )
    return task_id


def _modules() -> dict[str, str]:
    """Class -> module of hilt's own tasks."""
    modules = (module.name for module in pkgutil.iter_modules(tasks.__path__))
    return {_class_name(module): module for module in modules if module != "base"}


def _class_name(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_"))
