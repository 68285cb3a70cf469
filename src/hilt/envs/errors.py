"""What can go wrong in a simulation."""

from __future__ import annotations

import traceback

from hilt.errors import UserError


class SimulationError(RuntimeError):
    """The physics became unstable or not finite; the step does not count, the episode is to be reset."""


class EnvironmentFailedError(UserError, RuntimeError):
    """An environment raised an exception of its own, which is the `__cause__`."""

    def __init__(self, name: str, what: str, cause: BaseException) -> None:
        place = traceback.extract_tb(cause.__traceback__)[-1]
        raised = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
        super().__init__(f"environment {name}: {what} raised {raised} ({place.filename}:{place.lineno})")


class SimulatorVersionError(UserError, RuntimeError):
    """MuJoCo is too old."""


class RenderingError(UserError, RuntimeError):
    """No picture can be drawn here. The message says what to install or which variable to set."""
