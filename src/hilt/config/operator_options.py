"""Options belong to the operator that they are for, so that another one may be chosen on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PEOPLE = ("keyboard", "gamepad", "quest", "browser")
"""Operators that are people."""
OPERATORS = ("none", "scripted", *PEOPLE)


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(options by operator, those that are said for whichever operator there is)."""
    sections = {name: dict(value) for name, value in options.items() if _is_operator(name, value)}
    return sections, {name: value for name, value in options.items() if name not in sections}


def assign_options(data: dict[str, Any]) -> None:
    """In a file's `data`, options without an operator become those of the operator that the file names."""
    operator, options = data.get("operator"), data.get("operator_options")
    if isinstance(operator, str) and isinstance(options, Mapping):
        sections, flat = split_options(options)
        if flat:
            sections[operator] = {**sections.get(operator, {}), **flat}
        data["operator_options"] = sections


def _is_operator(name: str, value: Any) -> bool:
    return (name in OPERATORS or ":" in name) and isinstance(value, Mapping)
