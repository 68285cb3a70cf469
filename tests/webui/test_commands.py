"""The page of real commands, in a real browser: watched, driven, handed back, left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.episode_log import read_log
from hilt.data.lerobot import DatasetReader
from hilt.runs.checkpoints import write_model
from hilt.runs.metrics import read_metrics
from hilt.training.learner_parts import Builder
from hilt.training.replay_memory import Memory
from tests.waiting import until
from tests.webui.pages import PAD, STILL, OpenPage, badge, push, wait_for_badge
from tests.webui.seat_processes import Serve, Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(600)
NETWORK = {"hidden_dims": [16, 16]}
POLICY = {"type": "sac", "critic_network_kwargs": NETWORK, "actor_network_kwargs": NETWORK}


def hold(page: Page, key: str, done: Callable[[], object]) -> None:
    page.keyboard.down(key)
    until(done)
    page.keyboard.up(key)


def stop(page: Page) -> None:
    page.keyboard.press("q")
    page.keyboard.press("q")


def picture(page: Page, camera: str) -> str:
    page.wait_for_selector(f"[data-camera={camera}]")  # pictures come a moment after figures
    return page.evaluate(f"document.querySelector('[data-camera={camera}]').toDataURL()")


def test_teleop_shows_moving_pictures_obeys_keys_and_stops(serve: Serve, open_page: OpenPage) -> None:
    command = serve("teleop", {"env": {"obs_type": "pixels"}, "operator": "browser"})
    page = open_page(command)
    page.wait_for_selector("#notice-text:has-text('Take over to begin')")
    page.keyboard.press("Space")
    until(lambda: page.locator("canvas[data-camera]").count() == 3)
    wait_for_badge(page, "you have control")
    for camera in ("view", "front", "wrist"):
        before = picture(page, camera)
        hold(page, "ArrowLeft" if camera == "front" else "e", lambda: picture(page, camera) != before)  # noqa: B023
    stop(page)
    assert command.wait() == 0
    assert "Traceback" not in command.said


@pytest.fixture
def saved_policy(tmp_path: Path) -> Path:
    """The folder of a policy that has learned nothing."""
    config = load_config({"env": {"task": "hilt/PickCube-v0"}, "policy": POLICY})
    env = make_environment(config)
    memory = Memory(tmp_path / "log", env.schema, online_capacity=9, demonstration_capacity=9)
    policy = Builder(config, env.spec, "cpu").algorithm(memory, None).policy
    write_model(tmp_path / "policy", policy.config, policy.state_dict(), {})
    memory.close()
    return tmp_path / "policy"


def test_a_person_corrects_a_policy_with_a_pad_and_the_dataset_holds_just_that(
    serve: Serve, open_page: OpenPage, saved_policy: Path, tmp_path: Path
) -> None:
    env: dict[str, Any] = {"type": "gymnasium", "task": "tests.webui.seat_processes:PickCubeWithHints-v0"}
    env["kwargs"] = {"terminate_on_success": False, "control_time_s": 60}
    env["processor"] = {"reset": {"reset_time_s": 1.0}}
    dataset = {"root": str(tmp_path / "set"), "num_episodes_to_record": 2, "task": "pick"}
    command = serve(
        "record",
        {"env": env, "dataset": dataset, "operator": "browser", "policy": POLICY},
        f"--policy.pretrained_path={saved_policy}",
    )
    strangers_get_nothing(command.url)
    page, watcher = open_page(command, PAD), open_page(command)
    page.select_option("#steer", "robot")  # the expert thinks in the robot's axes
    push(page, STILL)  # to sit down is enough: the policy may begin
    page.wait_for_selector("#notice-text:has-text('Episode 1, 2 to go')")
    page.wait_for_selector("#countdown:visible")
    push(page, STILL, clutch=False)
    wait_for_badge(page, "the policy has control")

    meant = pick_the_cube(page, command)
    page.wait_for_selector("#notice-text:has-text('Keep it?')")
    push(page, STILL, clutch=False)
    page.keyboard.press("Enter")
    page.wait_for_selector("#notice-text:has-text('Episode 2, 1 to go')")

    wait_for_badge(page, "the policy has control")
    push(page, [0, 1, 0, 1])
    wait_for_badge(watcher, "another page has control")
    page.close()
    wait_for_badge(watcher, "holding still")
    wait_for_badge(watcher, "paused")
    taken = command.hint["steps"]
    time.sleep(0.4)
    assert command.hint["steps"] == taken
    watcher.keyboard.press("Space")
    command.until(lambda: command.hint["steps"] > taken, "a step after the pause")
    stop(watcher)
    assert command.wait() == 0, command.said
    assert "episode discarded" in command.said
    watcher.wait_for_selector("#notice-text:has-text('1 more. This page may be closed.')")
    assert not watcher.is_visible("#link")
    holds_exactly(tmp_path / "set", meant)


def pick_the_cube(page: Page, command: Served) -> NDArray[np.float64]:
    """Drives by the expert's hints until the cube is up, then says so; all that the pad meant."""
    meant = [STILL]

    def lifted() -> bool:
        now = command.hint
        meant.append(now["hint"])
        push(page, meant[-1])
        return now["is_success"]

    until(lifted, seconds=120)
    push(page, meant[-1], success=True)
    return np.array(meant)


