"""What each key means. A terminal and a viewer window give different things; the page has its own map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hilt.operators.actions import GRIPPER, PITCH, ROLL, YAW, Motion, X, Y, Z, zero_motion
from hilt.operators.base import Event

Axis = tuple[int, int]
"""An axis of a motion `[7]` and the direction along it, 1 or -1."""


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Keys by the names that their source gives them."""

    title: str
    axes: Mapping[str, Axis]
    events: Mapping[str, Event]
    toggle: str
    repeats: bool
    """The source repeats a key while it is held."""
    legend: tuple[tuple[str, str], ...]
    """(keys, meaning), to be shown on the screen."""

    def motion(self, keys: frozenset[str]) -> Motion:
        """The motion `[7]` while `keys` are held; opposite keys cancel out."""
        motion = zero_motion()
        for axis, direction in {self.axes[key] for key in keys if key in self.axes}:
            motion[axis] += direction
        return motion


_ROTATION: dict[str, Axis] = {
    "u": (ROLL, 1),
    "j": (ROLL, -1),
    "i": (PITCH, 1),
    "k": (PITCH, -1),
    "o": (YAW, 1),
    "l": (YAW, -1),
}
_ARROWS: dict[str, Axis] = {"up": (X, 1), "down": (X, -1), "left": (Y, 1), "right": (Y, -1)}

TERMINAL = KeyMap(
    title="terminal",
    axes={
        **_ARROWS,
        "w": (X, 1),
        "s": (X, -1),
        "a": (Y, 1),
        "d": (Y, -1),
        "e": (Z, 1),
        "c": (Z, -1),
        "page up": (Z, 1),
        "page down": (Z, -1),
        "f": (GRIPPER, -1),
        "g": (GRIPPER, 1),
        **_ROTATION,
    },
    events={"enter": Event.SUCCESS, "escape": Event.FAILURE, "r": Event.RERECORD, "q": Event.QUIT},
    toggle="space",
    repeats=True,
    legend=(
        ("Space", "take over, give back"),
        ("arrows or W A S D", "forward, left, back, right"),
        ("E C", "up, down"),
        ("F G", "close, open the gripper"),
        ("U J  I K  O L", "turn about x, y, z (7-D actions)"),
        ("Enter, Esc, R, Q", "success, failure, record again, quit"),
    ),
)
"""A terminal sends a byte per press and repeats it while a key is held; it says nothing when it is let go."""

VIEWER = KeyMap(
    title="viewer window",
    axes={
        **_ARROWS,
        "page up": (Z, 1),
        "page down": (Z, -1),
        "end": (GRIPPER, -1),
        "home": (GRIPPER, 1),
    },
    events={"enter": Event.SUCCESS, "delete": Event.FAILURE, "insert": Event.RERECORD, "f10": Event.QUIT},
    toggle="right shift",
    repeats=False,
    legend=(
        ("right Shift", "take over, give back"),
        ("arrows", "one step forward, left, back, right"),
        ("Page Up, Page Down", "one step up, down"),
        ("End, Home", "close, open the gripper by one step"),
        ("Enter, Delete, Insert, F10", "success, failure, record again, quit"),
    ),
)
"""MuJoCo's window tells of a press once and of no release; letters, digits, Space and Esc are its own."""
