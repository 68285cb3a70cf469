"""How far the trainings of a sweep are: one table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from hilt.runs.metrics import newest_metrics
from hilt.session.console import say
from hilt.training.sweep import State, Trial

_SCREEN_S, _LINE_S = 1.0, 30.0
_HEAD = ("training", "state", "clock [s]", "steps", "without help", "last test alone", "resumed", "node")
_MOST_ROWS, _MOST_NAMED = 40, 4


class SweepScreen:
    """Shows the trainings of a sweep whenever it is called with them."""

    def __init__(self) -> None:
        console = Console(file=sys.stderr)
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._next = time.monotonic()
        self._known: dict[str, tuple[State, int]] = {}

    def __enter__(self) -> SweepScreen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, trials: Sequence[Trial]) -> None:
        """Show how far `trials` are, if it is time to, or one of them changed."""
        changed = [trial for trial in trials if self._known.get(trial.name) != (trial.state, trial.resumed)]
        if self._live is None:
            for trial in changed:
                for sentence in _news(trial, self._known.get(trial.name, (State.WAITING, 0))[1]):
                    say(f"{trial.name}: {sentence}")
        self._known.update({trial.name: (trial.state, trial.resumed) for trial in changed})
        if changed or time.monotonic() >= self._next:
            self._next = time.monotonic() + (_LINE_S if self._live is None else _SCREEN_S)
            if self._live is None:
                say("; ".join([_summary(trials), *_running(trials)]))
            else:
                self._live.update(_table(trials), refresh=True)


def _news(trial: Trial, resumed_before: int) -> Iterator[str]:
    """What has just become of it."""
    if trial.resumed > resumed_before:
        yield "died, and goes on from its last checkpoint"
    elif trial.state is State.FAILED:
        yield f"failed, {trial.why}"
    elif trial.state is not State.WAITING:
        yield trial.state


def _summary(trials: Sequence[Trial]) -> str:
    count = Counter(trial.state for trial in trials)
    return ", ".join(f"{count[state]} {state}" for state in State if count[state])


def _running(trials: Sequence[Trial]) -> list[str]:
    running = [trial for trial in trials if trial.state is State.RUNNING]
    known = [(trial.name, newest_metrics(trial.folder / "metrics.jsonl")) for trial in running[:_MOST_NAMED]]
    return [f"{name} at {metrics.get('step', 0):,} steps" for name, metrics in known]


def _table(trials: Sequence[Trial]) -> Table:
    """Those that run first, then those that failed, are done, wait."""
    order = [State.RUNNING, State.FAILED, State.DONE, State.WAITING]
    ranked = sorted(trials, key=lambda trial: order.index(trial.state))
    table = Table(*_HEAD, title=_summary(trials))
    for trial in ranked[:_MOST_ROWS]:
        table.add_row(*map(escape, _row(trial)))
    if len(ranked) > _MOST_ROWS:
        table.add_row(f"and {len(ranked) - _MOST_ROWS} more")
    return table


def _row(trial: Trial) -> tuple[str, ...]:
    known = newest_metrics(trial.folder / "metrics.jsonl")

    def shown(name: str, form: str) -> str:
        return f"{known[name]:{form}}" if known.get(name) is not None else ""

    return (
        trial.name,
        trial.state if trial.state is not State.FAILED else f"failed: {trial.why}",
        shown("time_s", ".0f"),
        shown("step", ",.0f"),
        shown("Success rate without help", ".0%"),
        shown("Validation success rate", ".0%"),
        str(trial.resumed or ""),
        trial.job.where if trial.job is not None else "",
    )