def holds_exactly(root: Path, meant: NDArray[np.float64]) -> None:
    """One episode: where the pad drove, what it meant; elsewhere what the policy proposed."""
    reader = DatasetReader(root)
    (episode,) = reader.episodes
    steps = reader.episode(episode)
    driven = [step.is_intervention for step in steps]
    assert driven[-1]
    assert not all(driven)
    assert sum(driven) > 10
    for step in steps:
        if step.is_intervention:
            assert np.abs(meant - step.action).max(axis=1).min() < 0.01
            assert np.abs(step.action - step.policy_action).max() > 0
        else:
            np.testing.assert_array_equal(step.action, step.policy_action)
    assert steps[-1].reward == 1
    assert steps[-1].terminated


def strangers_get_nothing(url: str) -> None:
    where = url.partition("?")[0]
    for address, headers in (
        (where, {}),
        (f"{where}?token=wrong", {}),
        (url, {"Origin": "http://evil.example"}),
        (f"{where}main.js", {"Authorization": "Bearer wrong"}),
    ):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10)
        assert refusal.value.code == 403


TRAINING = {
    "env": {"task": "hilt/PickCube-v0", "processor": {"reset": {"reset_time_s": 0.2}}},
    "operator": "scripted",
    "batch_size": 32,
    "max_env_steps_per_update": 1.0,
    "demonstrations": {"num_episodes": 2},
    "policy": {**POLICY, "pretrain_updates": 10, "online_steps": 1_000_000},
}


def test_training_is_watched_helped_survives_its_actor_and_is_stopped(
    serve: Serve, open_page: OpenPage, tmp_path: Path
) -> None:
    command = serve("train", TRAINING, f"--output_dir={tmp_path / 'run'}")
    page = open_page(command)
    page.wait_for_selector("#phase:has-text('learning')")
    until(lambda: page.locator("dt:has-text('learner')").count() == 1)
    assert page.locator("dt:has-text('weights')").count() == 1
    before = picture(page, "view")
    until(lambda: picture(page, "view") != before)

    actor = actor_of(command.process.pid)
    os.kill(actor, signal.SIGKILL)
    page.wait_for_selector("#link:visible")
    page.wait_for_selector("#link:visible", state="hidden")
    until(lambda: page.inner_text("#phase"))

    take_over(page)
    page.keyboard.press("Enter")
    helped = tmp_path / "run" / "metrics.jsonl"
    command.until(
        lambda: any(record.get("Episode human seconds", 0) > 0 for record in read_metrics(helped)), "help"
    )
    stop(page)
    assert command.wait() == 0
    assert "to go on: --resume=true" in command.said
    last = [record for record in read_metrics(helped) if "Takeovers" in record][-1]
    assert last["Takeovers"] >= 1
    assert last["Human seconds"] > 0


