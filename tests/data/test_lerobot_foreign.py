"""Datasets of other robots and other programs: what is optional may be missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from hilt.build.datasets import open_fitting
from hilt.commands.inspect_dataset import print_info, show, summarise
from hilt.config.load import load_config
from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.transition import IMAGES, STATE, Feature, Schema
from tests.data import foreign
from tests.data.foreign import CAMERA, TASKS, VECTOR, cells, picture, vectors

FRONT, DEPTH = f"{IMAGES}.front", f"{IMAGES}.depth"
NUMBER = {"dtype": "float32", "shape": [1], "names": None}
REWARD = {"next.reward": {**NUMBER}, "next.done": {**NUMBER, "dtype": "bool"}}
LENGTHS = (7, 5)
COUNT = sum(LENGTHS)
REWARDS = {"next.reward": [0.0] * 6 + [1.0] + [0.0] * 5, "next.done": [False] * 6 + [True] + [False] * 5}


def arm(root: Path, **more: object) -> Path:
    """An arm of another make: joints, a camera, no rewards."""
    columns = {STATE: vectors(COUNT, 6), "action": vectors(COUNT, 6, 1)}
    return foreign.write(root, {STATE: VECTOR, "action": VECTOR, FRONT: CAMERA}, columns, LENGTHS, **more)  # type: ignore[arg-type]


def said(root: Path) -> str:
    console = Console(record=True, width=250)
    print_info(root, console)
    return console.export_text()


@pytest.mark.parametrize(
    "without",
    [(), ("tasks",), ("tasks", "length"), ("tasks", "data/chunk_index", "data/file_index")],
    ids=" ".join,
)
def test_optional_columns_are_optional(tmp_path: Path, without: tuple[str, ...]) -> None:
    reader = DatasetReader(arm(tmp_path / "set", without=without))
    assert [(episode.length, episode.task) for episode in reader.episodes] == [(7, TASKS[0]), (5, TASKS[1])]
    steps = reader.episode(reader.episodes[1])
    assert [step.reward for step in steps] == [0.0] * 5
    assert steps[-1].truncated
    seen = steps[2].observation[FRONT]
    assert np.abs(seen.astype(int) - picture(9)).mean() < 6


def test_no_task_at_all_is_no_error(tmp_path: Path) -> None:
    root = arm(tmp_path / "set", without=("tasks",))
    (root / "meta/tasks.parquet").unlink()
    assert [episode.task for episode in DatasetReader(root).episodes] == ["", ""]


def test_a_rate_that_is_a_whole_number_may_be_written_with_a_point(tmp_path: Path) -> None:
    assert DatasetReader(arm(tmp_path / "set", fps=30.0)).info.fps == 30


def test_info_and_show_of_another_robot_without_rewards(tmp_path: Path) -> None:
    stats = {STATE: {"min": [-3] * 6, "max": [3] * 6}, "task": {"min": ["a"], "max": ["b"]}}
    root = arm(tmp_path / "set", stats=stats)
    summary = summarise(root)
    assert summary.gripper == "hilt convention (actions of 6 numbers are read as they are)"
    assert [episode.total_reward for episode in summary.episodes] == [None, None]
    (remark,) = summary.warnings
    assert "no rewards (next.reward): no policy learns" in remark
    text = said(root)
    for expected in ("so101_follower", "12 at 30 per second", "joint_0.pos, joint_1.pos", "episodes  2 "):
        assert expected in text
    assert "successful" not in text
    assert show(root).stat().st_size > 5_000


def test_info_and_show_with_rewards_but_no_state_no_cameras_and_no_actions(tmp_path: Path) -> None:
    columns = {"observation.environment_state": vectors(COUNT, 6), **REWARDS}
    features = {"observation.environment_state": VECTOR, **REWARD}
    root = foreign.write(tmp_path / "set", features, columns, LENGTHS)
    summary = summarise(root)
    assert [episode.is_success for episode in summary.episodes] == [True, False]
    remarks = " / ".join(summary.warnings)
    for expected in ("no actions", "who was in control is not recorded", "stats.json is missing"):
        assert expected in remarks
    assert show(root, tmp_path / "picture.png").exists()


def test_text_matrices_and_depth_are_left_out_and_grey_pictures_are_read(tmp_path: Path) -> None:
    matrix = pa.array([[[1.0, 2.0], [3.0, 4.0]]] * COUNT, pa.list_(pa.list_(pa.float32())))
    grey = {"dtype": "image", "shape": [32, 48, 1], "names": ["height", "width", "channel"]}
    features = {
        "action": VECTOR,
        "observation.matrix": {"dtype": "float32", "shape": [2, 2], "names": None},
        "observation.words": {"dtype": "string", "shape": [1], "names": None},
        FRONT: grey,
        DEPTH: {**CAMERA, "info": {"video.is_depth_map": True}},
    }
    columns = {
        "action": vectors(COUNT, 6),
        "observation.matrix": matrix,
        "observation.words": ["left"] * COUNT,
        FRONT: cells(COUNT, tmp_path / "set"),
    }
    root = foreign.write(tmp_path / "set", features, columns, LENGTHS)
    reader = DatasetReader(root)
    assert dict(reader.schema.observation) == {FRONT: Feature((3, 32, 48), "uint8")}
    steps = reader.episode(reader.episodes[1])
    np.testing.assert_array_equal(steps[0].observation[FRONT], picture(7))
    assert "observation.matrix" in said(root)
    assert show(root).exists()


def test_what_training_needs_is_said_with_the_way_out(tmp_path: Path) -> None:
    arm(tmp_path / "set")
    config = load_config(
        {"dataset": {"root": str(tmp_path / "set")}, "env": {"type": "gymnasium", "task": "X-v0"}}
    )
    with pytest.raises(DatasetError, match=r"no feature 'next.reward', .*hilt relabel"):
        open_fitting(config, Schema({STATE: Feature((6,))}, Feature((6,))))


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    features = {"action": VECTOR, FRONT: {**CAMERA, "dtype": "image"}}
    columns = {"action": vectors(COUNT, 6), FRONT: cells(COUNT, tmp_path / "set")}
    root = foreign.write(tmp_path / "set", features, columns, LENGTHS)
    (root / "images/frame-000003.png").unlink()
    with pytest.raises(DatasetError, match="a picture is missing"):
        list(DatasetReader(root).transitions())
    assert any("a picture is missing" in remark for remark in summarise(root).warnings)
