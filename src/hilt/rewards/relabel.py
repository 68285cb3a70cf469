"""`hilt relabel`: the rewards of a dataset, frame by frame, by a classifier."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.lerobot.catalog import Episode, PictureProcessing
from hilt.data.lerobot.edit import copy_of, finish_as
from hilt.data.transition import Feature, Judge, Schema, Transition
from hilt.envs.feature_env import Judgement
from hilt.rewards.reward_function import ClassifierReward

CHANGES = "relabel.jsonl"
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Change:
    """One frame whose reward the classifier sees otherwise."""

    episode: int
    step: int
    old: float
    new: float
    probability: float
    """Of success."""
    reason: str
    """Why the classifier gives the reward that it does, in words."""


@dataclass(slots=True)
class Relabelling:
    """What `relabel` did."""

    root: Path
    frames: int = 0
    changes: list[Change] = field(default_factory=list)

    def count(self, episode: int, step: Transition, judged: Judgement, reward: ClassifierReward) -> None:
        """One more frame, of which `reward` has just said `judged`."""
        self.frames += 1
        if abs(judged.reward - step.reward) > _SAME:
            reason = reward.reason(judged)
            change = Change(episode, step.step, step.reward, judged.reward, judged.probability, reason)
            self.changes.append(change)

    def lines(self) -> list[str]:
        """For a person: a summary, then the spans of frames that changed."""
        raised = sum(change.new > change.old for change in self.changes)
        share = len(self.changes) / max(self.frames, 1)
        return [
            f"{len(self.changes)} of {self.frames} rewards changed ({share:.1%}): {raised} raised, "
            f"{len(self.changes) - raised} lowered; each in {self.root / 'meta' / CHANGES}",
            *(_span(group) for group in _consecutive(self.changes)),
        ]


def _consecutive(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes of neighbouring frames in the same direction, together."""
    group: list[Change] = []
    for change in changes:
        if group and not (
            (change.episode, change.step) == (group[-1].episode, group[-1].step + 1)
            and (change.old, change.new, change.reason) == (group[-1].old, group[-1].new, group[-1].reason)
        ):
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _span(group: Sequence[Change]) -> str:
    first, last = group[0], group[-1]
    steps = f"step {first.step}" if len(group) == 1 else f"steps {first.step} to {last.step}"
    lowest, highest = (f"{end(c.probability for c in group):.3f}" for end in (min, max))
    span = lowest if lowest == highest else f"{lowest} to {highest}"
    return (
        f"episode {first.episode}, {steps}: {first.old:g} -> {first.new:g} "
        f"(probability {span}, {first.reason})"
    )


def relabel(
    dataset: Path | str,
    reward: ClassifierReward,
    output: Path | str | None = None,
    *,
    gripper_convention: str = "auto",
    pictures: PictureProcessing | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Relabelling:
    """Write `dataset` again with the rewards of `reward`, into `output` (DATASET_relabelled unless given).

    Lengths, ends, pictures and the environment's own word (`is_success`) stay; only rewards change. The
    frames that did are listed in `meta/relabel.jsonl`. The classifier sees pictures as `pictures` makes them;
    `progress` hears how many episodes are done.

    Raises:
        DatasetError: the dataset cannot be read, lacks what the classifier looks at, or `output` exists.
    """
    reader = DatasetReader(dataset, gripper_convention=gripper_convention)
    judge = EpisodeJudge(reader, reward, pictures)
    root = Path(output) if output is not None else reader.root.with_name(f"{reader.root.name}_relabelled")
    result = Relabelling(root)
    with copy_of(reader, root) as writer:
        for number, episode in enumerate(reader.episodes):
            progress(f"{number} of {len(reader.episodes)} episodes relabelled")
            for step, judged in judge(episode):
                result.count(episode.index, step, judged, reward)
                writer.add(replace(step, reward=judged.reward))
            finish_as(writer, episode, Judge.CLASSIFIER)
    lines = (json.dumps(asdict(change)) + "\n" for change in result.changes)
    (root / "meta" / CHANGES).write_text("".join(lines))
    return result


class EpisodeJudge:
    """What `reward` says of every step of the episodes of `reader`, seeing pictures as `pictures` makes them.

    Raises:
        DatasetError: the dataset lacks what the classifier looks at.
    """

    def __init__(
        self, reader: DatasetReader, reward: ClassifierReward, pictures: PictureProcessing | None = None
    ) -> None:
        missing = [name for name in reward.features if name not in reader.schema.observation]
        if missing:
            raise DatasetError(f"{reader.root} has no {', '.join(missing)}, which the classifier looks at")
        self._reader, self._reward = reader, reward
        self._wanted = {
            name: Feature(shape, "uint8" if len(shape) == 3 else "float32")
            for name, shape in reward.shapes.items()
        }
        self._seen = DatasetReader(
            reader.root,
            schema=Schema(self._wanted, reader.schema.action),
            gripper_convention=reader.gripper_convention,
            pictures=pictures,
        )

    def __call__(self, episode: Episode) -> Iterator[tuple[Transition, Judgement]]:
        """Each step of `episode`, and what is said of what it led to."""
        self._reward.reset()
        for step in self._reader.episode(episode):
            seen = {name: step.next_observation[name] for name in self._wanted}
            yield step, self._reward(self._seen.processed(seen))
