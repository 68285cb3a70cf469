"""What a run shows to the people who watch it: pictures, and figures about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilt.data.scene import Frame

Picture = NDArray[Any]
"""uint8 [H, W, 3]."""

Outcome = Literal["success", "failure", "timeout", "discarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """One control step, in figures. None: not known, and not shown."""

    phase: str = ""
    """What the run is doing: "training", "recording", "evaluating", ..."""
    controller: Literal["policy", "operator", "nobody"] = "nobody"
    """Who chose the action of this step."""
    episode: int = 0
    step: int = 0
    """Of this episode."""
    time_s: float = 0.0
    """Clock of this episode [s]."""
    time_limit_s: float | None = None
    outcome: Outcome | None = None
    """Set on the last step of an episode."""
    episodes_remaining: int | None = None
    success_rate: float | None = None
    """Share of recent episodes that succeeded, with help or without, 0..1."""
    success_rate_without_help: float | None = None
    """Share of recent episodes that succeeded without a step by the operator, 0..1."""
    intervention_rate: float | None = None
    """Share of recent steps in which the operator was in control, 0..1."""
    actor_hz: float | None = None
    learner_hz: float | None = None
    weights_age_s: float | None = None
    human_seconds: float = 0.0
    """Time at the controls, in all [s of the robot's time]."""
    watching_seconds: float = 0.0
    """Time in which a person was there, not in control, in all [s of the robot's time]."""
    human_seconds_episode: float = 0.0
    takeovers: int = 0
    takeovers_episode: int = 0
    waiting_for: str | None = None
    """What keeps the run from going on, in words."""
    message: str | None = None
    """What the person should do next, in words."""
    countdown_s: float | None = None
    """Until the next episode begins [s]."""
    asks: Literal["keep", "begin", "judge", "ready"] | None = None
    """The run waits: for "keep" or "discard"; a takeover or "enough"; "succeeded" or "failed"; "ready"."""


@dataclass(frozen=True, slots=True)
class View:
    """One control step, to be looked at."""

    telemetry: Telemetry
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    """What the policy's cameras saw, by their names."""
    view: Picture | None = None
    """A larger picture for people."""
    frame: Frame | None = None
    """Where everything is, for pages that draw the scene themselves."""


def heading_of(camera: NDArray[np.float64]) -> float:
    """Where "away from me" points for who looks through a camera, as an angle about z from x [rad].

    `camera` is its orientation [3, 3] in the world, columns x right, y up, z back (MuJoCo's `cam_xmat`).
    """
    back, up = camera[:, 2], camera[:, 1]
    away = up if abs(back[2]) > 0.98 else -back
    return float(np.arctan2(away[1], away[0]))
