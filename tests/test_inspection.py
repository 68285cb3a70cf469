"""What `hilt data info` and `hilt data show` say of a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hilt.commands.inspect_dataset import print_info, show, summarise
from hilt.data.lerobot import DatasetError, DatasetWriter
from hilt.data.transition import Controller, Feature, Schema, Transition

CAMERA = "observation.images.front"
SCHEMA = Schema({"observation.state": Feature((3,)), CAMERA: Feature((3, 16, 16), "uint8")}, Feature((2,)))


def episode(length: int, *, success: bool, still: bool = False) -> list[Transition]:
    rng = np.random.default_rng(length)

    def observe(step: int) -> dict[str, np.ndarray]:
        state = np.array([*rng.normal(size=2), 0.5], np.float32)
        return {"observation.state": state, CAMERA: np.full((3, 16, 16), 0 if still else step, np.uint8)}

    observations = [observe(step) for step in range(length + 1)]
    action = rng.normal(size=(length, 2)).astype(np.float32)
    return [
        Transition(
            observation=observations[k],
            action=action[k],
            policy_action=action[k],
            controller=Controller(k < length // 2),
            reward=float(success and k == length - 1),
            terminated=success and k == length - 1,
            truncated=not success and k == length - 1,
            next_observation=observations[k + 1],
            discrete_penalty=0.0,
            episode_id=0,
            step=k,
            is_success=success and k == length - 1,
        )
        for k in range(length)
    ]


def write(root: Path, *episodes: list[Transition]) -> Path:
    with DatasetWriter(root, SCHEMA, fps=10, task="reach", image_format="png") as writer:
        for steps in episodes:
            for step in steps:
                writer.add(step)
            writer.finish_episode()
    return root


def test_figures_are_those_of_the_episodes(tmp_path: Path) -> None:
    root = write(tmp_path / "set", episode(8, success=True), episode(6, success=False))
    summary = summarise(root)
    assert summary.n_frames == 14
    first, second = summary.episodes
    assert (first.length, first.total_reward, first.is_success, first.end) == (8, 1.0, True, "terminated")
    assert (second.length, second.is_success, second.end) == (6, False, "truncated")
    assert first.interventions == pytest.approx(0.5)


def test_warnings_are_named(tmp_path: Path) -> None:
    still = episode(5, success=False, still=True)
    root = write(tmp_path / "set", still, [replace(still[0], truncated=True)])
    (root / "data/chunk-000/file-001.parquet").write_bytes(b"torn")
    remarks = " / ".join(summarise(root).warnings)
    for expected in (
        "observation.state: component 2 never changes",
        f"camera {CAMERA} shows the same picture",
        "no episode succeeds",
        "file-001.parquet is damaged",
    ):
        assert expected in remarks


def test_a_good_dataset_has_nothing_odd_but_what_is_constant(tmp_path: Path) -> None:
    root = write(tmp_path / "set", episode(8, success=True))
    assert summarise(root).warnings == ["observation.state: component 2 never changes"]
    console = Console(record=True, width=120)
    print_info(root, console)
    text = console.export_text()
    assert "1, 1 successful" in text
    assert "float32 [3]" in text


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    root = write(tmp_path / "set", episode(8, success=True), episode(3, success=False))
    picture = show(root)
    assert picture == tmp_path / "set.png"
    assert picture.stat().st_size > 5_000


def test_what_is_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is missing"):
        summarise(tmp_path)
