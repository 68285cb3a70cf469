"""The scene of an environment as plain data: what it is made of, and where everything is at one moment.

Metres, radians, newtons; the world's axes are x forward from the robot, y to its left, z up. A pose `[7]` is
a position and a unit quaternion (w, x, y, z).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Triple = tuple[float, float, float]
Four = tuple[float, float, float, float]
Kind = Literal["plane", "sphere", "capsule", "ellipsoid", "cylinder", "box"]


@dataclass(frozen=True, slots=True)
class Solid:
    """A shape that is fixed to a body."""

    kind: Kind
    body: int
    """Row of `Frame.bodies`."""
    size: Triple
    """As MuJoCo has it: half edges, radii, or radius and half length, m."""
    position: Triple
    """In the body's frame, m."""
    orientation: Four
    """In the body's frame, unit quaternion."""
    colour: Four
    """Red, green, blue, opacity, 0..1."""


@dataclass(frozen=True, slots=True)
class RobotBodies:
    """Which bodies are the robot, and where its tool may go."""

    arm: tuple[int, ...]
    """Without the hand: an observer may want to see through them."""
    hand: int
    fingers: tuple[int, ...]
    """Each opens along its own y."""
    low: Triple
    """Low corner of the box that the tool stays in, m."""
    high: Triple


@dataclass(frozen=True, slots=True)
class Scene:
    """What does not change from step to step."""

    solids: tuple[Solid, ...]
    bodies: int
    robot: RobotBodies | None = None


@dataclass(frozen=True, slots=True)
class ToolState:
    """What the robot's tool does at one moment."""

    pose: Array
    """`[7]`, of the point between the fingertips."""
    target: Array
    """`[7]`: where it was told to be."""
    opening: float
    """Between the fingers, m."""
    target_opening: float
    holds: bool
    """Both fingers touch one thing."""
    below: float
    """Height of the surface straight under the tool and what it holds, m; NaN: nothing is there."""
    force: Array | None = None
    """`[3]` N in the world's axes: what pushes the tool; None: it is not measured."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where everything is after one control step."""

    bodies: Array
    """`[B, 7]`: the pose of each body in the world."""
    tool: ToolState | None = None
    proposed: Array | None = None
    """`[3]` m: how the policy would have moved the tool's target in this step."""
