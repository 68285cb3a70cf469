"""Trainings of a sweep on this machine, each on its own share of the processor's cores."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hilt.training.processes import Child
from hilt.training.resources import shares
from hilt.training.sweep import LOG, train_arguments


class LocalJob:
    """A `hilt train` on this machine. It ends, and saves, when the sweep's process is gone."""

    where = ""

    def __init__(self, folder: Path, cores: set[int]) -> None:
        self._child = Child("training", train_arguments(folder), {}, folder / LOG)
        self.cores = cores
        starting = threading.Thread(target=self._start)  # the cores of a thread are those of what it starts
        starting.start()
        starting.join()

    @property
    def exit_code(self) -> int | None:
        return self._child.exit_code

    def terminate(self) -> None:
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()

    def _start(self) -> None:
        if self.cores:
            os.sched_setaffinity(0, self.cores)
        self._child.start()


class LocalPlaces:
    """Room for `count` trainings at a time."""

    def __init__(self, count: int) -> None:
        self._shares = shares(count)
        self._jobs: list[LocalJob | None] = [None] * count

    def start(self, folder: Path) -> LocalJob | None:
        """Begin, or go on with, the run in `folder`; None: all places are taken."""
        for place, job in enumerate(self._jobs):
            if job is None or job.exit_code is not None:
                self._jobs[place] = started = LocalJob(folder, self._shares[place])
                return started
        return None
