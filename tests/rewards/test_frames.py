"""Labels, their division by episodes, balanced batches."""

from __future__ import annotations

from pathlib import Path

import lamps
import numpy as np
import pytest
import torch

from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.rewards.frames import BalancedSampler, LabelledFrames, class_of, hold_out, load_frames, near_change


def load(root: Path, num_classes: int = 2) -> LabelledFrames:
    return load_frames(DatasetReader(root), [lamps.FRONT], num_classes)


def test_a_frame_is_what_was_seen_when_the_reward_was_paid(tmp_path: Path) -> None:
    steps = lamps.episode(0)
    frames = load(lamps.write(tmp_path / "set", [steps, lamps.episode(1)]))
    assert frames.labels[:12].tolist() == [int(step.reward) for step in steps]
    expected = np.stack([step.next_observation[lamps.FRONT] for step in steps])
    np.testing.assert_array_equal(frames.observations[lamps.FRONT][:12], expected)


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


def test_rewards_name_classes() -> None:
    assert [class_of(reward, 2) for reward in (0.0, 0.4, 1.0, 10.0)] == [0, 0, 1, 1]
    assert [class_of(reward, 3) for reward in (0.0, 1.0, 2.0)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("episodes", "num_classes", "sentence"),
    [
        ([lamps.episode(0, succeeds=False), lamps.episode(1, succeeds=False)], 2, "only failed frames"),
        ([lamps.episode(0, length=12)[8:]], 2, "only successful frames"),
        ([lamps.episode(0), lamps.episode(1)], 3, None),
    ],
)
def test_one_class_only_is_an_error(
    tmp_path: Path, episodes: list, num_classes: int, sentence: str | None
) -> None:
    root = lamps.write(tmp_path / "set", episodes)
    if sentence is None:
        assert len(load(root, num_classes)) == 24
        return
    with pytest.raises(DatasetError, match=sentence):
        load(root, num_classes)


def test_a_single_episode_with_success_cannot_be_held_out(tmp_path: Path) -> None:
    frames = load(lamps.write(tmp_path / "set", [lamps.episode(0), lamps.episode(1, succeeds=False)]))
    with pytest.raises(DatasetError, match="too few episodes"):
        hold_out(frames, 0.2, np.random.default_rng(0))
