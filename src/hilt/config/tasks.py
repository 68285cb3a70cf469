"""Task ids: hilt's own, the user's, and those that the field uses, which also name a device and options."""

from __future__ import annotations

import difflib
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ActionMode = Literal["ee_delta_pos", "ee_delta_pose"]


def _own_tasks() -> tuple[str, ...]:
    """`PickCube` for the file `hilt/envs/tasks/pick_cube.py`, and so on. Imports none of them."""
    folder = Path(__file__).parents[1] / "envs" / "tasks"
    modules = sorted(module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(
        "".join(part.capitalize() for part in module.split("_")) for module in modules if module != "base"
    )


TASKS = _own_tasks()

_HILT_ID = re.compile(rf"(?:hilt/)?({'|'.join(TASKS)})(?:-v0)?")
_FIELD_ID = re.compile(
    rf"(?:gym_hil/)?Panda({'|'.join(TASKS)})(Ft)?(Base|Viewer|Gamepad|Keyboard|MetaQuest)?-v0"
)
_USERS_ID = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_OPERATORS = {"Gamepad": "gamepad", "Keyboard": "keyboard", "MetaQuest": "quest"}


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """What a task id stands for."""

    task: str
    """Name of one of hilt's, or `package.module:Class`."""
    operator: str = "none"
    force_torque: bool = False
    action_mode: ActionMode = "ee_delta_pos"
    viewer: bool = False

    @property
    def gym_id(self) -> str:
        """The id that `gymnasium.make` knows."""
        return f"hilt/{self.task.replace(':', '.')}-v0"


def resolve_task(task: str) -> TaskChoice:
    """`hilt/PickCube-v0`, `package.module:MyTask`, or one of the field's (`PandaPickCubeFtGamepad-v0`).

    Raises ValueError, with the closest id, when the task is unknown.
    """
    if own := _HILT_ID.fullmatch(task):
        return TaskChoice(own[1])
    if _USERS_ID.fullmatch(task):
        return TaskChoice(task)
    if known := _FIELD_ID.fullmatch(task):
        name, force_torque, device = known.groups()
        return TaskChoice(
            task=name,
            operator=_OPERATORS.get(device, "none"),
            force_torque=force_torque is not None,
            action_mode="ee_delta_pose" if device == "MetaQuest" else "ee_delta_pos",
            viewer=device == "Viewer",
        )
    close = difflib.get_close_matches(task, known_ids(), n=1, cutoff=0.0)[0]
    raise ValueError(
        f'unknown task; the closest is "{close}" (an environment of your own: "env.type": "gymnasium")'
    )


def known_ids() -> list[str]:
    """All ids that `resolve_task` accepts, in their usual spelling."""
    devices = ("Base", "", "Viewer", "Gamepad", "Keyboard", "MetaQuest")
    return [f"hilt/{task}-v0" for task in TASKS] + [
        f"Panda{task}{sensor}{device}-v0" for task in TASKS for sensor in ("", "Ft") for device in devices
    ]
