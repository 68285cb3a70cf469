"""Poses as transforms, and where the tool of the Franka Hand is."""

from __future__ import annotations

import mujoco
import numpy as np

from hilt.envs import rotations
from hilt.envs.physics import Array

Pose = tuple[Array, Array]
"""Position `[3]` m and unit quaternion `[4]` (w, x, y, z), in the frame of the arm's base."""


def matrix_of(pose: Pose) -> Array:
    """The homogeneous transform `[4, 4]` of a pose."""
    matrix, rotation = np.eye(4), np.empty(9)
    mujoco.mju_quat2Mat(rotation, pose[1])
    matrix[:3, :3], matrix[:3, 3] = rotation.reshape(3, 3), pose[0]
    return matrix


def pose_of(matrix: Array) -> Pose:
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(matrix[:3, :3]).reshape(9))
    return matrix[:3, 3].copy(), quat


TOOL = matrix_of(
    (np.array((0.0, 0.0, 0.1034)), rotations.from_rotation_vector(np.array((0.0, 0.0, -np.pi / 4))))
)
"""From the flange to the point between the fingertips of the Franka Hand, `[4, 4]`."""
