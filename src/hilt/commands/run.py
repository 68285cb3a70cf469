"""`hilt run`: what the file's `mode` says: record, replay, or null to drive the robot."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from hilt.config.load import load_config
from hilt.config.overrides import parse_command_line


def main(arguments: Sequence[str]) -> int:
    """The command that `mode` names; the exit code."""
    path, overrides = parse_command_line(arguments)
    verb = load_config(path, overrides).mode or "teleop"
    code: int = import_module(f"hilt.commands.{verb}").main(arguments)
    return code
