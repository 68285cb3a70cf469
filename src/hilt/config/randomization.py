"""`env.randomization`: what differs between episodes beside the places of things (hilt's own tasks)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hilt.config.fields import NonNegativeFloat, Section

Share = Annotated[float, Field(ge=0, lt=1)]


class RandomizationConfig(Section):
    """Drawn anew for each episode, uniformly, from its seed; `info["randomization"]` has what was drawn."""

    light: Share = 0.0
    """Share by which lights are brighter or darker; their direction turns by as much [rad]."""
    colour: NonNegativeFloat = 0.0
    """Change of every visible part's red, green and blue, each of 1; below 0.2 colours keep their names."""
    camera_position: NonNegativeFloat = 0.0
    """Shift [m] of the cameras that the policy sees through, along each axis."""
    camera_rotation: NonNegativeFloat = 0.0
    """Their turn [rad] about each axis."""
    friction: Share = 0.0
    """Share by which all sliding frictions are more or less."""
    mass: Share = 0.0
    """Share by which each object is heavier or lighter."""
    latency_s: NonNegativeFloat = 0.0
    """Longest time [s] until an action is executed, in whole control steps."""
    sensor_noise: NonNegativeFloat = 0.0
    """Standard deviation of noise on every number observed, in its unit (m, rad, N), at every step."""
