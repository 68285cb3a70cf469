"""Learning curves of a run, drawn from its `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hilt.runs.metrics import read_metrics

_AXES = (("step", "environment steps"), ("time_s", "wall clock [s]"))


def plot_run(run: Path) -> list[Path]:
    """Write `plots/*.png` of the run; the files written."""
    records = read_metrics(run / "metrics.jsonl")
    episodes = [record for record in records if "Success rate without help" in record]
    updates = [record for record in records if "train/updates" in record]
    written = []
    if episodes:
        written.append(_plot_progress(episodes, run / "plots" / "progress.png"))
    if updates:
        written.append(_plot_losses(updates, run / "plots" / "losses.png"))
    return written


def _plot_progress(episodes: Sequence[dict[str, Any]], path: Path) -> Path:
    """Success and intervention rate over environment steps and over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axis, (key, label) in zip(figure.subplots(1, 2, sharey=True), _AXES, strict=True):
        x = [record[key] for record in episodes]
        axis.plot(
            x,
            [record["Success rate without help"] for record in episodes],
            label="success without help, last 20",
        )
        axis.plot(x, _smooth([record["Intervention rate"] for record in episodes]), label="operator's share")
        axis.set(xlabel=label, ylim=(-0.03, 1.03))
        axis.grid(alpha=0.3)
    figure.axes[0].legend()
    return _save(figure, path)


def _plot_losses(updates: Sequence[dict[str, Any]], path: Path) -> Path:
    from matplotlib.figure import Figure

    names = sorted({name for record in updates for name in record if name.startswith("train/loss")})
    figure = Figure(figsize=(3.2 * max(len(names), 1), 2.8), layout="constrained")
    for axis, name in zip(figure.subplots(1, max(len(names), 1), squeeze=False)[0], names, strict=True):
        known = [record for record in updates if name in record]
        axis.plot([record["train/updates"] for record in known], [record[name] for record in known])
        axis.set(title=name, xlabel="updates")
        axis.grid(alpha=0.3)
    return _save(figure, path)


def _smooth(values: Sequence[float], window: int = 20) -> list[float]:
    """Running mean over the last `window` values."""
    return [sum(values[max(0, i + 1 - window) : i + 1]) / min(i + 1, window) for i in range(len(values))]


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
