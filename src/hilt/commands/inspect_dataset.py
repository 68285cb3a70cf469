"""`hilt data info`, `show` and `view`: what is in a dataset, as a table, as a picture and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from hilt.build.datasets import dataset_at
from hilt.commands.dataset_picture import show
from hilt.commands.options import options_of
from hilt.config.errors import ConfigError
from hilt.data.lerobot import DatasetError
from hilt.data.lerobot.overview import EpisodeSummary, Overview
from hilt.session.console import Progress

_CONSTANT = 1e-9
_MOST_ROWS = 60
"""Of the table of episodes."""
_MOST_FILMED = 20
"""Episodes whose pictures are looked at."""
_MOST_NAMES = 8


def main(arguments: Sequence[str]) -> int:
    """`hilt data info DIR`: a table; `show DIR`: a picture; `view DIR`: a page. The exit code."""
    words = list(arguments)
    if len(words) < 2 or words[0] not in ("info", "show", "view") or words[1].startswith("-"):
        raise ConfigError("data", "say `hilt data info DIR`, `hilt data show DIR` or `hilt data view DIR`")
    verb, root, rest = words[0], dataset_at(words[1]), words[2:]
    if verb == "info":
        options_of("data info", rest)
        return print_info(root)
    if verb == "show":
        output = options_of("data show", rest, optional=("output",)).get("output")
        print(show(root, None if output is None else Path(output)))
        return 0
    return _view(root, options_of("data view", rest, optional=("classifier", "ui.port")))


def _view(root: Path, options: Mapping[str, str]) -> int:
    from hilt.commands.view_dataset import run, view  # torch, which a table and a picture do not need

    port = options.get("ui.port", "0")
    if not (port.isdecimal() and int(port) < 65536):
        raise ConfigError("data view", f"--ui.port={port}: must be a port, 0 to 65535 (0: any that is free)")
    return run(view(root, options.get("classifier"), int(port)))


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset in figures, with warnings."""

    root: Path
    fps: int
    robot: str | None
    gripper: str
    """How training reads the gripper, and why so; or that it refuses to."""
    episodes: list[EpisodeSummary]
    features: dict[str, str]
    """Name -> type, shape and range."""
    warnings: list[str]
    """Sentences; empty when there is nothing to remark."""

    @property
    def n_frames(self) -> int:
        return sum(episode.length for episode in self.episodes)


def summarise(root: Path | str, gripper_convention: str = "auto") -> DatasetSummary:
    """Describe a dataset of any program; what cannot be read becomes a warning.

    Raises:
        DatasetError: it is no dataset, or not complete.
    """
    overview = Overview(Path(root), gripper_convention)
    episodes, warnings = _read(overview)
    warnings += _warnings(overview, episodes)
    overview.close()
    info = overview.catalog.info
    return DatasetSummary(
        root=overview.catalog.root,
        fps=info.fps,
        robot=info.robot_type,
        gripper=_gripper(overview),
        episodes=episodes,
        features={name: _describe(overview, name) for name in info.features},
        warnings=warnings,
    )


def _read(overview: Overview) -> tuple[list[EpisodeSummary], list[str]]:
    """Every episode in figures, with warnings."""
    episodes: list[EpisodeSummary] = []
    warnings: list[str] = []
    still: set[str] | None = None
    progress, listed = Progress(), overview.catalog.episodes
    for number, episode in enumerate(listed):
        progress(f"{number} of {len(listed)} episodes read")
        try:
            summary = overview.summary(episode)
            warnings += overview.problems(episode, summary)
            if number < _MOST_FILMED:
                seen = overview.still_cameras(episode)
                still = seen if still is None else still & seen
        except DatasetError as error:
            warnings.append(str(error))
            continue
        episodes.append(summary)
    warnings += [
        f"camera {name} shows the same picture throughout every episode" for name in sorted(still or ())
    ]
    return episodes, warnings


