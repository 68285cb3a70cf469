# ruff: noqa: RUF012 -- pydantic copies mutable defaults
"""`env.robot`: which arm; a simulated one, or for `"env.type": "franka"` a real one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from hilt.config.fields import NonNegativeInt, PositiveFloat, PositiveInt, Section, invalid

PANDA, FRANKA = "panda", "franka"
SIMULATED = {PANDA: "hilt.envs.panda.robot:Panda"}
"""Name of each simulated arm that comes with hilt -> its class, "module:Class"."""
JOINTS = {PANDA: 7, FRANKA: 7}
"""Number of joints of the arms that come with hilt; of an arm of the user's, its class knows it."""
_UNKNOWN = f"refused, hilt drives a Franka, and simulates {', '.join(SIMULATED)} or package.module:Class"
_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def simulated_arm(name: str) -> str:
    """The class "module:Class" of the simulated arm called `name`. Raises ValueError where there is none."""
    if not _is_simulated(name):
        raise ValueError(f"robot {name!r}: {_UNKNOWN}")
    return SIMULATED.get(name, name)


def _is_simulated(name: str) -> bool:
    return name in SIMULATED or _CLASS.fullmatch(name) is not None


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
    """Which arm, and how a real one is used."""

    type: str = PANDA
    """Simulated: `panda`, or an arm of yours, `package.module:Class`; a text in place of this section says
    the same: `"robot": "panda"`. Real: `franka`, implied by `"env.type": "franka"`. The other keys are a
    real arm's."""
    ip: str = ""
    """Address of the arm."""
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

    @property
    def joints(self) -> int | None:
        """How many the arm has; None: its class knows."""
        return JOINTS.get(self.type)

    @property
    def comes_with_hilt(self) -> bool:
        """Every installation has the arm."""
        return self.type in JOINTS

    def require_simulated(self) -> None:
        """There is such an arm in simulation, and nothing is said that only a real one has."""
        if self.type == FRANKA or self.model_dump() != RobotConfig(type=self.type).model_dump():
            raise invalid('a real arm needs "env.type": "franka"', "robot")
        if not _is_simulated(self.type):
            raise invalid(_UNKNOWN, "robot")

    def require_real(self, cameras: Iterable[str]) -> None:
        """The arm can be reached, and has the `cameras` that the features name."""
        if self.type != FRANKA:
            raise invalid(_UNKNOWN, "robot")
        if not self.ip:
            raise invalid("the address of the arm is needed", "robot", "ip")
        if missing := sorted(set(cameras) - set(self.cameras)):
            raise invalid(f"no camera is called {missing[0]}", "robot", "cameras")
