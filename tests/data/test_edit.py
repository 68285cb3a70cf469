"""Datasets again, edited: what is left of an episode, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter
from hilt.data.lerobot.edit import Part, replace_dataset, write_parts
from hilt.data.transition import Controller, Feature, Judge, Schema, Transition

CAMERA, STATE = "observation.images.front", "observation.state"
SCHEMA = Schema({CAMERA: Feature((3, 16, 16), "uint8"), STATE: Feature((2,))}, Feature((2,)))
LENGTH = 8


def look(episode: int, k: int) -> dict[str, np.ndarray]:
    return {CAMERA: np.full((3, 16, 16), 20 * k, np.uint8), STATE: np.array([episode, k], np.float32)}


def steps_of(episode: int) -> list[Transition]:
    return [
        Transition(
            observation=look(episode, k),
            action=np.array([k, 0], np.float32),
            policy_action=np.array([k, 0], np.float32),
            controller=Controller.OPERATOR,
            reward=float(k == LENGTH - 1),
            terminated=k == LENGTH - 1,
            truncated=False,
            next_observation=look(episode, k + 1),
            discrete_penalty=0.0,
            episode_id=episode,
            step=k,
            is_success=k == LENGTH - 1,
        )
        for k in range(LENGTH)
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    with DatasetWriter(tmp_path / "set", SCHEMA, fps=10, task="go", image_format="png") as writer:
        for episode in range(3):
            for step in steps_of(episode):
                writer.add(step)
            writer.finish_episode(seed=episode, initial_state=np.array([episode, 0.5]), judge=Judge.PERSON)
    return tmp_path / "set"


def edited(dataset: Path, *parts: Part) -> list[list[Transition]]:
    reader = DatasetReader(dataset)
    output = dataset.with_name("edited")
    assert write_parts(reader, parts, output) == len(parts)
    again = DatasetReader(output)
    return [again.episode(episode) for episode in again.episodes]


def test_what_is_not_changed_is_the_same(dataset: Path) -> None:
    (steps,) = edited(dataset, Part(1))
    for step, original in zip(steps, steps_of(1), strict=True):
        assert (step.reward, step.terminated, step.truncated) == (original.reward, original.terminated, False)
        np.testing.assert_array_equal(step.observation[CAMERA], original.observation[CAMERA])
        np.testing.assert_array_equal(step.next_observation[STATE], original.next_observation[STATE])
    (episode,) = DatasetReader(dataset.with_name("edited")).episodes
    assert episode.note is not None
    assert (episode.note.seed, episode.note.judge) == (1, Judge.PERSON)


def test_an_episode_that_is_cut_ends_as_a_truncation_and_goes_on_to_what_was_seen_next(dataset: Path) -> None:
    (steps,) = edited(dataset, Part(0, 2, 5))
    assert [step.action[0] for step in steps] == [2, 3, 4]
    assert [step.step for step in steps] == [0, 1, 2]
    assert [(step.terminated, step.truncated) for step in steps] == [(False, False)] * 2 + [(False, True)]
    assert steps[-1].next_observation[STATE].tolist() == [0, 5]
    (episode,) = DatasetReader(dataset.with_name("edited")).episodes
    assert episode.note is not None
    assert episode.note.seed is None  # it does not begin where the seed leads


def test_split_and_deleted(dataset: Path) -> None:
    episodes = edited(dataset, Part(2, 0, 3), Part(2, 3), Part(0))
    assert [len(steps) for steps in episodes] == [3, 5, LENGTH]
    assert [steps[0].observation[STATE].tolist() for steps in episodes] == [[2, 0], [2, 3], [0, 0]]


def test_marked_steps_are_successes_and_a_cut_behind_one_is_a_true_end(dataset: Path) -> None:
    (steps,) = edited(dataset, Part(0, 0, 5, frozenset({3, 4, 7})))
    assert [step.reward for step in steps] == [0, 0, 0, 1, 1]
    assert [step.is_success for step in steps] == [False, False, False, True, True]
    assert (steps[-1].terminated, steps[-1].truncated) == (True, False)


@pytest.mark.parametrize("part", [Part(7), Part(0, 5, 5), Part(0, -1, 3), Part(0, 0, LENGTH + 1)])
def test_a_part_that_is_none_is_refused_and_leaves_nothing(dataset: Path, part: Part) -> None:
    with pytest.raises(DatasetError, match="episode"):
        write_parts(DatasetReader(dataset), [Part(0), part], dataset.with_name("edited"))
    assert not dataset.with_name("edited").exists()


def test_an_empty_dataset_is_not_written(dataset: Path) -> None:
    with pytest.raises(DatasetError, match="nothing is left"):
        write_parts(DatasetReader(dataset), [], dataset.with_name("edited"))


def test_what_is_replaced_is_kept(dataset: Path) -> None:
    write_parts(DatasetReader(dataset), [Part(0)], dataset.with_name("edited"))
    kept = replace_dataset(dataset, dataset.with_name("edited"))
    assert len(DatasetReader(dataset).episodes) == 1
    assert len(DatasetReader(kept).episodes) == 3
