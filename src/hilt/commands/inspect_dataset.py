"""`hilt data info` and `hilt data show`: what is in a dataset, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.table import Table

from hilt.build.datasets import dataset_at
from hilt.commands.options import options_of
from hilt.config.errors import ConfigError
from hilt.data.lerobot import DatasetError, DatasetReader, Episode
from hilt.data.transition import Transition

_CONSTANT = 1e-9
_STRIP_COLUMNS = 16
_WIDTH_IN = 12.0


def main(arguments: Sequence[str]) -> int:
    """`hilt data info DIR`: a table; `hilt data show DIR`: a picture. The exit code."""
    words = list(arguments)
    if len(words) < 2 or words[0] not in ("info", "show") or words[1].startswith("-"):
        raise ConfigError("data", "say `hilt data info DIR` or `hilt data show DIR`")
    if words[0] == "info":
        options_of("data info", words[2:])
        return print_info(dataset_at(words[1]))
    output = options_of("data show", words[2:], optional=("output",)).get("output")
    print(show(dataset_at(words[1]), None if output is None else Path(output)))
    return 0


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """One episode in figures."""

    index: int
    length: int
    total_reward: float
    is_success: bool
    interventions: float
    """Share of the steps in which the operator was in control."""
    end: str
    """terminated, truncated, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset in figures, with what is odd about it."""

    root: Path
    fps: int
    gripper_convention: str
    episodes: list[EpisodeSummary]
    features: dict[str, str]
    """Name -> type, shape and range."""
    oddities: list[str]
    """Sentences; empty when there is nothing to remark."""

    @property
    def n_frames(self) -> int:
        return sum(episode.length for episode in self.episodes)


def summarise(root: Path | str, gripper_convention: str = "auto") -> DatasetSummary:
    """Read the whole dataset and describe it; what cannot be read becomes an oddity.

    Raises:
        DatasetError: it is no dataset, or not complete.
    """
    reader = _open(Path(root), gripper_convention)
    episodes: list[EpisodeSummary] = []
    oddities: list[str] = []
    still: set[str] | None = None
    for episode in reader.episodes:
        try:
            steps = reader.episode(episode)
        except DatasetError as error:
            oddities.append(str(error))
            continue
        episodes.append(_summary(episode, steps))
        frozen = _frozen_cameras(steps)
        still = frozen if still is None else still & frozen
    oddities += [
        f"camera {name} shows the same picture throughout every episode" for name in sorted(still or ())
    ]
    oddities += _oddities(reader, episodes)
    features = {name: _describe(reader, name) for name in reader.info.features}
    return DatasetSummary(
        reader.root, reader.info.fps, reader.gripper_convention, episodes, features, oddities
    )


def _open(root: Path, convention: str) -> DatasetReader:
    """A look at a dataset whose gripper is undecided shows it as it is."""
    try:
        return DatasetReader(root, gripper_convention=convention)
    except DatasetError as error:
        if convention == "auto" and "gripper_convention" in str(error):
            return DatasetReader(root, gripper_convention="hilt")
        raise


def _summary(episode: Episode, steps: Sequence[Transition]) -> EpisodeSummary:
    last = steps[-1]
    return EpisodeSummary(
        index=episode.index,
        length=len(steps),
        total_reward=sum(step.reward for step in steps),
        is_success=any(step.is_success for step in steps),
        interventions=sum(step.is_intervention for step in steps) / len(steps),
        end="terminated" if last.terminated else "truncated",
    )


def _frozen_cameras(steps: Sequence[Transition]) -> set[str]:
    pictures = [name for name, array in steps[0].observation.items() if array.ndim == 3]
    first, last = steps[0].observation, steps[-1].next_observation
    middle = steps[len(steps) // 2].observation
    return {
        name
        for name in pictures
        if np.array_equal(first[name], last[name]) and np.array_equal(first[name], middle[name])
    }


def _oddities(reader: DatasetReader, episodes: Sequence[EpisodeSummary]) -> list[str]:
    found = [
        f"{name}: component{'s' if len(constant) > 1 else ''} {', '.join(map(str, constant))} never changes"
        for name, stats in reader.stats.items()
        if name.startswith(("observation.", "action"))
        if len(constant := np.flatnonzero(np.ravel(stats["max"] - stats["min"]) < _CONSTANT).tolist())
    ]
    short = [episode.index for episode in episodes if episode.length < 2]
    if short:
        found.append(f"episodes {', '.join(map(str, short))} have a single step")
    if episodes and not any(episode.is_success for episode in episodes):
        found.append("no episode succeeds: there is nothing to tell success by")
    if not reader.stats:
        found.append("meta/stats.json is missing: other programs cannot normalise")
    return found


def _describe(reader: DatasetReader, name: str) -> str:
    described = reader.info.features[name]
    text = f"{described['dtype']} {list(described['shape'])}"
    stats = reader.stats.get(name)
    if stats is None:
        return text
    low, high = float(np.min(stats["min"])), float(np.max(stats["max"]))
    return f"{text}, {low:.3g} to {high:.3g}"


def print_info(root: Path | str, console: Console | None = None) -> int:
    """`hilt data info DIR`; exit code 1 when something is odd about the files themselves."""
    summary = summarise(root)
    (console or Console()).print(_report(summary))
    return 0


def _report(summary: DatasetSummary) -> Group:
    successes = sum(episode.is_success for episode in summary.episodes)
    lengths = [episode.length for episode in summary.episodes] or [0]
    shares = [episode.interventions for episode in summary.episodes] or [0.0]
    figures = Table.grid(padding=(0, 2))
    for name, value in (
        ("dataset", str(summary.root)),
        ("episodes", f"{len(summary.episodes)}, {successes} successful"),
        ("frames", f"{summary.n_frames} at {summary.fps} per second"),
        ("length", f"{min(lengths)} to {max(lengths)} steps, median {np.median(lengths):.0f}"),
        ("operator", f"in control of {np.mean(shares):.0%} of the steps"),
        ("gripper", f"{summary.gripper_convention} convention"),
    ):
        figures.add_row(f"[bold]{name}", value)
    features = Table(box=None, header_style="bold", padding=(0, 2))
    features.add_column("feature")
    features.add_column("type, shape, range")
    for name, text in summary.features.items():
        features.add_row(name, text.replace("[", r"\["))
    remarks = [f"[yellow]! {text}" for text in summary.oddities] or ["[green]nothing odd"]
    return Group(figures, "", features, "", _episode_table(summary.episodes), "", *remarks)


def _episode_table(episodes: Sequence[EpisodeSummary]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2))
    for heading in ("episode", "steps", "reward", "success", "operator", "end"):
        table.add_column(heading, justify="right")
    for episode in episodes:
        table.add_row(
            str(episode.index),
            str(episode.length),
            f"{episode.total_reward:.2f}",
            "yes" if episode.is_success else "no",
            f"{episode.interventions:.0%}",
            episode.end,
        )
    return table


def show(root: Path | str, output: Path | None = None, episodes: Sequence[int] | None = None) -> Path:
    """`hilt data show DIR`: a film strip per episode above its reward and who was in control.

    The first `episodes` (six unless given) are drawn into `output` (beside the dataset unless given).

    Raises:
        DatasetError: it cannot be read.
    """
    from matplotlib.figure import Figure

    root = Path(root)
    reader = _open(root, "auto")
    chosen = reader.episodes[:6] if episodes is None else [reader.episodes[index] for index in episodes]
    height = 1.4 + len(reader.schema.images) * _WIDTH_IN / _STRIP_COLUMNS
    figure = Figure(figsize=(_WIDTH_IN, height * len(chosen)), layout="constrained")
    parts = figure.subfigures(len(chosen), 1, squeeze=False)[:, 0]
    for part, episode in zip(parts, chosen, strict=True):
        _draw_episode(part, episode, reader.episode(episode))
    path = output or root.parent / f"{root.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    return path


def _draw_episode(part: Any, episode: Episode, steps: Sequence[Transition]) -> None:
    cameras = [name for name, array in steps[0].observation.items() if array.ndim == 3]
    rows = part.subplots(
        len(cameras) + 1,
        1,
        sharex=True,
        gridspec_kw={"height_ratios": [1.0] * (len(cameras) + 1)},
        squeeze=False,
    )[:, 0]
    part.suptitle(f"episode {episode.index}: {episode.task}", fontsize=9, x=0.01, ha="left")
    for axis, camera in zip(rows, cameras, strict=False):
        strip = _strip([step.observation[camera] for step in steps])
        axis.imshow(strip, extent=(-0.5, len(steps) - 0.5, 0, 1), aspect="auto")
        axis.set_axis_off()
    _draw_control(rows[-1], steps)


def _strip(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Evenly spaced pictures side by side, uint8 [H, N * W, 3]."""
    chosen = np.linspace(0, len(pictures) - 1, _STRIP_COLUMNS).round().astype(int)
    return np.concatenate([pictures[index].transpose(1, 2, 0) for index in chosen], axis=1)


def _draw_control(axis: Any, steps: Sequence[Transition]) -> None:
    """Reward as a line; the operator's spans shaded."""
    axis.step(range(len(steps)), [step.reward for step in steps], where="mid", color="tab:green")
    for index, step in enumerate(steps):
        if step.is_intervention:
            axis.axvspan(index - 0.5, index + 0.5, color="tab:orange", alpha=0.3, lw=0)
    axis.set_xlim(-0.5, len(steps) - 0.5)
    axis.set_ylabel("reward", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.set_xlabel("step; shaded: the operator was in control", fontsize=8)
