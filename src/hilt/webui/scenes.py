"""Scenes as the pages get them: what they are made of as text, once; where everything is as numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from hilt.data.scene import Frame, Scene, Solid, ToolState
from hilt.webui.pictures import TAG_BYTES

TAG = b"pose"
"""The first bytes of the message."""
_DIGITS = 5


def describe(scene: Scene | None) -> str:
    """The message `scene`. Each solid: [kind, body, size, position, orientation, colour]."""
    said: dict[str, object] = {"type": "scene", "bodies": 0, "solids": [], "robot": None}
    if scene is not None:
        solids = [_solid(solid) for solid in scene.solids]
        robot = None if scene.robot is None else asdict(scene.robot)
        said |= {"bodies": scene.bodies, "solids": solids, "robot": robot}
    return json.dumps(said, separators=(",", ":"))


def pack(episode: int, frame: Frame) -> bytes:
    """The tag, then float32, little endian; NaN: not known.

    The number of the episode; of the tool its pose [7], target [7], opening, target opening, whether it
    holds something, the height of the surface below, the force on it [3]; the policy's proposed way [3]; the
    pose [7] of each body.
    """
    assert len(TAG) == TAG_BYTES
    number = np.array([float(episode)])
    parts = (number, _tool(frame.tool), _three(frame.proposed), frame.bodies.ravel())
    return TAG + np.concatenate(parts).astype("<f4").tobytes()


def _tool(tool: ToolState | None) -> NDArray[np.float64]:
    if tool is None:
        return np.full(21, np.nan)
    figures = [tool.opening, tool.target_opening, float(tool.holds), tool.below]
    return np.concatenate((tool.pose, tool.target, figures, _three(tool.force)))


def _three(values: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return np.full(3, np.nan) if values is None else values


def _solid(solid: Solid) -> list[object]:
    numbers = [_rounded(part) for part in (solid.size, solid.position, solid.orientation, solid.colour)]
    return [solid.kind, solid.body, *numbers]


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]
