"""A dataset again, edited: episodes left out, cut, split, their frames labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hilt.data.lerobot.catalog import Episode
from hilt.data.lerobot.layout import DatasetError
from hilt.data.lerobot.reader import DatasetReader
from hilt.data.lerobot.writer import DatasetWriter
from hilt.data.transition import Judge, Transition


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept of an episode: its steps from `start` up to `stop`, exclusive; None: to its end."""

    episode: int
    start: int = 0
    stop: int | None = None
    successes: frozenset[int] | None = None
    """Steps of the episode that are rewarded with 1, the others with 0; None: rewards stay."""


def write_parts(
    reader: DatasetReader,
    parts: Sequence[Part],
    output: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> int:
    """Write `parts`, in order, as the episodes of a new dataset in `output`; how many there are.

    A part that ends before its episode does is a truncation there, or a true end on a step of success. The
    seed and the initial state stay with parts from the beginning. Videos are encoded again.

    Raises:
        DatasetError: a part is none of the dataset, the dataset cannot be read, or `output` exists.
    """
    if not parts:
        raise DatasetError("nothing is left: an edited dataset has at least one episode")
    by_index = {episode.index: episode for episode in reader.episodes}
    for part in parts:
        _check(part, by_index.get(part.episode), reader.root)
    with copy_of(reader, output) as writer:
        for number, part in enumerate(parts):
            progress(f"{number} of {len(parts)} episodes written")
            episode = by_index[part.episode]
            for step in _steps(reader.episode(episode), part):
                writer.add(step)
            judge = None if episode.note is None or part.successes is not None else episode.note.judge
            finish_as(writer, episode, judge, from_start=part.start == 0)
    return len(parts)


def copy_of(reader: DatasetReader, output: Path) -> DatasetWriter:
    """A writer of a new dataset in `output` with the features and the origin of `reader`."""
    return DatasetWriter(
        output,
        reader.schema,
        fps=reader.info.fps,
        task="",
        image_format="video" if reader.info.keys_of("video") else "png",
        origin=reader.origin,
    )


def finish_as(
    writer: DatasetWriter, episode: Episode, judge: Judge | None, *, from_start: bool = True
) -> None:
    """Finish the episode in progress as `episode`, with its success by `judge`; None: that is not said."""
    note = episode.note
    seed, state = (note.seed, note.initial_state) if note is not None and from_start else (None, None)
    writer.finish_episode(seed, state, episode.task, judge)


def replace_dataset(root: Path, edited: Path) -> Path:
    """Put `edited` in the place of the dataset `root`, which is kept beside it; the folder where that is."""
    for number in range(1, 1000):
        kept = root.with_name(f"{root.name}_before_edit_{number}")
        if not kept.exists():
            root.rename(kept)
            edited.rename(root)
            return kept
    raise DatasetError(f"{root} was edited 999 times: clear away the datasets {root.name}_before_edit_*")


def _check(part: Part, episode: Episode | None, root: Path) -> None:
    if episode is None:
        raise DatasetError(f"{root} has no episode {part.episode}")
    stop = episode.length if part.stop is None else part.stop
    if not 0 <= part.start < stop <= episode.length:
        raise DatasetError(
            f"episode {part.episode} has steps 0 to {episode.length - 1}: "
            f"a part cannot be from {part.start} up to {stop}"
        )


def _steps(steps: Sequence[Transition], part: Part) -> Iterator[Transition]:
    """The steps of `part`, counted from 0."""
    stop = len(steps) if part.stop is None else min(part.stop, len(steps))
    for k in range(part.start, stop):
        step = replace(steps[k], step=k - part.start)
        if part.successes is not None:
            is_success = k in part.successes
            step = replace(step, reward=float(is_success), is_success=is_success)
        if k == stop - 1 < len(steps) - 1:
            step = replace(step, terminated=step.is_success, truncated=not step.is_success)
        yield step
