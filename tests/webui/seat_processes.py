"""`hilt ...` as a real process that serves its page; an environment that says what its expert would do."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gymnasium as gym

from hilt.data.transition import Action, Observation
from hilt.envs.arm_env import ArmEnv
from hilt.envs.panda.robot import Panda
from hilt.envs.registration import task_class
from tests.programs import environment_with_tests
from tests.waiting import Answer

HINTS = "HILT_TEST_HINTS"
PATIENCE_S = 300.0
LINK = re.compile(r"page: (http\S+)")


class Served:
    """A `hilt` command in `folder`; `url` is the link that it prints."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.hints = folder / "hints.json"
        self._said = folder / "said.txt"
        environment = {
            **environment_with_tests(),
            HINTS: str(self.hints),
            "OMP_NUM_THREADS": "1",
        }
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hilt", *map(str, arguments), "--ui.port=0"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        link = self.until(lambda: LINK.search(self.said), "a link")
        assert link is not None
        self.url = link.group(1)
        self.until(self._answers, "an answer from it")

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def hint(self) -> dict[str, Any]:
        """What the expert would do now, how many steps were taken, and whether the task is done."""
        return json.loads(self.hints.read_text())

    def until(self, holds: Callable[[], Answer], what: str) -> Answer:
        """Waits for what `holds()` gives, as long as the process runs."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := holds()):
            assert self.process.poll() is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"never: {what}\n{self.said}"
            time.sleep(0.02)
        return answer

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)

    def _answers(self) -> bool:
        where = urlsplit(self.url)
        try:
            socket.create_connection((where.hostname, where.port), timeout=5).close()
        except OSError:
            return False
        return True


Serve = Callable[..., Served]
"""Starts a command: its verb, its configuration, and further arguments."""


class HintingEnv(ArmEnv):
    """Picking a cube; after every step a file says what the expert would do next."""

    def reset(self, **options: Any) -> tuple[Observation, dict[str, Any]]:
        result = super().reset(**options)
        self._steps = 0
        self._tell(False)
        return result

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        result = super().step(action)
        self._steps += 1
        self._tell(result[-1]["is_success"])
        return result

    def _tell(self, is_success: bool) -> None:
        path = Path(os.environ[HINTS])
        hint = [round(float(value), 3) for value in self.expert.action()]
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"hint": hint, "steps": self._steps, "is_success": bool(is_success)}))
        partial.replace(path)


class SilentEnv(HintingEnv):
    """It never says what success is: only a person can."""

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        observation, _, _, truncated, info = super().step(action)
        return observation, 0.0, False, truncated, {key: info[key] for key in info if key != "is_success"}


def make_hinting(**options: Any) -> HintingEnv:
    return HintingEnv(task_class("PickCube"), Panda, render_mode="rgb_array", **options)


def make_silent(**options: Any) -> SilentEnv:
    return SilentEnv(task_class("PickCube"), Panda, render_mode="rgb_array", **options)


gym.register("PickCubeInSilence-v0", entry_point=make_silent)
gym.register("PickCubeWithHints-v0", entry_point=make_hinting)
