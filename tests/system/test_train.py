"""`hilt train`, from its start to its evaluation, with everything killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest

from hilt.data.routing import Source
from hilt.runs.metrics import read_metrics
from tests.system.runs import (
    Hilt,
    Steps,
    assert_each_once_and_no_gaps,
    checkpoint_step,
    logged,
    processes_of,
    write_config,
)

pytestmark = pytest.mark.timeout(1500)


@dataclass
class Story:
    """What was seen of one training that lost its learner, its actor, and then everything."""

    run: Path
    snapshots: dict[str, Steps] = field(default_factory=dict)
    said: str = ""
    orphans: list[int] = field(default_factory=list)
    exit_code: int | None = None
    resumed_said: str = ""


def grown(run: Path, steps: int) -> bool:
    return len(logged(run)) >= steps


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("train")
    config, told = write_config(folder), Story(folder / "run")
    run, moment = told.run, random.Random()
    train = Hilt(
        folder, "train", "--config_path", config, f"--output_dir={run}", "--policy.online_steps=100000"
    )
    for victim in ("learner", "actor 0"):
        before = len(logged(run))
        train.until(lambda: grown(run, before + 150) and checkpoint_step(run) > 20, f"steps before {victim}")  # noqa: B023
        time.sleep(moment.uniform(0, 0.5))
        pid = train.children()[victim]
        told.snapshots[victim] = logged(run)
        os.kill(pid, signal.SIGKILL)
        train.until(lambda: train.children().get(victim, pid) != pid, f"{victim} again")  # noqa: B023
    before = len(logged(run))
    train.until(lambda: grown(run, before + 150), "steps after both")
    told.snapshots["everything"] = logged(run)
    train.kill()
    told.said = train.said
    deadline = time.monotonic() + 30
    while (left := processes_of(run)) and time.monotonic() < deadline:
        time.sleep(0.05)
    told.orphans = left
    told.snapshots["resume"] = logged(run)
    goal = len(told.snapshots["resume"]) + 150
    again = Hilt(folder, "train", "--resume=true", f"--output_dir={run}", f"--policy.online_steps={goal}")
    told.exit_code = again.wait()
    told.resumed_said = again.said
    return told


def test_training_goes_on_after_every_kill_and_ends_with_0(story: Story) -> None:
    assert "the learner died (killed by SIGKILL)" in story.said
    assert "the actor 0 died (killed by SIGKILL)" in story.said
    assert story.exit_code == 0, story.resumed_said
    assert "Traceback" not in story.said + story.resumed_said


def test_what_the_killed_supervisor_left_behind_ended_by_itself(story: Story) -> None:
    assert story.orphans == []


def test_no_transition_that_was_logged_is_lost_or_doubled(story: Story) -> None:
    steps = logged(story.run)
    assert_each_once_and_no_gaps(steps)
    for killed, snapshot in story.snapshots.items():
        assert steps[: len(snapshot)] == snapshot, killed
    assert_each_once_and_no_gaps(logged(story.run, Source.DEMONSTRATION))


def test_environment_steps_are_counted_on_and_never_from_0(story: Story) -> None:
    steps = [record["step"] for record in read_metrics(story.run / "metrics.jsonl")]
    assert steps == sorted(steps)
    state = json.loads((story.run / "checkpoints/last/training_state/state.json").read_text())
    assert state["env_steps"] == len(logged(story.run))
    assert state["env_steps"] >= len(story.snapshots["resume"]) + 150
    assert state["history"]["episodes"] > 1


def test_demonstrations_are_given_once(story: Story) -> None:
    assert len({episode for episode, _ in logged(story.run, Source.DEMONSTRATION)}) == 3


def test_what_is_left_is_what_the_documentation_says(story: Story) -> None:
    run = story.run
    assert json.loads((run / "config.json").read_text())["policy"]["type"] == "sac"
    for name in ("config.json", "model.safetensors", "train_config.json"):
        assert (run / "checkpoints" / "last" / "pretrained_model" / name).is_file()
    evaluation = json.loads((run / "eval" / "eval.json").read_text())
    assert evaluation["n_episodes"] == len(evaluation["per_episode"]) == 2
    assert 0 <= evaluation["wilson95"][0] <= evaluation["success_rate"] <= evaluation["wilson95"][1] <= 1
    assert {path.name for path in (run / "plots").iterdir()} == {"progress.png", "losses.png"}
    assert (run / "eval" / "summary.png").stat().st_size > 1000
    names = set().union(*read_metrics(run / "metrics.jsonl"))
    assert {"Episodic reward", "Intervention rate", "Success rate", "Policy frequency [Hz]"} <= names
    assert {"train/loss_critic", "train/replay_buffer_size"} <= names


def test_the_video_plays(story: Story) -> None:
    (video,) = (story.run / "eval").glob("episode_*.mp4")
    with av.open(str(video)) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    assert pictures > 1


@pytest.mark.slow
def test_a_run_that_is_over_is_only_evaluated_again(story: Story, tmp_path: Path) -> None:
    updates = checkpoint_step(story.run)
    goal = len(logged(story.run))
    again = Hilt(
        tmp_path,
        "train",
        "--resume=true",
        f"--output_dir={story.run}",
        f"--policy.online_steps={goal}",
        "--eval.videos=0",
    )
    assert again.wait() == 0, again.said
    assert checkpoint_step(story.run) == updates
    assert len(logged(story.run)) == goal
