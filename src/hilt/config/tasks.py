"""Task ids: hilt's own, and those that the field uses, which also name a device and options."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

ActionMode = Literal["ee_delta_pos", "ee_delta_pose"]
TASKS = ("PickCube", "ArrangeBoxes", "PegInsertion")

_HILT_ID = re.compile(rf"(?:hilt/)?({'|'.join(TASKS)})(?:-v0)?")
_FIELD_ID = re.compile(
    rf"(?:gym_hil/)?Panda({'|'.join(TASKS)})(Ft)?(Base|Viewer|Gamepad|Keyboard|MetaQuest)?-v0"
)
_OPERATORS = {"Gamepad": "gamepad", "Keyboard": "keyboard", "MetaQuest": "quest"}


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """What a task id stands for."""

    task: str
    operator: str = "none"
    force_torque: bool = False
    action_mode: ActionMode = "ee_delta_pos"
    viewer: bool = False

    @property
    def gym_id(self) -> str:
        """The id that `gymnasium.make` knows."""
        return f"hilt/{self.task}-v0"


def resolve_task(task: str) -> TaskChoice:
    """`hilt/PickCube-v0` or one of the field's ids, such as `PandaPickCubeFtGamepad-v0`.

    Raises ValueError, with the closest id, when the task is unknown.
    """
    if own := _HILT_ID.fullmatch(task):
        return TaskChoice(own[1])
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
