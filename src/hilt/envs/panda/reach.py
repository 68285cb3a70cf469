"""Near its base the arm can hold its tool only tilted: the elbow does not fold any further.

With the tool straight down there, the wrist centre would come nearer to the shoulder than the folded elbow
allows. The position is kept, and the orientation gives way. (Swinging the elbow aside would keep both, at the
price of 80 degrees of joint 7 within a few centimetres.)
"""

from __future__ import annotations

import numpy as np

from hilt.envs import rotations
from hilt.envs.physics import Array

SHOULDER = np.array((0.0, 0.0, 0.333))
"""Where the axes of joints 1 to 3 meet, m."""

FLANGE, BEHIND = 0.107 + 0.1034, 0.088
"""From the tool's point to the wrist centre, where the axes of joints 5 and 6 meet: back along the tool, and
aside towards the base, m."""

FOLDED = 0.203
"""Least distance of the wrist centre from the shoulder, m; joint 4 at its limit leaves 0.2011."""

LEVER = float(np.hypot(FLANGE, BEHIND))


def within_reach(pos: Array, quat: Array) -> Array:
    """`quat` `[..., 4]` if the arm can hold its tool so at `pos` `[..., 3]` m; else the nearest that it can.

    The tool turns about its point, in the plane of shoulder, point and wrist centre. With p from the shoulder
    to the point and w from there to the wrist centre, |p + w| = FOLDED where the angle between p and w is

        acos((FOLDED^2 - |p|^2 - |w|^2) / (2 |p| |w|)).
    """
    point = pos - SHOULDER
    length = _length(point)
    if (length >= FOLDED + LEVER).all():  # most of the time: spare the rest
        return quat
    wrist = _wrist(pos, quat)
    if (_length(point + wrist) >= FOLDED).all():
        return quat
    length = np.maximum(length, rotations.TINY)
    cosine = (FOLDED**2 - length**2 - LEVER**2) / (2 * length * LEVER)
    normal = np.cross(wrist, point)
    sine = _length(normal)
    between = np.arctan2(sine, (wrist * point).sum(axis=-1))
    angle = np.maximum(between - np.arccos(np.clip(cosine, -1.0, 1.0)), 0.0)
    tilt = normal * (angle / np.maximum(sine, rotations.TINY))[..., None]
    return rotations.multiply(rotations.from_rotation_vector(tilt), quat)


def _wrist(pos: Array, quat: Array) -> Array:
    """From the tool's point to the wrist centre, `[..., 3]` m, with the elbow upright.

    That the arm's plane goes through the tool's point is exact for a tool in this plane, and near enough for
    one that leans up to 20 degrees out of it.
    """
    x, y = pos[..., 0], pos[..., 1]
    a, b, c = rotations.z_axis(quat)
    aside = np.stack((x * c, y * c, -(x * a + y * b)), axis=-1)  # (-y, x, 0), across the arm, times the tool
    scale = BEHIND / np.maximum(_length(aside), rotations.TINY)
    return aside * scale[..., None] - FLANGE * np.stack((a, b, c), axis=-1)


def _length(vector: Array) -> Array:
    return np.asarray(np.sqrt((vector * vector).sum(axis=-1)))
