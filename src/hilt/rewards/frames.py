"""Labelled camera frames for a reward classifier, and their division by whole episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hilt.data.batch import ObservationBatch
from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.lerobot.layout import REWARD
from hilt.data.transition import Judge
from hilt.rewards.labels import read_labels

EDGE_STEPS = 1
"""Frames this close to a change of label are ambiguous: nobody can say on which of them success began."""


@dataclass(frozen=True, slots=True)
class LabelledFrames:
    """N frames, and the class of each."""

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


def near_change(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) of one episode -> which frames lie within `EDGE_STEPS` of a change of label."""
    changes = np.flatnonzero(np.diff(labels))
    near = np.zeros(len(labels), bool)
    for last_before in changes:
        near[max(0, last_before - EDGE_STEPS + 1) : last_before + 1 + EDGE_STEPS] = True
    return near


def after_late_words(labels: NDArray[np.int64], late: int) -> NDArray[np.bool_]:
    """(N,) of one episode -> which labels stand although a change may be told up to `late` steps late."""
    stands = np.ones(len(labels), bool)
    for last_before in np.flatnonzero(np.diff(labels)):
        stands[max(0, last_before - late + 1) : last_before + 1] = False
    return stands


def load_frames(
    reader: DatasetReader,
    features: Sequence[str],
    num_classes: int,
    column: str = REWARD,
    label_delay_s: float = 0.0,
    progress: Callable[[str], None] = lambda text: None,
) -> LabelledFrames:
    """Every frame of the dataset, by the labels in `column`; `progress` hears how many episodes were read.

    A column `next.*` labels what was seen after the action, any other the frame beside which it stands. Where
    a person judged, frames up to `label_delay_s` before a change of label are left out: it had happened when
    the button was pressed.

    Raises:
        DatasetError: the labels are not `num_classes` classes.
    """
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in features}
    labels: list[NDArray[np.int64]] = []
    episodes: list[int] = []
    steps: list[int] = []
    labelled = zip(reader.episodes, read_labels(reader, num_classes, column), strict=True)
    for number, (episode, classes) in enumerate(labelled):
        progress(f"{number} of {len(reader.episodes)} episodes read")
        steps_of_episode = reader.episode(episode)
        classes = classes[: len(steps_of_episode)]
        is_late = episode.note is not None and episode.note.judge is Judge.PERSON
        stands = after_late_words(classes, round(label_delay_s * reader.info.fps) if is_late else 0)
        kept = np.flatnonzero(stands).tolist()
        for step in (steps_of_episode[index] for index in kept):
            seen = step.next_observation if column.startswith("next.") else step.observation
            for name, pictures in columns.items():
                pictures.append(seen[name])
        labels.append(classes[stands])
        episodes += [episode.index] * len(kept)
        steps += kept
    return LabelledFrames(
        {name: torch.from_numpy(np.stack(pictures)) for name, pictures in columns.items()},
        torch.from_numpy(np.concatenate(labels)),
        torch.tensor(episodes),
        torch.tensor(steps),
        torch.from_numpy(np.concatenate([near_change(each) for each in labels])),
    )


def clear_of_every_class(frames: LabelledFrames) -> LabelledFrames:
    """`frames`, in which a class that is seen beside changes only (one rewarded step) counts as clear."""
    is_edge = frames.is_edge.clone()
    for label in distinct(frames.labels):
        own = frames.labels == label
        if is_edge[own].all():
            is_edge[own] = False
    return replace(frames, is_edge=is_edge)


def hold_out(frames: LabelledFrames, share: float, rng: np.random.Generator) -> Tensor:
    """(N,) bool: the frames of about `share` of the episodes, at least one of each kind of episode.

    Episodes are drawn per set of labels that they hold, so that every class is on both sides.

    Raises:
        DatasetError: there are too few episodes for that.
    """
    kinds = {
        episode: frozenset(frames.labels[frames.episodes == episode].tolist())
        for episode in distinct(frames.episodes)
    }
    groups: dict[frozenset[int], list[int]] = {}
    for episode, kind in kinds.items():
        groups.setdefault(kind, []).append(episode)
    chosen: list[int] = []
    for members in groups.values():
        count = min(max(1, round(share * len(members))), len(members) - 1)
        chosen += rng.permutation(members)[:count].tolist()
    chosen += _for_missing(kinds, chosen)
    _check_sides(kinds, chosen)
    return torch.isin(frames.episodes, torch.tensor(chosen, dtype=torch.int64))


def _classes(kinds: Mapping[int, frozenset[int]], episodes: Iterable[int]) -> frozenset[int]:
    """All that is seen in `episodes`."""
    return frozenset[int]().union(*(kinds[episode] for episode in episodes))


def _for_missing(kinds: Mapping[int, frozenset[int]], chosen: Sequence[int]) -> list[int]:
    """Episodes for the classes that `chosen` lack, whose own kind is that of a single episode."""
    everything = _classes(kinds, kinds)
    more: list[int] = []
    for episode in kinds:
        held_out = {*chosen, *more}
        missing = everything - _classes(kinds, held_out)
        rest = kinds.keys() - held_out - {episode}
        if kinds[episode] & missing and _classes(kinds, rest) == everything:
            more.append(episode)
    return more


def _check_sides(kinds: Mapping[int, frozenset[int]], chosen: Sequence[int]) -> None:
    everything = _classes(kinds, kinds)
    for name, side in (("hold out", set(chosen)), ("train on", kinds.keys() - set(chosen))):
        if missing := everything - _classes(kinds, side):
            count = sum(min(missing) in kind for kind in kinds.values())
            raise DatasetError(
                f"too few episodes to {name}: class {min(missing)} is in {count} of {len(kinds)}, "
                "at least 2 are needed"
            )


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
