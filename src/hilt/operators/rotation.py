"""Unit quaternions `[4]` (w, x, y, z) and rotation vectors `[3]` [rad]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

IDENTITY: Vector = np.array([1.0, 0.0, 0.0, 0.0])


def multiply(a: Vector, b: Vector) -> Vector:
    """The rotation `b`, then `a`."""
    real = a[0] * b[0] - a[1:] @ b[1:]
    imaginary = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.concatenate([[real], imaginary])


def inverse(quaternion: Vector) -> Vector:
    conjugate: Vector = quaternion * np.array([1.0, -1.0, -1.0, -1.0])
    return conjugate


def from_vector(rotation: Vector) -> Vector:
    """The quaternion of the rotation vector `rotation` [rad]."""
    angle = float(np.linalg.norm(rotation))
    return np.concatenate([[np.cos(angle / 2)], rotation * np.sinc(angle / (2 * np.pi)) / 2])


def to_vector(quaternion: Vector) -> Vector:
    """The rotation vector [rad] of the shorter way round."""
    quaternion = quaternion if quaternion[0] >= 0 else -quaternion
    sine = float(np.linalg.norm(quaternion[1:]))
    if sine < 1e-9:
        return 2 * quaternion[1:]
    angle = 2 * float(np.arctan2(sine, quaternion[0]))
    return quaternion[1:] * angle / sine
