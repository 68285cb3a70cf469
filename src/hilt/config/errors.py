"""`ConfigError`: one line that names the file, the key, its value and what is allowed."""

from __future__ import annotations

import json

from hilt.errors import UserError


class ConfigError(UserError, ValueError):
    """A configuration cannot be used. `str()` is one line for the person who wrote it; commands exit 2."""

    def __init__(self, origin: str, message: str) -> None:
        super().__init__(f"{origin}: {message}")
        self.origin = origin


def repr_short(value: object) -> str:
    """`value` as JSON, cut to what fits into a line."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
