"""`hilt compare`: runs side by side, as a table and as one page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from hilt.commands.options import options_of
from hilt.config.errors import ConfigError
from hilt.runs.comparison import Group, grouped, read_runs
from hilt.runs.comparison_page import write_page
from hilt.runs.comparison_table import EXPLANATION, aligned, table

PAGE = "comparison.html"
_WIDTH = 100


def main(arguments: Sequence[str]) -> int:
    """A table on the terminal and a page; the exit code."""
    count = next((i for i, word in enumerate(arguments) if word.startswith("--")), len(arguments))
    runs = arguments[:count]
    output = options_of("compare", arguments[count:], optional=("output",)).get("output")
    if not runs:
        raise ConfigError("compare", "say `hilt compare RUN RUN ...`; a folder of runs stands for all in it")
    path = Path(output) if output else _beside(runs)
    print(report(compare(*runs, output=path), path))
    return 0


def compare(*runs: str | Path, output: str | Path | None = None) -> list[Group]:
    """`hilt compare`: the runs in these folders, grouped where they differ in their seed alone.

    Writes the page to `output`, if that is given.

    Raises:
        ConfigError: there is no run in one of the folders, or it cannot be read.
    """
    groups = grouped(read_runs([Path(run) for run in runs]))
    if output is not None:
        write_page(groups, Path(output))
    return groups


def report(groups: Sequence[Group], page: Path) -> str:
    """What the terminal shows."""
    return f"{aligned(table(groups))}\n\n{textwrap.fill(EXPLANATION, _WIDTH)}\n\npage: {page}"


def _beside(runs: Sequence[str]) -> Path:
    """In the folder that was named, or in `outputs` where there are several."""
    return Path(runs[0] if len(runs) == 1 else "outputs") / PAGE
