"""The results of a study as a table in Markdown and as curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

Result = dict[str, Any]
_AXES = (("env_steps", "environment steps"), ("seconds", "wall clock [s]"))
_HEAD = (
    "variant",
    "success at the end (each seed)",
    "mean over its time",
    "after the offline phase",
    "environment steps",
    "updates",
    "human seconds",
)


def write_report(folder: Path) -> str:
    """Table and curves of all results in `folder`, into `table.md` and `curves.png`; the table. Who succeeded
    soonest comes first."""
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("*_[0-9]*.json"))]
    if not results:
        return "no results yet"
    variants = [list(group) for _, group in groupby(results, key=lambda result: result["variant"])]
    variants.sort(key=lambda seeds: -fmean(map(mean_over_time, seeds)))
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_row, variants)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    (folder / "table.md").write_text(table + "\n")
    _plot(variants, folder / "curves.png")
    return table


def _row(seeds: Sequence[Result]) -> tuple[str, ...]:
    ends = [_last(result) for result in seeds]
    each = ", ".join(f"{100 * end['success']:.0f}" for end in ends)
    return (
        seeds[0]["variant"],
        f"{fmean(end['success'] for end in ends):.0%} ({each})",
        f"{fmean(map(mean_over_time, seeds)):.0%}",
        _offline(seeds),
        f"{fmean(end['env_steps'] for end in ends):,.0f}",
        f"{fmean(end['updates'] for end in ends):,.0f}",
        f"{fmean(result['human_seconds'] for result in seeds):.0f}",
    )


def mean_over_time(result: Result) -> float:
    """Success averaged over the run's seconds: between two points a straight line, before the first 0."""
    points = [{"seconds": 0.0, "success": 0.0}, *result["points"]]
    area = sum(
        (after["seconds"] - before["seconds"]) * (after["success"] + before["success"]) / 2
        for before, after in pairwise(points)
    )
    return float(area / max(points[-1]["seconds"], 1e-9))


def _last(result: Result) -> dict[str, Any]:
    return dict(result["points"][-1])


def _offline(seeds: Sequence[Result]) -> str:
    """Mean success of the last policies that had seen demonstrations alone, where there are any."""
    before = [[p["success"] for p in result["points"] if p["env_steps"] == 0] for result in seeds]
    return f"{fmean(rates[-1] for rates in before):.0%}" if all(before) else "none"


def _plot(variants: Sequence[Sequence[Result]], path: Path) -> None:
    """A thin line a seed, a mark at each judgement; below, what the operator had to do."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (steps, clock), (takeovers, legend) = figure.subplots(2, 2)
    colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
    for number, seeds in enumerate(variants):
        style = {"color": colours[number % len(colours)], "alpha": 0.8, "lw": 1.2}
        for result in seeds:
            points = result["points"]
            for axis, (key, _) in zip((steps, clock), _AXES, strict=True):
                axis.plot([p[key] for p in points], [p["success"] for p in points], marker=".", **style)
            calls = result["takeovers_per_1000_steps"]
            takeovers.plot([step for step, _ in calls], [rate for _, rate in calls], **style)
        legend.plot([], [], label=seeds[0]["variant"], **style)
    for axis, (_, label) in zip((steps, clock), _AXES, strict=True):
        axis.set(xlabel=label, ylabel="success alone", ylim=(-0.03, 1.03))
        axis.grid(alpha=0.3)
    takeovers.set(xlabel="environment steps", ylabel="takeovers per 1000 steps")
    takeovers.grid(alpha=0.3)
    legend.axis("off")
    legend.legend(loc="center", ncols=2, fontsize=8)
    figure.savefig(path, dpi=110)
