"""What a page may say. Everything else is refused."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from hilt.operators.base import Event
from hilt.operators.controls import Held
from hilt.operators.hand import HandPose

LONGEST_MESSAGE = 1024
"""[bytes]"""

Fraction = Annotated[float, Field(ge=-1, le=1)]
Metres = Annotated[float, Field(ge=-10, le=10)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Hand(_Message):
    """A hand in space, in the robot's axes: position [m], orientation (w, x, y, z), the page's clock [s]."""

    position: tuple[Metres, Metres, Metres]
    orientation: tuple[Fraction, Fraction, Fraction, Fraction]
    time_s: float

    @field_validator("orientation")
    @classmethod
    def _is_a_rotation(cls, orientation: tuple[float, ...]) -> tuple[float, ...]:
        if abs(math.hypot(*orientation) - 1) > 0.02:
            raise ValueError("an orientation is a unit quaternion")
        return orientation

    def pose(self) -> HandPose:
        orientation = np.array(self.orientation)
        return HandPose(np.array(self.position), orientation / np.linalg.norm(orientation), self.time_s)


class Hold(_Message):
    """What is held at this moment: axes [7], clutch, and a hand if there is one."""

    type: Literal["hold"]
    motion: tuple[Fraction, Fraction, Fraction, Fraction, Fraction, Fraction, Fraction]
    clutch: bool
    hand: Hand | None = None

    def held(self) -> Held:
        return Held(np.array(self.motion), self.clutch, None if self.hand is None else self.hand.pose())


class Declare(_Message):
    """success, failure, rerecord, quit."""

    type: Literal["declare"]
    event: Event


class Ask(_Message):
    """Of the run: pause it, go on, stop it. Or the answer to what it asks (`Telemetry.asks`)."""

    type: Literal["ask"]
    what: Literal["pause", "resume", "stop", "keep", "discard", "enough", "succeeded", "failed", "ready"]


class Sit(_Message):
    """About the seat: take over or give back (`toggle`), ask for it, get up."""

    type: Literal["sit"]
    what: Literal["toggle", "request", "leave"]


class Answer(_Message):
    """The driver's, to a page that asks for the seat."""

    type: Literal["answer"]
    yes: bool


class Look(_Message):
    """The page is in sight, or hidden; `draws`: it can draw a scene, and needs no picture of it."""

    type: Literal["look"]
    looking: bool
    draws: bool = False


class Guard(_Message):
    """Of who watches a real arm: they hold, have let go, or want it to stop."""

    type: Literal["guard"]
    what: Literal["hold", "release", "halt"]


class Ping(_Message):
    """Comes back as it is: the page measures the way."""

    type: Literal["ping"]
    time_ms: float


Message = Hold | Declare | Ask | Sit | Answer | Look | Guard | Ping

_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def parse(text: str) -> Message:
    """The message in `text` (JSON). Raises ValueError for anything that a page does not say."""
    return _ADAPTER.validate_json(text)
