"""Programs that tests start: they find the tests' own modules by their full names, `tests.folder.module`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The folder that holds `tests`."""


def environment_with_tests() -> dict[str, str]:
    """The environment variables of this process, for a program that imports `tests`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
