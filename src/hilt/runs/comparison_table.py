"""Groups of runs in figures: one row each, as text that terminal and page both show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from hilt.runs.comparison import Group, Run
from hilt.runs.curves import person_seconds
from hilt.runs.intervals import Mean, mean_of

Row = tuple[str, ...]

HEAD: Row = (
    "runs",
    "seeds",
    "evaluated",
    "success alone",
    "worst seed",
    "cycle [s]",
    "clock [s]",
    "steps",
    "person [s]",
    "watching [s]",
    "against the first",
)
EXPLANATION = (
    "success alone: mean over the seeds of what `hilt eval` found, with its 95 % interval over the seeds "
    "by Student's t (none of a single seed). person: demonstrations and at the controls; watching: there, "
    "and not in control; clock, steps and these are means over the seeds, up to now where training is not "
    "over. against the first: difference in success to the first row, and its interval, over pairs of the "
    "same seed."
)


def table(groups: Sequence[Group]) -> list[Row]:
    """`HEAD` and a row for each group."""
    return [HEAD, *(_row(group, groups[0]) for group in groups)]


def aligned(rows: Sequence[Row]) -> str:
    """`rows` in columns, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(group: Group, first: Group) -> Row:
    evaluated = [run for run in group.runs if run.is_evaluated]
    rates = [_success(run) for run in evaluated]
    return (
        group.label,
        _seeds(group.runs),
        f"{len(evaluated)} of {len(group.runs)}",
        _percent(mean_of(rates, 0.0, 1.0)) if rates else "",
        f"{min(rates):.1%}" if rates else "",
        _average(group.runs, lambda run: (run.evaluation or {}).get("mean_cycle_time_s"), ".2f"),
        _average(group.runs, lambda run: _cost(run, "wall_clock_s", "time_s"), ".0f"),
        _average(group.runs, lambda run: _cost(run, "env_steps", "step"), ",.0f"),
        _average(group.runs, _person, ".0f"),
        _average(group.runs, lambda run: _last(run, "Watching seconds"), ".0f"),
        "" if group is first else _against(group, first),
    )


def _success(run: Run) -> float:
    return float((run.evaluation or {})["success_rate"])


def _seeds(runs: Sequence[Run]) -> str:
    """ "1-5", or "1, 2, 7"."""
    seeds = [run.seed for run in runs]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds))


def _percent(mean: Mean, sign: str = "") -> str:
    value = f"{mean.value:{sign}.1%}"
    return value if math.isnan(mean.low) else f"{value} ({mean.low:{sign}.1%} to {mean.high:{sign}.1%})"


def _average(runs: Iterable[Run], figure: Callable[[Run], float | None], form: str) -> str:
    known = [value for run in runs if (value := figure(run)) is not None]
    return f"{mean_of(known).value:{form}}" if known else ""


def _cost(run: Run, name: str, otherwise: str) -> float | None:
    """A figure of what training cost, as the evaluation has it, else as the metrics say so far."""
    cost = (run.evaluation or {}).get("training_cost") or {}
    return cost[name] if name in cost else _last(run, otherwise)


def _last(run: Run, name: str) -> float | None:
    return next((record[name] for record in reversed(run.records) if name in record), None)


def _person(run: Run) -> float | None:
    seconds = (person_seconds(record) for record in reversed(run.records))
    return next((value for value in seconds if not math.isnan(value)), None)


def _against(group: Group, first: Group) -> str:
    """Difference in success, seed by seed."""
    before = {run.seed: _success(run) for run in first.runs if run.is_evaluated}
    pairs = [
        _success(run) - before[run.seed] for run in group.runs if run.is_evaluated and run.seed in before
    ]
    if not pairs:
        return "no seed in common"
    return f"{_percent(mean_of(pairs, -1.0, 1.0), '+')}, n = {len(pairs)}"
