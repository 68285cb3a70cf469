# ruff: noqa: RUF012 -- pydantic copies mutable defaults
"""`env.robot`: a real arm, for `"env.type": "franka"`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from hilt.config.fields import NonNegativeInt, PositiveFloat, PositiveInt, Refused, Section, invalid


class CameraConfig(Section):
    """One camera of a real arm."""

    source: str
    """`/dev/video0`, `rtsp://...`, `http://...` (MJPEG), a video file, or a class of yours,
    `package.module:Class`."""
    size: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] = [128, 128]
    """[height, width] in pixels of its pictures."""
    crop: Annotated[list[NonNegativeInt], Field(min_length=4, max_length=4)] | None = None
    """[top, left, height, width] in pixels, cut out before resizing; null: the largest part of that shape."""
    options: dict[str, Any] = {}
    """FFmpeg's options of the device, or the arguments of the class."""


class RobotConfig(Section):
    type: Annotated[str, Refused("hilt drives a Franka, and arms in simulation", ("franka",))] = "franka"
    """Which arm."""
    ip: str = ""
    """Its address."""
    gripper: bool = True
    """The Franka Hand is mounted."""
    cameras: dict[str, CameraConfig] = {}
    """Name -> `{"source": ..., "size": [height, width], "crop": ..., "options": {}}`."""
    home: Annotated[list[float], Field(min_length=7, max_length=7)] | None = None
    """Joint positions [rad] at the beginning of an episode; null: those of the simulated arm."""
    speed: PositiveFloat = 0.5
    """Greatest speed [m/s] of the tool."""
    acceleration: PositiveFloat = 3.0
    """Greatest acceleration [m/s^2] of the tool."""
    stiffness: PositiveFloat = 750.0
    """Of the tool [N/m] against being pushed aside."""
    force_limit: PositiveFloat = 30.0
    """External force [N] at the tool from which the arm gives way; at twice that its own reflex stops it."""
    hold_to_run: bool = True
    """The policy acts only while a person holds the key or button that says so."""
    shadow: bool = False
    """The policy sees everything and commands nothing; what it would have done is shown and recorded."""
    reset: str = "person"
    """Who puts the scene back once the arm is at home: a `person` at the page; `nothing` has to be put back;
    or a function of yours, `package.module:function`, which is given the arm."""
    recover: list[str] = []
    """Reflexes after which the arm goes on without a person's word."""
    realtime: Literal["enforce", "ignore"] = "enforce"
    """`ignore` on a computer without a real-time kernel."""

    def require(self, cameras: Iterable[str]) -> None:
        """The arm can be reached, and has the `cameras` that the features name."""
        if not self.ip:
            raise invalid("the address of the arm is needed", "robot", "ip")
        if missing := sorted(set(cameras) - set(self.cameras)):
            raise invalid(f"no camera is called {missing[0]}", "robot", "cameras")
