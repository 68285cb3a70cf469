"""`hilt sweep` with real trainings: what dies goes on, what is over is not trained again."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hilt.commands.main import main
from hilt.config.load import load_config
from hilt.config.write import to_json
from tests.system.runs import TINY, Hilt, checkpoint_step, logged, write_config

CONFIG: dict[str, Any] = {
    **TINY,
    "save_every_s": 0.2,
    "eval": {"n_episodes": 2, "videos": 0},
    "env": {"task": "hilt/PickCube-v0", "processor": {"reset": {"control_time_s": 3.0}}},
    "max_env_steps_per_update": 2.0,
}
pytestmark = pytest.mark.timeout(1500)
NAMES = ("seed=3", "seed=4")


def sweep(folder: Path, *more: str) -> Hilt:
    return Hilt(folder, "sweep", f"--config_path={write_config(folder, CONFIG)}", "--output_dir=swept", *more)


def trainings(command: Hilt) -> dict[str, int]:
    """Name of a training that `command` has started -> process number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, UnicodeDecodeError):
            continue
        if parent == command.pid and "train" in words:
            folder = next(word for word in words if word.startswith("--output_dir="))
            found[Path(folder.partition("=")[2]).name] = int(path.name)
    return found


def families(processes: list[int]) -> list[int]:
    """Those of `processes`, and their children, that still run."""
    alive = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z" and (int(path.name) in processes or int(parent) in processes):
            alive.append(int(path.name))
    return alive


class Story:
    """Two trainings at a time; one is killed, then Ctrl-C; then to the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, [folder / "swept" / name for name in NAMES]
        first = sweep(folder, "--seeds=2", "--jobs=2")
        first.until(lambda: all(checkpoint_step(run) > 20 for run in self.runs), "checkpoints")
        self.killed_at = checkpoint_step(self.runs[0])
        victim = trainings(first)["seed=3"]
        for process in families([victim]):
            os.kill(process, signal.SIGKILL)
        first.until(lambda: trainings(first).get("seed=3", victim) != victim, "another training in its place")
        processes = families(list(trainings(first).values()))
        first.signal(signal.SIGINT)
        self.stopped = first.wait()
        self.left = families(processes)
        self.first_said = first.said
        self.over_by_then = [(run / "eval" / "eval.json").exists() for run in self.runs]
        second = sweep(folder, "--seeds=2")
        self.ended, self.second_said = second.wait(900), second.said


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("sweep"))


def test_a_training_that_dies_goes_on_from_its_last_checkpoint(story: Story) -> None:
    assert "seed=3: died, and goes on from its last checkpoint" in story.first_said
    steps = logged(story.runs[0])
    assert len(steps) == len(set(steps))
    said = (story.runs[0] / "train.log").read_text()
    assert "transitions read from" in said
    assert checkpoint_step(story.runs[0]) >= story.killed_at > 20


def test_ctrl_c_leaves_no_process_and_everything_to_be_gone_on_with(story: Story) -> None:
    assert story.stopped == 130
    assert not story.left
    assert "to go on: the same command again" in story.first_said
    assert "Traceback" not in story.first_said
    assert story.ended == 0


def test_it_ends_with_the_table_and_the_page(story: Story) -> None:
    assert "2 of 2" in story.second_said
    assert "PickCube-v0 sac   3, 4" in story.second_said
    assert "<svg" in (story.folder / "swept" / "comparison.html").read_text()
    for run in story.runs:
        assert json.loads((run / "eval" / "eval.json").read_text())["n_episodes"] == 2


def test_what_is_over_is_not_trained_again_and_a_longer_sweep_goes_on(story: Story) -> None:
    def touched() -> dict[str, int]:
        return {path.parent.name: path.stat().st_mtime_ns for path in story.folder.glob("swept/*/train.log")}

    before = touched()
    longer = sweep(story.folder, "--seeds=3")
    assert longer.wait(900) == 0
    assert "3 of 3" in longer.said
    after = touched()
    assert {name: after[name] for name in NAMES} == before
    assert list(after.keys() - before.keys()) == ["seed=5"]
    assert sweep(story.folder, "--seeds=3").wait() == 0
    assert touched() == after


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--operator=keyboard"], "a sweep has no person (keyboard) at the controls"),
        (["--seeds=many"], 'seeds = "many": must be a number'),
        (["--save_checkpoint=false"], "a sweep goes on from checkpoints"),
        (["--grid.policy.utd_ration=1"], 'the closest is "policy.utd_ratio"'),
        (["--env.task=hilt/Nothing-v0"], "hilt/Nothing-v0"),
        (["--cluster=auto"], "Ray"),
    ],
)
def test_what_cannot_be_swept_is_one_line_and_starts_nothing(
    more: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_config(tmp_path, CONFIG)
    if more == ["--cluster=auto"] and importlib.util.find_spec("ray"):
        pytest.skip("Ray is installed: tests/system/test_ray.py")
    assert main(["sweep", f"--config_path={file}", f"--output_dir={tmp_path / 'swept'}", *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "swept").exists()


def test_a_folder_of_other_trainings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_config(tmp_path, CONFIG)
    (tmp_path / "swept" / "seed=3").mkdir(parents=True)
    (tmp_path / "swept" / "seed=3" / "config.json").write_text(to_json(load_config(CONFIG)))
    words = ["sweep", f"--config_path={file}", f"--output_dir={tmp_path / 'swept'}", "--policy.discount=0.5"]
    assert main(words) == 2
    assert "holds a run with policy.discount = 0.97, not 0.5" in capsys.readouterr().err
