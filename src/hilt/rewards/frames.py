"""Labelled camera frames for a reward classifier, and their division by whole episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hilt.data.batch import ObservationBatch
from hilt.data.lerobot import DatasetError, DatasetReader

EDGE_STEPS = 1
"""Frames this close to a change of label are ambiguous: nobody can say on which of them success began."""


@dataclass(frozen=True, slots=True)
class LabelledFrames:
    """N frames: what was observed after each action, and the class that its reward says."""

    observations: ObservationBatch
    """Feature -> uint8 (N, C, H, W) or float32 (N, D)."""
    labels: Tensor
    """(N,) int64: the class."""
    episodes: Tensor
    """(N,) int64: index of the episode in the dataset."""
    steps: Tensor
    """(N,) int64: control step within the episode."""
    is_edge: Tensor
    """(N,) bool: within `EDGE_STEPS` of a change of label."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> LabelledFrames:
        observations = {name: value[index] for name, value in self.observations.items()}
        return LabelledFrames(
            observations, self.labels[index], self.episodes[index], self.steps[index], self.is_edge[index]
        )


def distinct(values: Tensor) -> list[int]:
    """The different integers in `values`, in order."""
    return sorted(set(values.tolist()))


def class_of(reward: float, num_classes: int) -> int:
    """With two classes a reward above 0.5 is success (1); with more the rounded reward is the class."""
    return int(reward > 0.5) if num_classes == 2 else round(reward)


def near_change(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) of one episode -> which frames lie within `EDGE_STEPS` of a change of label."""
    changes = np.flatnonzero(np.diff(labels))
    near = np.zeros(len(labels), bool)
    for last_before in changes:
        near[max(0, last_before - EDGE_STEPS + 1) : last_before + 1 + EDGE_STEPS] = True
    return near


def load_frames(
    reader: DatasetReader,
    features: Sequence[str],
    num_classes: int,
    progress: Callable[[str], None] = lambda text: None,
) -> LabelledFrames:
    """Every frame of the dataset; `progress` hears how many episodes have been read.

    Raises:
        DatasetError: a reward names no class, or there is only one class.
    """
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in features}
    labels: list[int] = []
    episodes: list[int] = []
    steps: list[int] = []
    edges: list[NDArray[np.bool_]] = []
    for number, episode in enumerate(reader.episodes):
        progress(f"{number} of {len(reader.episodes)} episodes read")
        transitions = reader.episode(episode)
        for step in transitions:
            for name, column in columns.items():
                column.append(step.next_observation[name])
        own = [class_of(step.reward, num_classes) for step in transitions]
        labels += own
        episodes += [episode.index] * len(own)
        steps += range(len(own))
        edges.append(near_change(np.array(own)))
    frames = LabelledFrames(
        {name: torch.from_numpy(np.stack(column)) for name, column in columns.items()},
        torch.tensor(labels),
        torch.tensor(episodes),
        torch.tensor(steps),
        torch.from_numpy(np.concatenate(edges)),
    )
    _check_classes(reader, frames, num_classes)
    return frames


def _check_classes(reader: DatasetReader, frames: LabelledFrames, num_classes: int) -> None:
    found = distinct(frames.labels)
    unknown = [label for label in found if not 0 <= label < num_classes]
    if unknown:
        raise DatasetError(f"{reader.root} holds rewards {unknown}, which are no class of {num_classes}")
    if len(found) > 1:
        return
    if num_classes == 2:
        what, missing = ("successful", "failed") if found == [1] else ("failed", "successful")
        raise DatasetError(
            f"{reader.root} holds only {what} frames ({len(frames)} of them), none that is {missing}: "
            "a classifier needs both (record with env.number_of_steps_after_success for more successes)"
        )
    raise DatasetError(f"{reader.root} holds frames of one class only: {found[0]}")


def hold_out(frames: LabelledFrames, share: float, rng: np.random.Generator) -> Tensor:
    """(N,) bool: the frames of about `share` of the episodes, at least one of each kind of episode.

    Episodes are drawn per set of labels that they hold, so that successes and failures are on both sides.

    Raises:
        DatasetError: there are too few episodes for every class to be on both sides.
    """
    groups: dict[frozenset[int], list[int]] = {}
    for episode in distinct(frames.episodes):
        kinds = frozenset(frames.labels[frames.episodes == episode].tolist())
        groups.setdefault(kinds, []).append(episode)
    chosen: list[int] = []
    for members in groups.values():
        count = min(max(1, round(share * len(members))), len(members) - 1)
        chosen += rng.permutation(members)[:count].tolist()
    is_held_out = torch.isin(frames.episodes, torch.tensor(chosen, dtype=torch.int64))
    for name, side in (("train on", ~is_held_out), ("hold out", is_held_out)):
        missing = set(frames.labels.tolist()) - set(frames.labels[side].tolist())
        if missing:
            raise DatasetError(
                f"too few episodes to {name}: of class {min(missing)} there are "
                f"{len(distinct(frames.episodes[frames.labels == min(missing)]))}, at least 2 are needed"
            )
    return is_held_out


class BalancedSampler:
    """Draws batches in which every class is equally frequent."""

    def __init__(self, labels: Tensor, rng: np.random.Generator) -> None:
        self._by_class = [torch.nonzero(labels == label).flatten() for label in distinct(labels)]
        self._rng = rng

    def draw(self, batch_size: int) -> Tensor:
        """(batch_size,) indices, with replacement."""
        which = self._rng.permutation(np.arange(batch_size) % len(self._by_class))
        counts = np.bincount(which, minlength=len(self._by_class))
        parts = [
            members[torch.from_numpy(self._rng.integers(len(members), size=count))]
            for members, count in zip(self._by_class, counts, strict=True)
        ]
        return torch.cat(parts)
