"""A look at any LeRobotDataset v3.0, of any robot: contents and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import gripper, layout
from hilt.data.lerobot.catalog import NUMBERS, Catalog, Episode
from hilt.data.lerobot.frames import FrameReader, Frames
from hilt.data.lerobot.layout import DatasetError
from hilt.data.lerobot.reader import decide_gripper

_OF_HILT = (layout.IS_SUCCESS, layout.DISCRETE_PENALTY, layout.IS_INTERVENTION)
"""Features that `hilt record` always writes."""


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """One episode in figures. None: the dataset does not say."""

    index: int
    length: int
    """Frames up to its end."""
    task: str
    total_reward: float | None
    is_success: bool | None
    interventions: float | None
    """Share of the steps in which the operator was in control."""
    end: str
    """terminated or truncated, as training reads it."""


class Overview:
    """The dataset in `root`. Nothing that training needs has to be there.

    Raises:
        DatasetError: it is no dataset, or not complete.
    """

    def __init__(self, root: Path, gripper_convention: str = "auto") -> None:
        self.catalog = Catalog(root)
        self.frames = FrameReader(self.catalog)
        self.stats = self.catalog.recorded_stats()
        self.gripper = self._decide(gripper_convention)
        """How training would read it; None: it would refuse to."""
        if self.gripper is not None and self.gripper.convention == "gym_hil":
            self.stats = gripper.convert_stats(self.stats)

    def has(self, name: str) -> bool:
        """There is a feature of this name."""
        return name in self.catalog.sources

    def summary(self, episode: Episode) -> EpisodeSummary:
        """Raises DatasetError when its rows cannot be read."""
        frames = self.frames.open(episode)
        reward = frames.scalars(layout.REWARD).astype(float) if self.has(layout.REWARD) else None
        terminated, truncated = frames.ends(reward)
        length = int(np.flatnonzero(terminated | truncated)[0]) + 1
        success = frames.scalars(layout.IS_SUCCESS) if self.has(layout.IS_SUCCESS) else reward
        person = frames.scalars(layout.IS_INTERVENTION) if self.has(layout.IS_INTERVENTION) else None
        return EpisodeSummary(
            index=episode.index,
            length=length,
            task=episode.task,
            total_reward=None if reward is None else float(reward[:length].sum()),
            is_success=None if success is None else bool((success[:length] > 0).any()),
            interventions=None if person is None else float((person[:length] > 0).mean()),
            end="terminated" if terminated[length - 1] else "truncated",
        )

    def still_cameras(self, episode: Episode) -> set[str]:
        """Cameras whose pictures at the beginning, in the middle and at the end are the same."""
        frames = self.frames.open(episode)
        steps = sorted({0, episode.length // 2, episode.length - 1})
        still = set()
        for name in self.catalog.schema.images:
            first, *others = frames.pictures(name, steps)
            if all(np.array_equal(first, other) for other in others):
                still.add(name)
        return still

    def close(self) -> None:
        """Close the files."""
        self.frames.close()

    def _decide(self, requested: str) -> gripper.Decision | None:
        try:
            return decide_gripper(self.catalog, requested, self.stats)
        except gripper.UndecidedGripperError:
            return None

    # Warnings

    def problems(self, episode: Episode, summary: EpisodeSummary) -> list[str]:
        """What keeps training from reading the episode as it is, in sentences."""
        frames = self.frames.open(episode)
        found = [
            f"episode {episode.index}: {name} holds a value that is not finite"
            for name in self._numeric()
            if not np.isfinite(_floats(frames, name)).all()
        ]
        if summary.length < episode.length:
            rest = episode.length - summary.length
            found.append(
                f"episode {episode.index} goes on for {rest} frames after its end: nobody reads them"
            )
        try:
            frames.check_clock()
        except DatasetError as error:
            found.append(str(error))
        return found

    def _numeric(self) -> list[str]:
        features = self.catalog.info.features
        return [
            name
            for name, source in self.catalog.sources.items()
            if features[source]["dtype"] in NUMBERS and name.startswith(("observation.", "action", "next."))
        ]

    def remarks(self) -> list[str]:
        """What the dataset as a whole lacks, and what follows from that, in sentences."""
        said = []
        if not self.has(layout.ACTION):
            said.append("there are no actions: no policy learns from it")
        if not self.has(layout.REWARD):
            said.append(
                "there are no rewards (next.reward): no policy learns from it; hilt relabel adds them"
            )
        elif not self.has(layout.IS_INTERVENTION):
            said.append("who was in control is not recorded: training takes every step for a person's")
        if self.gripper is None:
            said.append(
                "nothing says whether a gripper action of 2 opens or closes: training refuses until "
                "dataset.gripper_convention is hilt (2 opens) or gym_hil (2 closes)"
            )
        if self.has_lost_its_sidecar:
            said.append(_LOST)
        if not self.stats:
            said.append("meta/stats.json is missing: other programs cannot normalise")
        return said

    @property
    def has_lost_its_sidecar(self) -> bool:
        """hilt recorded it, and another program has written it since."""
        return not self.catalog.is_own and all(self.has(name) for name in _OF_HILT)


_LOST = (
    "recorded with hilt, but meta/hilt.jsonl is gone, as after an edit by another program. No longer exact: "
    "the observation after each last action (the last frame stands in for it), a true end in the step of "
    "the time limit (read as the time limit), and where replay begins (seed and initial state are lost); it "
    "cannot be recorded into any more"
)


def _floats(frames: Frames, name: str) -> NDArray[Any]:
    return np.asarray(frames.column(name)).astype(np.float64)
