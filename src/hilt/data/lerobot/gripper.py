"""Gripper conventions: whether an action of 2 opens or closes, and what `observation.state[14]` measures.

`hilt`: 0 closes, 1 stays, 2 opens; the state holds the opening between the fingers in metres.
`gym_hil`: 2 closes, 1 stays, 0 opens; the state holds the command, 0 (open) to 255 (closed). The opening
that this command leads to when nothing is held is what the conversion gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot.layout import ACTION, DatasetError
from hilt.data.lerobot.statistics import Stats, map_affine
from hilt.data.transition import STATE

CONVENTIONS = ("auto", "hilt", "gym_hil")
MAX_OPENING_M = 0.08
GRIPPER_INDEX = 14
"""Where the gripper is in `observation.state` of 18 numbers, or 42 with forces."""


class UndecidedGripperError(DatasetError):
    """Nothing says how the gripper is to be read."""


_STATE_DIMS = (18, 42)
_ACTION_DIMS = (4, 7)
_MAX_COMMAND = 255.0
_STATE_SCALE = -MAX_OPENING_M / _MAX_COMMAND


@dataclass(frozen=True, slots=True)
class Decision:
    """How a dataset's gripper is read, and why so."""

    convention: str
    """hilt or gym_hil."""
    because: str


def decide(
    requested: str, recorded: str | None, state_dim: int | None, action_dim: int, stats: Mapping[str, Stats]
) -> Decision:
    """What was requested, else what the recording says of itself, else what range the gripper's state covers.

    Raises:
        DatasetError: unknown name. UndecidedGripperError: nothing decides it.
    """
    if requested not in CONVENTIONS:
        raise DatasetError(f"dataset.gripper_convention is {requested!r}; allowed: {', '.join(CONVENTIONS)}")
    if requested != "auto":
        return Decision(requested, "dataset.gripper_convention says so")
    if recorded is not None:
        return Decision(recorded, "the recording says so")
    if state_dim not in _STATE_DIMS and action_dim not in _ACTION_DIMS:
        return Decision("hilt", f"actions of {action_dim} numbers are read as they are")
    state = stats.get(STATE, {}).get("max")
    if state is not None and state_dim in _STATE_DIMS:
        highest = float(state[GRIPPER_INDEX])
        because = f"{STATE}[{GRIPPER_INDEX}] reaches {highest:.3g}"
        if highest > 1.0:
            return Decision("gym_hil", because)
        if 0.0 < highest <= 2 * MAX_OPENING_M:
            return Decision("hilt", because)
    raise UndecidedGripperError(
        "nothing in the dataset says whether a gripper action of 2 opens or closes: "
        "set dataset.gripper_convention to hilt (2 opens) or gym_hil (2 closes)"
    )


def convert_actions(actions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Actions (N, A) of `gym_hil` to those of `hilt`; unchanged when A has no place for a gripper."""
    if actions.shape[1] not in _ACTION_DIMS:
        return actions
    converted = actions.copy()
    converted[:, -1] = 2.0 - converted[:, -1]
    return converted


def convert_states(states: NDArray[np.float32]) -> NDArray[np.float32]:
    """States (N, 18 or 42) of `gym_hil` to those of `hilt`: command to opening [m]."""
    if states.shape[1] not in _STATE_DIMS:
        return states
    converted = states.copy()
    converted[:, GRIPPER_INDEX] = _STATE_SCALE * converted[:, GRIPPER_INDEX] + MAX_OPENING_M
    return converted


def convert_stats(stats: Mapping[str, Stats]) -> dict[str, Stats]:
    """Statistics of a `gym_hil` dataset to what they are after conversion of actions and states."""
    converted = dict(stats)
    if ACTION in stats and _size(stats[ACTION]) in _ACTION_DIMS:
        converted[ACTION] = map_affine(stats[ACTION], -1, -1.0, 2.0)
    if STATE in stats and _size(stats[STATE]) in _STATE_DIMS:
        converted[STATE] = map_affine(stats[STATE], GRIPPER_INDEX, _STATE_SCALE, MAX_OPENING_M)
    return converted


def _size(stats: Stats) -> int:
    """Of the vectors; `count` is one number."""
    return max(len(value) for value in stats.values())
