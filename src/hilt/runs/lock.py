"""Who may work in a folder: one process at a time, and nobody has to clean up after one that was killed."""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from hilt.errors import UserError

_POLL_S = 0.2
TAKEOVER_S = 15.0
"""What is left of an earlier process of the same run has this long to end."""


class BusyError(UserError, RuntimeError):
    """Another process is at work in the folder."""


@contextmanager
def sole_user(folder: Path, wait_s: float, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold `folder/lock`, waiting up to `wait_s` seconds for a process that has it and may be about to end.

    Raises:
        BusyError: it does not end. OSError: the folder cannot be written.
    """
    deadline, told = time.monotonic() + wait_s, False
    while (file := _try_lock(folder)) is None:
        if time.monotonic() >= deadline:
            raise BusyError(f"{folder} is in use by another process{_whose(folder)}: stop that one first")
        if not told:
            tell(f"waiting for another process{_whose(folder)} to leave {folder}")
            told = True
        time.sleep(_POLL_S)
    with file:
        yield


@contextmanager
def first_free(parent: Path, prefix: str) -> Iterator[tuple[int, Path]]:
    """(number, folder): hold the first of `parent/PREFIX0`, `PREFIX1`, ... that nobody has."""
    for number in itertools.count():
        folder = parent / f"{prefix}{number}"
        if (file := _try_lock(folder)) is not None:
            with file:
                yield number, folder
            return


def _try_lock(folder: Path) -> FileIO | None:
    """The locked file; closing it, or the end of this process, frees it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = FileIO(folder / "lock", "a+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(f"{os.getpid()}\n".encode())
    return file


def _whose(folder: Path) -> str:
    """The process that has the lock, as far as it says."""
    text = (folder / "lock").read_text().strip()
    return f" (number {text})" if text.isdecimal() else ""
