"""Errors of the networks."""

from hilt.errors import UserError


class UnsupportedModelError(UserError, ValueError):
    """A model that hilt cannot build; the message says why, and the way out."""
