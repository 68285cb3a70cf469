"""A person's whole road through the page, without a scripted operator and without an environment that judges.

A driver in a real browser knows what the page shows, and where the cube is: they record ten episodes, train a
classifier, give demonstrations to a training from two cameras, help it, and press success where they see it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hilt.data.lerobot import DatasetReader
from hilt.runs.metrics import read_metrics
from tests.waiting import until
from tests.webui.pages import PAD, STILL, OpenPage, badge, push
from tests.webui.seat_processes import Serve, Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.timeout(3000), pytest.mark.slow]
ENV = {
    "type": "gymnasium",
    "task": "tests.webui.seat_processes:PickCubeInSilence-v0",
    "kwargs": {"terminate_on_success": False, "control_time_s": 15, "obs_type": "pixels"},
    "processor": {"reset": {"reset_time_s": 0.5}},
}
LATE_S = 0.5
"""How long after success the driver presses the button."""
PATIENCE_S = 6.0
"""How long the driver watches the policy before taking over."""


class Driver:
    """Eyes and hands."""

    def __init__(self, page: Page, command: Served) -> None:
        self.page, self.command = page, command
        self.seconds = 0.0
        """At the controls."""

    def do_the_task(self) -> None:
        """Take over, pick the cube, declare success."""
        began = time.monotonic()
        while not self.command.hint["is_success"]:
            assert time.monotonic() < began + 120
            if "discarded" in self.page.inner_text("#notice"):  # too slow: once more
                self.let_go()
            push(self.page, self.command.hint["hint"])
        self.declare_success()
        self.seconds += time.monotonic() - began

    def declare_success(self) -> None:
        """Until the episode is over, which is seen by the steps beginning anew."""
        steps = self.command.hint["steps"]
        time.sleep(LATE_S)
        push(self.page, STILL, clutch=False, success=True)
        until(lambda: self.command.hint["steps"] < steps or self.is_asked(), seconds=20)
        self.let_go()

    def is_asked(self) -> bool:
        """Or left alone: nothing moves."""
        return self.page.is_visible("#notice-buttons button") or "nobody" in badge(self.page)

    def let_go(self) -> None:
        push(self.page, STILL, clutch=False)
        time.sleep(LATE_S)

    def watch_an_episode(self):
        """Help after a while, say when it is done."""
        began = time.monotonic()
        while not self.command.hint["is_success"]:
            if time.monotonic() > began + PATIENCE_S:
                return self.do_the_task()
            time.sleep(0.02)
        return self.declare_success()


def open_driver(command: Served, open_page: OpenPage) -> Driver:
    page = open_page(command, PAD)
    page.select_option("#steer", "robot")
    return Driver(page, command)


def test_ten_episodes_a_classifier_demonstrations_help_and_a_policy_that_works_alone(
    serve: Serve,
    open_page: OpenPage,
    tmp_path: Path,
) -> None:
    recorded = record(serve, open_page, tmp_path / "set")
    report = classify(serve, tmp_path)
    figures = train(serve, open_page, tmp_path / "run")
    print(json.dumps({"recording_s": round(recorded, 1), "recall": report["clear"]["recall"], **figures}))


def record(serve: Serve, open_page: OpenPage, root: Path) -> float:
    """Ten episodes; the person's seconds."""
    dataset = {"root": str(root), "num_episodes_to_record": 10, "task": "pick the cube up"}
    env = {**ENV, "processor": {"reset": {"reset_time_s": 2.0}}}  # time to read what the page says
    command = serve("record", {"env": env, "dataset": dataset, "operator": "browser"})
    driver = open_driver(command, open_page)
    push(driver.page, STILL)
    for left in range(10, 0, -1):
        driver.page.wait_for_selector(f"#notice-text:has-text('{left} to go')")
        driver.page.wait_for_selector("#countdown", state="hidden")
        driver.do_the_task()
        driver.page.wait_for_selector("#notice-text:has-text('Keep it?')")
        driver.page.keyboard.press("Enter")
    assert command.wait() == 0, command.said
    reader = DatasetReader(root)
    assert all(reader.episode(episode)[-1].reward == 1 for episode in reader.episodes)
    return driver.seconds


def classify(serve: Serve, folder: Path) -> dict[str, Any]:
    config = {
        "dataset": {"root": str(folder / "set")},
        "policy": {"type": "reward_classifier", "num_cameras": 2, "learning_rate": 3e-4},
        "steps": 300,
        "batch_size": 64,
        "output_dir": str(folder / "classifier"),
    }
    (folder / "classifier.json").write_text(json.dumps(config))
    from hilt.commands.main import main

    assert main(["train", f"--config_path={folder / 'classifier.json'}"]) == 0
    return json.loads((folder / "classifier" / "report" / "report.json").read_text())


def train(serve: Serve, open_page: OpenPage, run: Path) -> dict[str, Any]:
    """Demonstrations, help, success declared; what it cost."""
    training = {
        "env": ENV,
        "operator": "browser",
        "demonstrations": {"num_episodes": 10},
        "target_success_rate": 0.8,
        "time_limit_s": 1800,
        "batch_size": 128,
        "max_env_steps_per_update": 4.0,
        "eval": {"n_episodes": 3, "videos": 0},
        "policy": {"type": "sac", "pretrain_updates": 400, "online_steps": 100_000},
    }
    command = serve("train", training, f"--output_dir={run}")
    driver = open_driver(command, open_page)
    for number in range(1, 11):
        driver.page.wait_for_selector(f"#notice-text:has-text('Demonstration {number} of 10')")
        driver.do_the_task()
    demonstrating_s = driver.seconds
    until(lambda: "learning" in driver.page.inner_text("#phase"), seconds=300)
    while "learning" in driver.page.inner_text("#phase") and command.process.poll() is None:
        driver.watch_an_episode()
    driver.page.close()
    assert command.wait() == 0, command.said
    tests = [record for record in read_metrics(run / "metrics.jsonl") if "Validation passed" in record]
    assert tests, command.said
    assert tests[-1]["Validation passed"] == 1
    cost = json.loads((run / "eval" / "eval.json").read_text())["training_cost"]
    rates = [record["Validation success rate"] for record in tests]
    return {"demonstrating_s": round(demonstrating_s, 1), "tests": np.round(rates, 2).tolist(), **cost}
