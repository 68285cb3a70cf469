"""The live status of a run: one line that stays in place on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from hilt.runs.history import History
from hilt.runs.metrics import Metrics

_PLAIN_INTERVAL_S = 5.0


@dataclass(slots=True)
class Status:
    """What a person wants to know of a run at a glance."""

    phase: str = "starting"
    waiting_for: str = ""
    env_steps: int = 0
    updates: int = 0
    success_rate: float = 0.0
    intervention_rate: float = 0.0
    steps_per_s: float = 0.0
    updates_per_s: float = 0.0
    elapsed_s: float = 0.0
    left_s: float | None = None

    def line(self) -> str:
        """The same as one line of text."""
        if self.waiting_for:
            return f"{self.phase}: waiting for {self.waiting_for}"
        left = "" if self.left_s is None else f", at most {_clock(self.left_s)} left"
        return " | ".join((self.phase, _clock(self.elapsed_s) + left, *self._figures()))

    def _figures(self) -> tuple[str, str, str]:
        return (
            f"{self.success_rate:.0%} of the last 20 succeeded without help",
            f"operator {self.intervention_rate:.0%} of steps",
            f"{self.env_steps} steps ({self.steps_per_s:.0f}/s), "
            f"{self.updates} updates ({self.updates_per_s:.0f}/s)",
        )

    def table(self) -> Table:
        """The same for a terminal."""
        table = Table.grid(padding=(0, 2))
        left = "" if self.left_s is None else f", at most {_clock(self.left_s)} left"
        table.add_row("[bold cyan]" + self.phase, _clock(self.elapsed_s) + left, self._waiting())
        table.add_row(*self._figures())
        return table

    def _waiting(self) -> str:
        return f"[yellow]waiting for {self.waiting_for}" if self.waiting_for else ""


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where a learner says how it stands."""

    metrics: Metrics
    history: History
    show: Callable[[Status], None]
    """To the person at the terminal."""


class StatusView:
    """Shows a `Status` on standard error, so that output stays clean; a context manager.

    Standard error may be a file on a disk that is full: training goes on unseen.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._next = 0.0
        self._last_line = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def show(self, status: Status) -> None:
        """Show `status` now; without a terminal, when the phase changes and every few seconds."""
        if self._console.is_terminal:
            self._live.update(status.table())
            return
        headline = f"{status.phase} {status.waiting_for}"
        if time.monotonic() < self._next and headline == self._last_line:
            return
        self._next, self._last_line = time.monotonic() + _PLAIN_INTERVAL_S, headline
        with suppress(OSError):
            print(status.line(), file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        with suppress(OSError):
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes}:{seconds:02d}"
