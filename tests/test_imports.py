"""The direction of imports between the rooms of the house."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "hilt"
ROOMS = [
    "algorithms",
    "benchmarks",
    "config",
    "data",
    "networks",
    "operators",
    "processors",
    "rewards",
    "seat",
    "sim",
    "training",
    "transport",
]
EVERYWHERE = {"errors"}

MAY_USE: dict[str, set[str]] = {
    "sim": set(),
    "data": set(),
    "networks": set(),
    "processors": {"data"},
    "operators": set(),
    "seat": {"operators"},
    "algorithms": {"networks", "data", "processors"},
    "transport": {"data"},
    "config": set(),
}
"""What else a room may use, besides the errors that everybody shares. Rooms that are not here join others."""


def modules(room: str) -> list[Path]:
    return sorted((SOURCE / room).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """First names below `hilt` that a module imports, at its head or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hilt."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "hilt":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("hilt."))


@pytest.mark.parametrize("room", MAY_USE)
def test_a_room_knows_only_those_that_it_may(room: str) -> None:
    allowed = MAY_USE[room] | {room} | EVERYWHERE
    strangers = {
        f"{path.relative_to(SOURCE)} uses {name}"
        for path in modules(room)
        for name in imported(path)
        if name not in allowed
    }
    assert not strangers


def test_every_room_is_known_here() -> None:
    assert {path.parent.name for path in SOURCE.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_uses_the_command_line(room: str) -> None:
    assert not [path for path in modules(room) if {"cli", "commands"} & set(imported(path))]


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after `statement`."""
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_a_configuration_is_checked_without_torch_or_mujoco() -> None:
    loaded = loaded_by("import hilt.config.load, hilt.config.requirements, hilt.config.resume, hilt.cli")
    assert not loaded & {"torch", "mujoco", "grpc", "av", "pyarrow", "matplotlib"}


def test_importing_hilt_is_cheap() -> None:
    assert not loaded_by("import hilt") & {"torch", "mujoco", "grpc", "av", "pydantic"}


def test_the_supervisor_and_the_link_it_tells_need_no_torch() -> None:
    assert not loaded_by("import hilt.training.local, hilt.serving") & {"torch", "mujoco", "grpc", "av"}
