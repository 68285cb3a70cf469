"""What `hilt doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `fix` says the way out where something is missing."""

    what: str
    state: str
    fix: str = ""
