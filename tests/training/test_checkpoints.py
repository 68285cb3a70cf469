"""Checkpoints: whole or not at all, refused by name when damaged, `last` always good."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hilt.runs.checkpoints import CheckpointError, CheckpointStore, read_model
from hilt.runs.layout import best_checkpoint
from tests.training.parts import assert_whole, checkpoint, saved_names


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.load_last() is None
    store.save(checkpoint(40))
    assert_whole(store.load_last(), 40)
    folder = tmp_path / "checkpoints" / "last" / "pretrained_model"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "train_config.json",
    ]
    config, tensors = read_model(folder)
    assert (config["n"], float(tensors["w"][0])) == (40, 40.0)


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep=2)
    for step in (10, 200, 3000, 10_000_000):
        store.save(checkpoint(step), best=step == 200)
    assert saved_names(tmp_path) == ["0000200", "0003000", "10000000"]
    assert_whole(store.load_last(), 10_000_000)
    assert (tmp_path / "checkpoints" / "best").resolve().name == "0000200"


def test_training_hands_over_the_best_of_those_tested_else_the_last(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(10))
    assert read_model(best_checkpoint(tmp_path))[0]["n"] == 10
    store.save(checkpoint(20), best=True)
    store.save(checkpoint(30))
    assert read_model(best_checkpoint(tmp_path))[0]["n"] == 20


def test_saving_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(5))
    later = checkpoint(5)
    later.counters["reached_target"] = True
    store.save(later)
    loaded = store.load_last()
    assert loaded is not None
    assert loaded.counters["reached_target"] is True
    assert saved_names(tmp_path) == ["0000005"]


@pytest.mark.parametrize(
    "name",
    [
        "pretrained_model/model.safetensors",
        "pretrained_model/config.json",
        "training_state/state.safetensors",
        "training_state/state.json",
        "manifest.json",
    ],
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_refused_by_name_with_a_way_out(tmp_path: Path, name: str, damage: str) -> None:
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(1))
    store.save(checkpoint(2))
    path = tmp_path / "checkpoints" / "0000002" / name
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:20] + bytes([data[20] ^ 255]) + data[21:])
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    if damage == "remove":
        path.unlink()
    with pytest.raises(CheckpointError) as refusal:
        CheckpointStore(tmp_path).load_last()
    assert str(path) in str(refusal.value)
    assert "ln -sfn 0000001" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_damaged_policy_is_refused_for_evaluation(tmp_path: Path) -> None:
    CheckpointStore(tmp_path).save(checkpoint(1))
    folder = tmp_path / "checkpoints" / "last" / "pretrained_model"
    model = folder / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        read_model(folder)
    with pytest.raises(CheckpointError, match="no such folder"):
        read_model(tmp_path / "nowhere")


def test_a_half_written_checkpoint_is_never_looked_at(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(1))
    partial = tmp_path / "checkpoints" / ".0000002.partial" / "pretrained_model"
    partial.mkdir(parents=True)
    (partial / "config.json").write_text("{")
    assert_whole(CheckpointStore(tmp_path).load_last(), 1)
    store.save(checkpoint(2))
    assert_whole(store.load_last(), 2)
    assert saved_names(tmp_path) == ["0000001", "0000002"]


def test_without_the_link_the_newest_counts(tmp_path: Path) -> None:
    """A kill between the two renames, or a copy of the run by a program that drops links."""
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(1))
    store.save(checkpoint(12))
    (tmp_path / "checkpoints" / "last").unlink()
    assert_whole(store.load_last(), 12)
    (tmp_path / "checkpoints" / "last").symlink_to("0000099")
    assert_whole(store.load_last(), 12)


def forked(work: Callable[[], None]) -> int:
    """Process id of a copy of this process that does `work`, ends with 0, and with 1 after an OSError.

    A fork, because a new interpreter takes seconds to load torch. `work` only writes files.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except OSError:
        os._exit(1)
    os._exit(0)


def test_a_full_disk_leaves_the_checkpoint_before_as_it_was(tmp_path: Path) -> None:
    store, large = CheckpointStore(tmp_path), checkpoint(2, size=100_000)
    store.save(checkpoint(1))

    def save_without_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        store.save(large, best=True)

    assert os.waitstatus_to_exitcode(os.waitpid(forked(save_without_room), 0)[1]) == 1
    assert saved_names(tmp_path) == ["0000001"]
    assert not (tmp_path / "checkpoints" / "best").is_symlink()
    assert_whole(CheckpointStore(tmp_path).load_last(), 1)


def test_whenever_a_process_is_killed_the_last_checkpoint_is_whole(tmp_path: Path) -> None:
    made = [checkpoint(step, size=20_000) for step in range(200)]
    store, reached = CheckpointStore(tmp_path), 0
    for kills in range(8):
        begin, pipe = os.pipe()

        def save_on(start: int = reached + 1, pipe: int = pipe) -> None:
            for each in made[start:]:
                store.save(each)
                os.write(pipe, b".")

        pid = forked(save_on)
        said = len(os.read(begin, 1)) + reached
        time.sleep(0.002 * kills)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(begin)
        os.close(pipe)
        loaded = store.load_last()
        assert loaded is not None
        assert loaded.step >= said
        assert_whole(loaded, loaded.step)
        reached = loaded.step


def test_files_are_json_that_anybody_can_read(tmp_path: Path) -> None:
    folder = CheckpointStore(tmp_path).save(checkpoint(3))
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(manifest) == files - {"manifest.json"}
