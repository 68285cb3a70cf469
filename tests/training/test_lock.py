"""One process per folder, and nothing to clean up after one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hilt.runs.lock import BusyError, first_free, sole_user

HOLD = """
import sys, time
from pathlib import Path
from hilt.runs.lock import sole_user
with sole_user(Path(sys.argv[1]), 0, print):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds `folder` until it is killed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_is_there_and_gets_in_when_the_first_is_killed(tmp_path: Path) -> None:
    told: list[str] = []
    with another_process(tmp_path) as first:
        with (
            pytest.raises(BusyError, match=rf"{tmp_path} is in use .*{first.pid}"),
            sole_user(tmp_path, 0, told.append),
        ):
            raise AssertionError("two at once")
        first.send_signal(signal.SIGKILL)
        with sole_user(tmp_path, 30, told.append):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_the_first_free_folder_is_taken(tmp_path: Path) -> None:
    with another_process(tmp_path / "actor-0"), first_free(tmp_path, "actor-") as (number, folder):
        assert (number, folder) == (1, tmp_path / "actor-1")
    with first_free(tmp_path, "actor-") as (number, _):
        assert number == 0
