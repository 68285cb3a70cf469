"""`hilt train` on a disk that is full, and under a user who wants it to end."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hilt.data.episode_log import log_files
from hilt.runs.checkpoints import CheckpointStore
from hilt.runs.metrics import read_metrics
from tests.system.runs import (
    TINY,
    Hilt,
    Steps,
    assert_each_once_and_no_gaps,
    checkpoint_step,
    logged,
    processes_of,
    write_config,
)

pytestmark = pytest.mark.timeout(1500)
WIDE = {"hidden_dims": [128, 128]}
CONFIG = {
    **TINY,
    "policy": {
        **TINY["policy"],
        "online_steps": 100_000,
        "critic_network_kwargs": WIDE,
        "actor_network_kwargs": WIDE,
    },
}
"""Its checkpoints are much larger than its log."""
ROOM = 500_000
"""Bytes that no file may exceed while there is no room for checkpoints."""


@dataclass
class Story:
    """What was seen of one training that had no room for a while, was ended, and ended at once."""

    run: Path
    said: str = ""
    standing: set[int] = field(default_factory=set)
    """Checkpoints that `last` named while there was no room for more."""
    updates: list[float] = field(default_factory=list)
    refused: Steps = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)
    left: list[list[int]] = field(default_factory=list)
    saved_at_the_end: tuple[int, float] = (0, 0.0)
    """The update of the checkpoint, and the last that was logged."""


def limit_files(pid: int, nbytes: int) -> None:
    """What a full disk is to a process: writing beyond `nbytes` of a file fails."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (nbytes, resource.RLIM_INFINITY))


def updates(run: Path) -> float:
    return max(
        (r["train/updates"] for r in read_metrics(run / "metrics.jsonl") if "train/updates" in r), default=0
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("trouble")
    told = Story(folder / "run")
    train = Hilt(folder, "train", "--config_path", write_config(folder, CONFIG), f"--output_dir={told.run}")
    train.until(lambda: checkpoint_step(told.run) > 20, "the first checkpoint online")
    fill_the_disk(train, told)
    train.signal(signal.SIGINT)
    told.exit_codes.append(train.wait())
    told.left.append(processes_of(told.run))
    told.saved_at_the_end = checkpoint_step(told.run), updates(told.run)
    told.said = train.said
    told.exit_codes.append(impatiently_ended(folder, told.run))
    told.left.append(processes_of(told.run))
    return told


def fill_the_disk(train: Hilt, told: Story) -> None:
    learner, run = train.children()["learner"], told.run
    limit_files(learner, ROOM)
    train.until(lambda: "no checkpoint at update" in train.said, "a checkpoint that finds no room")
    told.standing.add(checkpoint_step(run))
    told.updates.append(updates(run))
    train.until(lambda: updates(run) > told.updates[0] + 20, "updates though nothing can be saved")
    told.standing.add(checkpoint_step(run))
    limit_files(learner, max(path.stat().st_size for path in log_files(run / "replay")))
    train.until(lambda: "replay cannot be written" in train.said, "a log that finds no room")
    told.refused = logged(run)
    limit_files(learner, resource.RLIM_INFINITY)
    train.until(lambda: len(logged(run)) > len(told.refused) + 50, "steps after there is room again")
    saved = checkpoint_step(run)
    train.until(lambda: checkpoint_step(run) > saved, "a checkpoint after there is room again")


def impatiently_ended(folder: Path, run: Path) -> int:
    """Its exit code after two Ctrl-C, the first of which a frozen learner does not hear."""
    train = Hilt(folder, "train", "--resume=true", f"--output_dir={run}")
    train.until(lambda: "learner" in train.children() and "going on from" in train.said, "it goes on")
    os.kill(train.children()["learner"], signal.SIGSTOP)
    for _ in range(2):
        train.signal(signal.SIGINT)
        train.until(lambda: "" in train.said, "the signal is out")
    return train.wait()


def test_the_old_checkpoint_stands_while_there_is_no_room(story: Story) -> None:
    assert len(story.standing) == 1
    assert CheckpointStore(story.run).load_last() is not None


def test_each_trouble_is_said_in_a_line(story: Story) -> None:
    lines = story.said.splitlines()
    assert [line for line in lines if "no checkpoint at update" in line and "the one before stands" in line]
    assert len([line for line in lines if "replay cannot be written" in line]) == 1
    assert len([line for line in lines if "replay can be written again" in line]) == 1
    assert "Traceback" not in story.said


def test_what_found_no_room_in_the_log_comes_later(story: Story) -> None:
    steps = logged(story.run)
    assert_each_once_and_no_gaps(steps)
    assert steps[: len(story.refused)] == story.refused
    assert len(steps) > len(story.refused)


def test_ctrl_c_saves_everything_and_leaves_nobody_behind(story: Story) -> None:
    assert story.exit_codes == [130, 130]
    assert story.left == [[], []]
    saved, last = story.saved_at_the_end
    assert saved >= last > 0
