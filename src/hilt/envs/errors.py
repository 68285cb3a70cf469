"""What can go wrong in a simulation."""

from __future__ import annotations

from hilt.errors import UserError


class SimulationError(RuntimeError):
    """The physics became unstable or not finite; the step does not count, the episode is to be reset."""


class RenderingError(UserError, RuntimeError):
    """No picture can be drawn here. The message says what to install or which variable to set."""
