"""The direction of imports between the rooms of the house, and the size of what is in them."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "hilt"

FLOORS = [
    {"benchmarks", "commands"},
    {"training"},
    {"session"},
    {"build"},
    {"rewards"},
    {"runs"},
    {"rollout"},
    {"algorithms", "envs"},
    {"processors", "transport", "webui"},
    {"config", "data", "networks", "operators"},
    {"errors"},
]
"""A room may use rooms on lower floors only: neither one above it nor one beside it."""
ENTRIES = {"__init__", "__main__"}
"""What opens the house from outside may use every room, and no room may use it."""

MOST_ROOMS, MOST_ARROWS = 24, 100
LONGEST_FUNCTION, LONGEST_MODULE = 50, 330
MEDIAN_FUNCTION = 7
MOST_ARGUMENTS = 8
"""Of a constructor, without self."""


@cache
def modules() -> dict[Path, ast.Module]:
    """Every module by its path below `src/hilt`, without what protoc has generated."""
    paths = sorted(path for path in SOURCE.rglob("*.py") if "_pb2" not in path.name)
    return {path.relative_to(SOURCE): ast.parse(path.read_text()) for path in paths}


def room_of(path: Path) -> str:
    """The room of a module: its folder at the top of the package; a loose module is a room, too."""
    return path.parts[0].removesuffix(".py")


def imported(module: ast.Module) -> Iterator[str]:
    """Rooms that a module imports, at its head or inside its functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "hilt":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hilt."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("hilt."))


def arrows() -> dict[tuple[str, str], str]:
    """(room, room that it uses) and one module that does."""
    return {
        (room_of(path), used): str(path)
        for path, module in modules().items()
        for used in imported(module)
        if used != room_of(path) and room_of(path) not in ENTRIES
    }


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def test_rooms_use_lower_floors_only() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    wrong = {f"{path}: {a} uses {b}" for (a, b), path in arrows().items() if floor[b] <= floor[a]}
    assert not wrong


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(path) for path in modules()} - ENTRIES
    assert rooms == set().union(*FLOORS)


def test_the_house_stays_small(capsys: pytest.CaptureFixture[str]) -> None:
    folders = {path.parent for path in modules() if len(path.parent.parts) in (1, 2)}
    loose = {path for path in modules() if len(path.parts) == 1 and path.stem not in ENTRIES}
    with capsys.disabled():
        print(f"\n{len(folders) + len(loose)} rooms, {len(arrows())} arrows, 0 circles of folders")
    assert len(folders) + len(loose) <= MOST_ROOMS
    assert len(arrows()) <= MOST_ARROWS


def test_constructors_take_few_arguments() -> None:
    constructors = {name: node.args for name, node in functions() if name.endswith(" __init__")}
    assert constructors
    numbers = {name: len(args.args) - 1 + len(args.kwonlyargs) for name, args in constructors.items()}
    assert {name for name, number in numbers.items() if number > MOST_ARGUMENTS} == set()


def test_functions_and_modules_stay_small() -> None:
    assert not [name for name, function in functions() if length(function) > LONGEST_FUNCTION]
    assert statistics.median(length(function) for _, function in functions()) <= MEDIAN_FUNCTION
    too_long = [path for path in modules() if (SOURCE / path).read_text().count("\n") > LONGEST_MODULE]
    assert not too_long


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after `statement`."""
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_a_configuration_is_checked_without_torch_or_mujoco() -> None:
    loaded = loaded_by(
        "import hilt.config.load, hilt.config.requirements, hilt.config.resume, hilt.commands.main"
    )
    assert not loaded & {"torch", "mujoco", "grpc", "av", "pyarrow", "matplotlib"}


def test_importing_hilt_is_cheap() -> None:
    assert not loaded_by("import hilt") & {"torch", "mujoco", "grpc", "av", "pydantic"}


def test_the_supervisor_and_the_link_it_announces_need_no_torch() -> None:
    assert not loaded_by("import hilt.commands.train, hilt.session.page") & {"torch", "mujoco", "grpc", "av"}