def test_a_person_demonstrates_to_training_and_says_what_success_is(
    serve: Serve, open_page: OpenPage, tmp_path: Path
) -> None:
    """An environment without a word of its own: one attempt succeeds, one fails, and that is enough."""
    env: dict[str, Any] = {"type": "gymnasium", "task": "tests.webui.seat_processes:PickCubeInSilence-v0"}
    env["kwargs"] = {"terminate_on_success": False, "control_time_s": 60}
    training = {**TRAINING, "env": env, "operator": "browser", "demonstrations": {"num_episodes": 3}}
    run = tmp_path / "run"
    command = serve("train", training, f"--output_dir={run}")
    page = open_page(command, PAD)
    page.select_option("#steer", "robot")
    page.wait_for_selector("#notice-text:has-text('Demonstration 1 of 3: take over to begin')")
    page.wait_for_selector("[data-camera=view]")  # what is to be done is to be seen before
    pick_the_cube(page, command)
    page.wait_for_selector("#notice-text:has-text('Demonstration 2 of 3')")
    push(page, STILL, clutch=False)
    wait_for_badge(page, "nobody has control")
    page.keyboard.press("Space")
    wait_for_badge(page, "you have control")
    page.keyboard.press("Escape")
    page.wait_for_selector("#notice-text:has-text('discarded. Demonstration 2 of 3')")
    page.click("text=Enough")
    command.until(lambda: "that is enough: training begins with 1 of 3" in command.said, "the end of asking")
    page.wait_for_selector("#phase:has-text('learning')")
    demonstrations = [step for step, source in read_log(run / "replay") if source]
    assert len({step.episode_id for step in demonstrations}) == 1
    assert demonstrations[-1].is_success
    assert demonstrations[-1].reward == 1
    assert all(step.is_intervention for step in demonstrations[:-1])
    stop(page)
    assert command.wait() == 0, command.said


def test_an_evaluation_that_nobody_judges_asks_who_looks_at_the_page(
    serve: Serve, open_page: OpenPage, saved_policy: Path, tmp_path: Path
) -> None:
    env: dict[str, Any] = {"type": "gymnasium", "task": "tests.webui.seat_processes:PickCubeInSilence-v0"}
    env["kwargs"] = {"terminate_on_success": False, "control_time_s": 20}
    config = {"env": env, "policy": POLICY, "eval": {"n_episodes": 40, "videos": 0}}
    command = serve(
        "eval", config, f"--policy.pretrained_path={saved_policy}", f"--output_dir={tmp_path / 'eval'}"
    )
    page = open_page(command)
    page.wait_for_selector("#notice-text:has-text('Was it a success?')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#notice", state="hidden")  # the answer has arrived; then comes the next question
    page.click("#notice-buttons >> text=Failure")
    page.wait_for_selector("#notice", state="hidden")
    page.close()  # who does not look is not asked
    assert command.wait() == 0, command.said
    words = json.loads((tmp_path / "eval" / "eval.json").read_text())["per_episode"]
    judged = [word["is_success"] for word in words if word["judge"] == "person"]
    assert judged == [True, False]
    assert {word["judge"] for word in words} == {"person", "nobody"}


def take_over(page: Page) -> None:
    """What is pressed while the environment resets counts for nothing: then it is pressed again."""
    while "you have control" not in badge(page):
        page.keyboard.press("Space")
        with contextlib.suppress(AssertionError):
            until(lambda: "you have control" in badge(page), seconds=2)


def actor_of(supervisor: int) -> int:
    """Process id of the actor among the children of a `hilt train`."""
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if "actor" in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
            return int(child)
    raise AssertionError("no actor")
