"""Learning curves of a run, drawn from its `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilt.runs.metrics import read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Records = Sequence[Mapping[str, Any]]

_RATE = "Success rate without help"
_TEST = "Validation success rate"
_PHASES = {"offline": "imitation", "warm-up": "warm-up"}
"""Phase -> what the picture calls it; the others are not shaded."""
_LOSSES = {
    "loss_critic": ("critic", "falls, then stays low; growth without end is divergence"),
    "loss_q": ("value within the actor's loss", "falls as values rise; flat while nothing succeeds"),
    "loss_actor": ("actor", "follows the critic's values down; no level is good by itself"),
    "loss_temperature": ("temperature", "near 0 once the entropy is at its target"),
    "loss_discrete_critic": ("gripper's critic", "falls, then stays low"),
    "loss_bc": ("imitation", "falls fast, then slowly; a rise means that the policy leaves its teacher"),
    "loss_flow": ("flow", "falls, then stays at the spread of the demonstrations"),
    "loss_distill": ("distillation", "stays low: the one-step policy keeps to the flow"),
}
"""Loss -> (title, what a good one looks like)."""
_SMOOTHING = 0.05
"""Share of a curve over which it is averaged."""


def plot_run(run: Path) -> list[Path]:
    """Write `plots/*.png` of the run; the files written."""
    records = read_metrics(run / "metrics.jsonl")
    written = []
    if any(_RATE in record for record in records):
        written.append(_save(progress_figure(records), run / "plots" / "progress.png"))
    if any("train/updates" in record for record in records):
        written.append(_save(loss_figure(records), run / "plots" / "losses.png"))
    return written


def progress_figure(records: Records) -> Figure:
    """Success and the operator's share over the clock; phases, takeovers, tests and the end are marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.6), layout="constrained")
    success, help_ = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    episodes = [record for record in records if _RATE in record]
    times = [record["time_s"] for record in episodes]
    success.step(
        times, [record[_RATE] for record in episodes], where="post", label="without help, last 20 episodes"
    )
    _mark_tests(success, [record for record in records if record.get(_TEST) is not None])
    shares = _smooth([record["Intervention rate"] for record in episodes], 20)
    help_.fill_between(times, shares, step="post", color="tab:orange", alpha=0.6)
    takeovers = [record["time_s"] for record in episodes if record.get("Episode takeovers")]
    help_.plot(
        takeovers,
        [0.0] * len(takeovers),
        "|",
        color="black",
        ms=12,
        clip_on=False,
        label="episode with a takeover",
    )
    _shade_phases((success, help_), records)
    for axis in (success, help_):
        axis.grid(alpha=0.3)
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    _mark_end(success, records)
    success.set(ylabel="success", ylim=(-0.03, 1.03), xlim=(0, max(record["time_s"] for record in records)))
    help_.set(ylabel="operator's\nshare", xlabel="wall clock [s]", ylim=(0, max(1e-3, *shares) * 1.1))
    _name_steps(success, records)
    return figure


def loss_figure(records: Records) -> Figure:
    """Every loss over the updates, smoothed, with what a good one looks like."""
    from matplotlib.figure import Figure

    updates = [record for record in records if "train/updates" in record]
    names = sorted({name for record in updates for name in record if name.startswith("train/loss")})
    columns = min(3, max(1, len(names)))
    rows = -(-max(1, len(names)) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, name in zip(axes, names, strict=False):
        known = [record for record in updates if record.get(name) is not None]
        x, y = [record["train/updates"] for record in known], [record[name] for record in known]
        axis.plot(x, y, color="tab:blue", alpha=0.25, lw=0.8)
        axis.plot(x, _smooth(y, max(1, round(_SMOOTHING * len(y)))), color="tab:blue")
        title, good = _LOSSES.get(name.removeprefix("train/"), (name.removeprefix("train/"), ""))
        axis.set_title(f"{title}\n", fontsize=10)
        axis.text(0.5, 1.02, good, transform=axis.transAxes, ha="center", fontsize=7, color="gray")
        axis.set(xlabel="updates")
        axis.grid(alpha=0.3)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    return figure


def _mark_tests(axis: Axes, tests: Records) -> None:
    """A point where each test of the policy alone ended, filled when it passed."""
    for passed, label in ((False, "alone, a test"), (True, "alone, a test that passed")):
        chosen = [test for test in tests if bool(test.get("Validation passed")) is passed]
        axis.plot(
            [test["time_s"] for test in chosen],
            [test[_TEST] for test in chosen],
            "o",
            color="tab:green",
            fillstyle="full" if passed else "none",
            clip_on=False,
            zorder=3,
            label=label if chosen else None,
        )


def _shade_phases(axes: Sequence[Axes], records: Records) -> None:
    """What comes before learning online, in grey; the first of `axes` names it."""
    changes = [(record["time_s"], record["Phase"]) for record in records if "Phase" in record]
    ends = [time_s for time_s, _ in changes[1:]] + [records[-1]["time_s"]]
    unnamed = dict(_PHASES)
    for (begin, phase), end in zip(changes, ends, strict=True):
        if phase in _PHASES:
            grey = "0.8" if phase == "offline" else "0.92"
            for axis in axes:
                axis.axvspan(begin, end, color=grey, lw=0, zorder=0, label=unnamed.pop(phase, None))


def _mark_end(axis: Axes, records: Records) -> None:
    ends = [record for record in records if record.get("Ended by")]
    if ends:
        axis.axvline(ends[-1]["time_s"], color="tab:red", lw=1.5)
        text = f"{ends[-1]['Ended by']} "
        axis.annotate(text, (ends[-1]["time_s"], 0.03), ha="right", color="tab:red", fontsize=8)


def _name_steps(axis: Axes, records: Records) -> None:
    """Environment steps above the clock, at its ticks."""
    last = records[-1]["time_s"]
    ticks = [tick for tick in axis.get_xticks() if 0 <= tick <= last]
    reached = [max((r["step"] for r in records if r["time_s"] <= tick), default=0) for tick in ticks]
    above = axis.secondary_xaxis("top")
    above.set_xticks(ticks, [f"{step:,}" for step in reached], fontsize=8)
    above.set_xlabel("environment steps", fontsize=8)


def _smooth(values: Sequence[float], window: int) -> list[float]:
    """Running mean over the last `window` values."""
    return [sum(values[max(0, i + 1 - window) : i + 1]) / min(i + 1, window) for i in range(len(values))]


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
