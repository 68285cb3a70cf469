"""Labels, their division by episodes, balanced batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter
from hilt.data.transition import Judge, Transition
from hilt.rewards.frames import (
    BalancedSampler,
    LabelledFrames,
    clear_of_every_class,
    hold_out,
    load_frames,
    near_change,
)
from hilt.rewards.labels import read_labels
from tests.rewards import lamps


def load(root: Path, num_classes: int = 2) -> LabelledFrames:
    return load_frames(DatasetReader(root), [lamps.FRONT], num_classes)


def paid(number: int, *rewards: float) -> list[Transition]:
    """An episode with these rewards."""
    steps = lamps.episode(number, length=len(rewards))
    return [replace(step, reward=reward) for step, reward in zip(steps, rewards, strict=True)]


def labels_of(root: Path, *rewards: float, num_classes: int = 2) -> list[int]:
    lamps.write(root, [paid(0, *rewards)])
    return read_labels(DatasetReader(root), num_classes)[0].tolist()


def test_a_frame_is_what_was_seen_when_the_reward_was_paid(tmp_path: Path) -> None:
    steps = lamps.episode(0)
    frames = load(lamps.write(tmp_path / "set", [steps, lamps.episode(1)]))
    assert frames.labels[:12].tolist() == [int(step.reward) for step in steps]
    expected = np.stack([step.next_observation[lamps.FRONT] for step in steps])
    np.testing.assert_array_equal(frames.observations[lamps.FRONT][:12], expected)


def test_what_a_person_had_not_yet_pressed_is_no_failure(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", lamps.SCHEMA, fps=10, task="raise", image_format="png") as writer:
        for judge in (Judge.PERSON, Judge.ENVIRONMENT):
            for step in paid(0, 0, 0, 0, 0, 0, 0, 1):
                writer.add(step)
            writer.finish_episode(judge=judge)
    reader = DatasetReader(tmp_path / "set")
    frames = load_frames(reader, [lamps.FRONT], 2, label_delay_s=0.4)
    of_person = frames.episodes == 0
    assert frames.labels[of_person].tolist() == [0, 0, 1]
    assert frames.steps[of_person].tolist() == [0, 1, 6]
    assert frames.labels[~of_person].tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_frames_beside_a_change_of_label_are_marked() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(near_change(labels), [0, 0, 1, 1, 0, 1, 1, 0])


def test_held_out_are_whole_episodes_with_every_class_on_both_sides(tmp_path: Path) -> None:
    episodes = [lamps.episode(k, succeeds=k % 3 > 0) for k in range(10)]
    frames = load(lamps.write(tmp_path / "set", episodes))
    is_held_out = hold_out(frames, 0.2, np.random.default_rng(0))
    sides = [set(frames.episodes[side].tolist()) for side in (is_held_out, ~is_held_out)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) == 2
    for side in (is_held_out, ~is_held_out):
        assert set(frames.labels[side].tolist()) == {0, 1}


def test_batches_hold_every_class_equally_often() -> None:
    labels = torch.tensor([0] * 95 + [1] * 4 + [2])
    index = BalancedSampler(labels, np.random.default_rng(0)).draw(30)
    assert labels[index].bincount().tolist() == [10, 10, 10]


@pytest.mark.parametrize(
    ("rewards", "labels"),
    [
        ((0, 1, 0), [0, 1, 0]),
        ((0, 10, 0), [0, 1, 0]),
        ((-0.02, 0, 0.4, 1), [0, 0, 0, 1]),
    ],
)
def test_a_reward_tells_success(tmp_path: Path, rewards: tuple[float, ...], labels: list[int]) -> None:
    assert labels_of(tmp_path / "set", *rewards) == labels


def test_labels_are_classes(tmp_path: Path) -> None:
    assert labels_of(tmp_path / "set", 0, 2, 1, 1, num_classes=3) == [0, 2, 1, 1]


@pytest.mark.parametrize(
    ("rewards", "num_classes", "words"),
    [
        ((0, 0, 0), 2, "only failed frames"),
        ((1, 1, 1), 2, "only successful frames"),
        ((0, 1, 1), 3, "labels 0, 1, policy.num_classes = 3 means the classes 0, 1, 2.*num_classes to 2"),
        ((0, 1, 2), 2, "labels 0, 1, 2, policy.num_classes = 2 means the classes 0, 1: .*num_classes to 3"),
        ((0, 1, 3), 3, "labels 0, 1, 3, policy.num_classes = 3 means the classes 0, 1, 2: .*without gaps"),
        ((-1, 0, 1), 3, "labels -1, 0, 1, .*classes 0, 1, 2"),
        ((0, 0.5, 1), 3, "labels 0, 0.5, 1, .*whole numbers"),
        ((1, 1, 1), 3, "labels 1, policy.num_classes = 3"),
        (tuple(range(12)), 3, r"labels 0, .*9, \.\.\. \(12 different ones\)"),
    ],
)
def test_labels_that_are_other_classes_are_an_error_that_lists_both(
    tmp_path: Path, rewards: tuple[float, ...], num_classes: int, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        labels_of(tmp_path / "set", *rewards, num_classes=num_classes)


def test_a_named_column_labels_the_frame_beside_which_it_stands(tmp_path: Path) -> None:
    root = lamps.write(tmp_path / "set", [lamps.episode(0, length=6)])
    stages = [0, 0, 1, 1, 2, 2]
    lamps.add_column(root, "stage", stages)
    steps = lamps.episode(0, length=6)
    frames = load_frames(DatasetReader(root), [lamps.FRONT], 3, "stage")
    assert frames.labels.tolist() == stages
    expected = np.stack([step.observation[lamps.FRONT] for step in steps])
    np.testing.assert_array_equal(frames.observations[lamps.FRONT], expected)
    with pytest.raises(DatasetError, match="no single number 'phase' per frame; it has .*next.reward.*stage"):
        read_labels(DatasetReader(root), 3, "phase")


def test_classes_that_share_no_kind_of_episode_are_held_out_too(tmp_path: Path) -> None:
    root = lamps.write(
        tmp_path / "set", [paid(0, 0, 1, 1), paid(1, 1, 2, 2), paid(2, 2, 0, 1), paid(3, 0, 2, 2)]
    )
    frames = load(root, 3)
    is_held_out = hold_out(frames, 0.2, np.random.default_rng(0))
    for side in (is_held_out, ~is_held_out):
        assert set(frames.labels[side].tolist()) == {0, 1, 2}


def test_one_rewarded_step_per_episode_is_enough_to_be_judged_by(tmp_path: Path) -> None:
    frames = clear_of_every_class(
        load(lamps.write(tmp_path / "set", [paid(0, 0, 0, 0, 1), paid(1, 0, 0, 0, 1)]))
    )
    assert set(frames.labels[~frames.is_edge].tolist()) == {0, 1}


def test_a_single_episode_with_success_cannot_be_held_out(tmp_path: Path) -> None:
    frames = load(lamps.write(tmp_path / "set", [lamps.episode(0), lamps.episode(1, succeeds=False)]))
    with pytest.raises(DatasetError, match="too few episodes"):
        hold_out(frames, 0.2, np.random.default_rng(0))
