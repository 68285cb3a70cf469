"""What a simulation consists of to hilt: MuJoCo's arrays, of one simulation or of many at once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POSITION = slice(0, 3)
ROTATION = slice(3, 7)
GRIPPER = 7
"""Where in `ctrl` the target stands: tool position [m], tool quaternion and gripper opening [m]."""

CONTROLS = 8
"""Numbers in `ctrl`."""


class Physics(Protocol):
    """State and derived quantities: an `MjData` (`[...]` is nothing) or a `mujoco.batch.Batch` (N).

    Code that indexes from the right (`qpos[..., i]`) serves one simulation and many alike.
    `userdata` is the tool's commanded quaternion; the one in `ctrl` is the nearest that the arm can hold.
    """

    qpos: Array
    qvel: Array
    ctrl: Array
    userdata: Array
    mocap_pos: Array
    mocap_quat: Array
    history: Array
    sensordata: Array
    xpos: Array
    xquat: Array
    site_xpos: Array
    site_xquat: Array


def body_pose(data: Physics, body: int) -> Array:
    """Position [m] and quaternion (w >= 0) of a body, `[..., 7]`."""
    quat: Any = data.xquat[..., body, :]
    return np.concatenate((data.xpos[..., body, :], np.where(quat[..., :1] < 0, -quat, quat)), axis=-1)
