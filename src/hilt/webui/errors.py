"""`SeatUnavailableError`."""

from hilt.errors import UserError


class SeatUnavailableError(UserError, RuntimeError):
    """The page cannot be served. The message says why, and what to do."""