def _warnings(overview: Overview, episodes: Sequence[EpisodeSummary]) -> list[str]:
    found = [
        f"{name}: component{'s' if len(constant) > 1 else ''} {', '.join(map(str, constant))} never changes"
        for name, stats in overview.stats.items()
        if name.startswith(("observation.", "action")) and stats.keys() >= {"min", "max"}
        if len(constant := np.flatnonzero(np.ravel(stats["max"] - stats["min"]) < _CONSTANT).tolist())
    ]
    short = [episode.index for episode in episodes if episode.length < 2]
    if short:
        found.append(f"episodes {', '.join(map(str, short))} have a single step")
    told = [episode.is_success for episode in episodes if episode.is_success is not None]
    if told and not any(told):
        found.append("no episode succeeds: there is nothing to tell success by")
    return found + overview.remarks()


def _gripper(overview: Overview) -> str:
    said = overview.gripper
    if said is None:
        return "undecided: training refuses until dataset.gripper_convention is set"
    return f"{said.convention} convention ({said.because})"


def _describe(overview: Overview, name: str) -> str:
    described = overview.catalog.info.features[name]
    text = f"{described['dtype']} {list(described['shape'])}"
    stats = overview.stats.get(name, {})
    if stats.keys() >= {"min", "max"}:
        text += f", {float(np.min(stats['min'])):.3g} to {float(np.max(stats['max'])):.3g}"
    names = described.get("names")
    if isinstance(names, list) and len(names) > 1 and len(described["shape"]) == 1:
        more = ", ..." if len(names) > _MOST_NAMES else ""
        text += f": {', '.join(map(str, names[:_MOST_NAMES]))}{more}"
    return text


def print_info(root: Path | str, console: Console | None = None) -> int:
    """`hilt data info DIR`; the exit code."""
    summary = summarise(root)
    (console or Console()).print(_report(summary))
    return 0


def _report(summary: DatasetSummary) -> Group:
    figures = Table.grid(padding=(0, 2))
    for name, value in _figures(summary).items():
        figures.add_row(f"[bold]{name}", escape(value))
    features = Table(box=None, header_style="bold", padding=(0, 2))
    features.add_column("feature")
    features.add_column("type, shape, range")
    for name, text in summary.features.items():
        features.add_row(name, escape(text))
    remarks = [f"[yellow]! {escape(text)}" for text in summary.warnings] or ["[green]no warnings"]
    return Group(figures, "", features, "", _episode_table(summary.episodes), "", *remarks)


def _figures(summary: DatasetSummary) -> dict[str, str]:
    """What is known of the dataset as a whole."""
    lengths = [episode.length for episode in summary.episodes] or [0]
    told = [episode.is_success for episode in summary.episodes if episode.is_success is not None]
    shares = [each.interventions for each in summary.episodes if each.interventions is not None]
    succeeded = f", {sum(told)} successful" if told else ""
    figures = {
        "dataset": str(summary.root),
        "robot": summary.robot or "not said",
        "episodes": f"{len(summary.episodes)}{succeeded}",
        "frames": f"{summary.n_frames} at {summary.fps} per second",
        "length": f"{min(lengths)} to {max(lengths)} steps, median {np.median(lengths):.0f}",
        "gripper": summary.gripper,
    }
    if shares:
        figures["operator"] = f"in control of {np.mean(shares):.0%} of the steps"
    return figures


def _episode_table(episodes: Sequence[EpisodeSummary]) -> Table:
    """Without the columns of which nothing is known."""
    columns = {
        "episode": [str(episode.index) for episode in episodes],
        "steps": [str(episode.length) for episode in episodes],
        "reward": [_number(episode.total_reward, ".2f") for episode in episodes],
        "success": [
            "" if episode.is_success is None else "yes" if episode.is_success else "no"
            for episode in episodes
        ],
        "operator": [_number(episode.interventions, ".0%") for episode in episodes],
        "end": [episode.end for episode in episodes],
    }
    told = {heading: cells for heading, cells in columns.items() if any(cells)}
    table = Table(box=None, header_style="bold", padding=(0, 2))
    for heading in told:
        table.add_column(heading, justify="right")
    for row in list(zip(*told.values(), strict=True))[:_MOST_ROWS]:
        table.add_row(*row)
    if len(episodes) > _MOST_ROWS:
        table.add_row(f"and {len(episodes) - _MOST_ROWS} more")
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
