"""What a run that never began leaves in its folder, and how it goes away."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from hilt.config.resume import CONFIG_NAME, RUNS
from hilt.runs.layout import CHECKPOINTS, SPEC
from hilt.runs.lock import BusyError, sole_user

_FOLDERS = ("replay", "spool")
_FILES = (CONFIG_NAME, SPEC, "metrics.jsonl", "lock")


def remove_leftovers(run: Path, *, has_dataset: bool) -> None:
    """Of a run that never began nothing stays in its folder, nor the folder if it is empty then.

    It began when there is a checkpoint, or steps that nothing would give again: those of actors, and
    demonstrations that were not read from a dataset. Then only its configuration goes: the same command may
    be given again.
    """
    if not run.is_dir() or (run / CHECKPOINTS).exists():
        return
    try:
        with sole_user(run, 0.0, lambda text: None):
            if _holds_steps(run, has_dataset):
                (run / CONFIG_NAME).unlink(missing_ok=True)
                return
            for folder in _FOLDERS:
                shutil.rmtree(run / folder, ignore_errors=True)
            for name in _FILES:
                (run / name).unlink(missing_ok=True)
    except BusyError:
        return
    _remove_empty(run)


def _holds_steps(run: Path, has_dataset: bool) -> bool:
    if any(path.stat().st_size for path in run.glob("spool/*/*") if path.name != "lock"):
        return True
    if not (run / "replay").is_dir():
        return False
    from hilt.data.episode_log import read_log
    from hilt.data.routing import Source

    return any(source is Source.ONLINE or not has_dataset for _, source in read_log(run / "replay"))


def _remove_empty(run: Path) -> None:
    """The folder, and those above it that hilt itself had made for it."""
    above = [folder for folder in (RUNS / run.parent.name, RUNS, RUNS.parent) if run.is_relative_to(folder)]
    with suppress(OSError):
        for folder in (run, *above):
            folder.rmdir()
