"""Unit quaternions (w, x, y, z) and rotation vectors [rad], for any leading dimensions `[...]`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TINY = 1e-12


def multiply(left: Array, right: Array) -> Array:
    """The rotation `right`, then the rotation `left`; `[..., 4]` each."""
    w, x, y, z = (left[..., i] for i in range(4))
    s, a, b, c = (right[..., i] for i in range(4))
    return np.stack(
        (
            w * s - x * a - y * b - z * c,
            w * a + x * s + y * c - z * b,
            w * b - x * c + y * s + z * a,
            w * c + x * b - y * a + z * s,
        ),
        axis=-1,
    )


def conjugate(quat: Array) -> Array:
    """The inverse rotation, `[..., 4]`."""
    return np.asarray(quat * np.array((1.0, -1.0, -1.0, -1.0)))


def from_rotation_vector(vector: Array) -> Array:
    """`[..., 3]` rad -> `[..., 4]`."""
    angle = np.sqrt((vector * vector).sum(axis=-1, keepdims=True))
    scale = np.sin(angle / 2) / np.maximum(angle, TINY)
    return np.concatenate((np.cos(angle / 2), vector * scale), axis=-1)


def to_rotation_vector(quat: Array) -> Array:
    """`[..., 4]` -> `[..., 3]` rad, the short way round (angle at most pi)."""
    quat = np.where(quat[..., :1] < 0, -quat, quat)
    sine = np.sqrt((quat[..., 1:] * quat[..., 1:]).sum(axis=-1, keepdims=True))
    angle = 2 * np.arctan2(sine, quat[..., :1])
    return np.asarray(quat[..., 1:] * (angle / np.maximum(sine, TINY)))


def limit_angle(quat: Array, reference: Array, max_angle: float) -> Array:
    """`quat`, turned back towards `reference` where it is more than `max_angle` rad away from it."""
    vector = to_rotation_vector(multiply(quat, conjugate(reference)))
    angle = np.sqrt((vector * vector).sum(axis=-1, keepdims=True))
    scale = np.minimum(1.0, max_angle / np.maximum(angle, TINY))
    return multiply(from_rotation_vector(vector * scale), reference)


def yaw(quat: Array) -> Array:
    """Heading of the frame's x axis about the world's z axis, rad, `[...]`."""
    w, x, y, z = (quat[..., i] for i in range(4))
    return np.asarray(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def z_axis(quat: Array) -> tuple[Array, Array, Array]:
    """The frame's z axis in the world, x, y and z `[...]` each."""
    w, x, y, z = (quat[..., i] for i in range(4))
    return 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)
