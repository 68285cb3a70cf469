"""The picture of `hilt data show`: a film strip per episode above its reward and who was in control."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import Episode
from hilt.data.lerobot.frames import Frames
from hilt.data.lerobot.layout import ACTION, IS_INTERVENTION, REWARD
from hilt.data.lerobot.overview import Overview

_STRIP_COLUMNS = 16
_WIDTH_IN = 12.0


def show(root: Path | str, output: Path | None = None, episodes: Sequence[int] | None = None) -> Path:
    """`hilt data show DIR`: what the cameras saw, above the reward, or the actions where there is none.

    The first `episodes` (six unless given) are drawn into `output` (beside the dataset unless given).

    Raises:
        DatasetError: it cannot be read.
    """
    from matplotlib.figure import Figure

    root = Path(root)
    overview = Overview(root)
    listed = overview.catalog.episodes
    chosen = listed[:6] if episodes is None else [listed[index] for index in episodes]
    height = 1.4 + len(overview.catalog.schema.images) * _WIDTH_IN / _STRIP_COLUMNS
    figure = Figure(figsize=(_WIDTH_IN, height * len(chosen)), layout="constrained")
    parts = figure.subfigures(len(chosen), 1, squeeze=False)[:, 0]
    for part, episode in zip(parts, chosen, strict=True):
        _draw_episode(part, episode, overview)
    overview.close()
    path = output or root.parent / f"{root.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    return path


def _draw_episode(part: Any, episode: Episode, overview: Overview) -> None:
    frames, cameras = overview.frames.open(episode), overview.catalog.schema.images
    rows = part.subplots(
        len(cameras) + 1,
        1,
        sharex=True,
        gridspec_kw={"height_ratios": [1.0] * (len(cameras) + 1)},
        squeeze=False,
    )[:, 0]
    part.suptitle(f"episode {episode.index}: {episode.task}", fontsize=9, x=0.01, ha="left")
    for axis, camera in zip(rows, cameras, strict=False):
        axis.imshow(_strip(frames, camera), extent=(-0.5, episode.length - 0.5, 0, 1), aspect="auto")
        axis.set_axis_off()
    _draw_control(rows[-1], frames)


def _strip(frames: Frames, camera: str) -> NDArray[np.uint8]:
    """Evenly spaced pictures side by side, uint8 [H, N * W, 3]."""
    columns = np.linspace(0, frames.episode.length - 1, _STRIP_COLUMNS).round().astype(int).tolist()
    steps = sorted(set(columns))
    seen = dict(zip(steps, frames.pictures(camera, steps), strict=True))
    return np.concatenate([seen[step].transpose(1, 2, 0) for step in columns], axis=1)


def _draw_control(axis: Any, frames: Frames) -> None:
    """Reward, or actions, as lines; the operator's spans shaded."""
    count, said = frames.episode.length, "step"
    if frames.has(REWARD):
        axis.step(range(count), frames.scalars(REWARD), where="mid", color="tab:green")
    elif frames.has(ACTION):
        axis.plot(frames.column(ACTION).reshape(count, -1), lw=0.8)
    if frames.has(IS_INTERVENTION):
        said = "step; shaded: the operator was in control"
        for step in np.flatnonzero(frames.scalars(IS_INTERVENTION) > 0):
            axis.axvspan(step - 0.5, step + 0.5, color="tab:orange", alpha=0.3, lw=0)
    axis.set_xlim(-0.5, count - 0.5)
    axis.set_ylabel("reward" if frames.has(REWARD) else "action", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.set_xlabel(said, fontsize=8)
