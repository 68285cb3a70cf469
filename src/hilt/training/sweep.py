"""A sweep: many trainings, each `hilt train` in a folder of its own, as many at a time as there is room for.

What is over is known by its files alone, so that a sweep that ended, however it ended, goes on when it is
started again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from hilt.config.errors import ConfigError, repr_short
from hilt.config.resume import CONFIG_NAME
from hilt.config.run import RunConfig
from hilt.config.write import to_dict, to_json
from hilt.runs.comparison import settings_of
from hilt.runs.layout import CHECKPOINTS

LOG = "train.log"
"""In the folder of a run: what `hilt train` said."""
_POLL_S = 0.1
_MOST_DEATHS = 3
"""In a row, without a checkpoint in between; one more is the end."""
_CANNOT = 2
"""Exit code of a command that says what is to be mended."""


class State(StrEnum):
    """Of one training."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Protocol):
    """A `hilt train` that was started somewhere."""

    @property
    def where(self) -> str:
        """The node, in a word; "" where there is one only, or not known yet."""
        ...

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or waits for its node; negative: it was killed, or its node died."""
        ...

    def terminate(self) -> None:
        """Ask it to end; it saves."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Places(Protocol):
    """Where trainings run."""

    def start(self, folder: Path) -> Job | None:
        """Begin, or go on with, the run in `folder`; None: there is no room now."""
        ...


@dataclass(slots=True)
class Trial:
    """One training of the sweep."""

    name: str
    folder: Path
    config: RunConfig
    state: State = State.WAITING
    job: Job | None = None
    resumed: int = 0
    """How often it went on after a death."""
    why: str = ""
    """It failed."""
    _prepared: bool = False
    _deaths: int = 0
    _saved: str = ""

    @property
    def is_to_do(self) -> bool:
        return self.state in (State.WAITING, State.RUNNING)

    @property
    def is_over(self) -> bool:
        """Its evaluation is there, whole."""
        try:
            found = json.loads((self.folder / "eval" / "eval.json").read_text())
            return bool(found["n_episodes"] == self.config.eval.n_episodes)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def prepare(self) -> None:
        """Write, once, what `hilt train --resume=true` goes on with, from the beginning on."""
        if not self._prepared:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / ".config.partial"
            temporary.write_text(to_json(self.config))
            temporary.replace(self.folder / CONFIG_NAME)
            self._prepared = True

    def ended(self, code: int) -> None:
        """Its job did, with `code`: it is over, or has failed, or waits to go on from its last checkpoint."""
        self.job = None
        if self.is_over:
            self.state = State.DONE
        elif code in (0, _CANNOT):
            self._fail(_last_line(self.folder / LOG) or f"it ended with exit code {code}")
        else:
            self._deaths = self._deaths + 1 if self._checkpoint == self._saved else 1
            self._saved, self.state = self._checkpoint, State.WAITING
            self.resumed += 1
            if self._deaths > _MOST_DEATHS:
                self._fail(f"it died {self._deaths} times and got no further")

    def _fail(self, why: str) -> None:
        self.state, self.why = State.FAILED, f"{why} ({self.folder / LOG})"

    @property
    def _checkpoint(self) -> str:
        last = self.folder / CHECKPOINTS / "last"
        return last.resolve().name if last.is_dir() else ""


def trials(folder: Path, configs: Mapping[str, RunConfig]) -> list[Trial]:
    """The trainings of the sweep in `folder`; those that are over already are known as such.

    Raises:
        ConfigError: a folder holds a run of another configuration.
    """
    found = []
    for name, config in configs.items():
        trial = Trial(name, folder / name, config)
        if (trial.folder / CONFIG_NAME).is_file():
            _require_same(trial)
        trial.state = State.DONE if trial.is_over else State.WAITING
        found.append(trial)
    return found


class Sweep:
    """Runs `trials` in `places` until each is over or has failed."""

    def __init__(
        self, trials: Sequence[Trial], places: Places, show: Callable[[Sequence[Trial]], None]
    ) -> None:
        self.trials, self._places, self._show = trials, places, show

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Until nothing is left to do, or `should_stop()`; all can be gone on with then."""
        try:
            while not should_stop() and any(trial.is_to_do for trial in self.trials):
                self._look()
                self._start()
                self._show(self.trials)
                time.sleep(_POLL_S)
        finally:
            self._end()
            self._show(self.trials)

    def kill(self) -> None:
        """End everything at once."""
        for job in self._jobs():
            job.kill()

    def _jobs(self) -> list[Job]:
        return [trial.job for trial in self.trials if trial.job is not None]

    def _look(self) -> None:
        for trial in self.trials:
            if trial.job is not None and (code := trial.job.exit_code) is not None:
                trial.ended(code)

    def _start(self) -> None:
        for trial in self.trials:
            if trial.state is not State.WAITING:
                continue
            trial.prepare()
            trial.job = self._places.start(trial.folder)
            if trial.job is None:
                return
            trial.state = State.RUNNING

    def _end(self) -> None:
        """Ask what still runs to save and end, and wait for it."""
        for job in self._jobs():
            job.terminate()
        for trial in self.trials:
            while trial.job is not None:
                if trial.job.exit_code is not None:
                    trial.job = None
                    trial.state = State.DONE if trial.is_over else State.WAITING
                else:
                    time.sleep(_POLL_S)


def train_arguments(folder: Path) -> Sequence[str]:
    """Of the command that begins, or goes on with, the run in `folder`, whose configuration is there."""
    return ["train", "--resume=true", f"--output_dir={folder}"]


def _require_same(trial: Trial) -> None:
    before = settings_of(json.loads((trial.folder / CONFIG_NAME).read_text()))
    now = settings_of(to_dict(trial.config))
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            difference = f"{key} = {repr_short(before.get(key))}, not {repr_short(now.get(key))}"
            raise ConfigError(str(trial.folder), f"holds a run with {difference}: take another --output_dir")


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n") if path.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
