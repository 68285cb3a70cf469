"""One HTML page of a comparison. It needs nothing from elsewhere: no script, pictures inside."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from hilt.runs.comparison import Group
from hilt.runs.comparison_table import EXPLANATION, Row, table
from hilt.runs.curves import AXES, MEASURES, curve, mean_curve

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1400px; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; display: block; overflow-x: auto; }
th, td { padding: .3em .7em; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } .note { color: #666; font-size: 13px; }
"""
_CURVES = (
    "Thick: the mean over the seeds, with its 95 % interval by Student's t; thin: each seed. A value holds "
    "until the next, that of a run that ended to the end; a policy that was not judged yet counts as 0. "
    "Points: tests of the policy alone; the last of a run is its evaluation."
)


def write_page(groups: Sequence[Group], path: Path) -> None:
    """The comparison of `groups`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(page(groups), encoding="utf-8")
    temporary.replace(path)


def page(groups: Sequence[Group]) -> str:
    """The HTML."""
    runs = [run for group in groups for run in group.runs]
    parts = [
        f"<h1>{len(runs)} runs compared</h1>",
        _table(table(groups)),
        f'<p class="note">{escape(EXPLANATION)}</p>',
        "<h2>Learning</h2>",
        _figure(groups),
        f'<p class="note">{escape(_CURVES)}</p>',
        "<h2>Where they differ</h2>" if len(groups) > 1 else "",
        _table(_differences(groups)) if len(groups) > 1 else "",
        "<h2>Runs</h2>",
        _table(_runs(groups)),
    ]
    head = f'<meta charset="utf-8"><title>hilt compare</title><style>{_STYLE}</style>'
    body = "\n".join(part for part in parts if part)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _table(rows: Sequence[Row]) -> str:
    head, *others = rows
    lines = [_line(head, "th"), *(_line(row, "td") for row in others)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _line(row: Row, tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"


def _differences(groups: Sequence[Group]) -> list[Row]:
    keys = list(groups[0].differences)
    head = ("key", *(group.label for group in groups))
    return [head, *((key, *(json.dumps(group.differences[key]) for group in groups)) for key in keys)]


def _runs(groups: Sequence[Group]) -> list[Row]:
    head = ("folder", "runs", "seed", "success alone", "of episodes")
    rows = []
    for group in groups:
        for run in group.runs:
            found = run.evaluation
            told = ("", "") if found is None else (f"{found['success_rate']:.1%}", str(found["n_episodes"]))
            rows.append((str(run.folder), group.label, str(run.seed), *told))
    return [head, *rows]


def _figure(groups: Sequence[Group]) -> str:
    """Both measures over the three axes, as SVG."""
    from matplotlib import colormaps, rc_context
    from matplotlib.figure import Figure

    colours = colormaps["tab10" if len(groups) <= 10 else "tab20"].colors  # type: ignore[attr-defined]
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    grid = figure.subplots(len(MEASURES), len(AXES), sharey=True, squeeze=False)
    for axes, (measure, label) in zip(grid, MEASURES.items(), strict=True):
        for axis, (name, said) in zip(axes, AXES.items(), strict=True):
            for number, group in enumerate(groups):
                _draw(axis, group, measure, name, colours[number % len(colours)])
            axis.set(xlabel=said, ylim=(-0.03, 1.03), xlim=(0, None))
            axis.grid(alpha=0.3)
        axes[0].set_ylabel(label, fontsize=8)
    handles, labels = grid[0][0].get_legend_handles_labels()
    if len(groups) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(groups)), fontsize=8)
    drawn = io.StringIO()
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]


def _draw(axis: Any, group: Group, measure: str, name: str, colour: Any) -> None:
    curves = [curve(run, measure, name) for run in group.runs]
    mean = mean_curve(curves)
    label = group.label.replace("$", r"\$")
    if mean is None:
        axis.plot([], [], color=colour, label=label)
        return
    axis.plot(mean.x, mean.mean, color=colour, lw=2, label=label)
    axis.fill_between(mean.x, mean.low, mean.high, color=colour, alpha=0.15, lw=0)
    for each in curves:
        if measure == "training":
            axis.step(each.x, each.y, where="post", color=colour, lw=0.6, alpha=0.5)
        else:
            axis.plot(each.x, each.y, ".", color=colour, ms=5, alpha=0.7)
