"""What an environment raises is one line for the person; the whole trace is kept beside the run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hilt.envs.errors import EnvironmentFailedError

TRACE = "environment_error.txt"
"""In the folder of the run, or of the evaluation."""


@contextmanager
def trace_kept(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Writes the trace of an EnvironmentFailedError that is raised inside to `folder`, and lets it pass."""
    try:
        yield
    except EnvironmentFailedError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACE).write_text("".join(traceback.format_exception(error)))
        tell(f"the whole trace is in {folder / TRACE}")
        raise
