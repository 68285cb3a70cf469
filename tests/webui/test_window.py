"""MuJoCo's window on a virtual display (Xvfb): it opens, follows, gives keys, and is never waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.envs import make
from hilt.envs.arm_env import ArmEnv
from hilt.operators.base import OperatorUnavailableError
from hilt.operators.keyboard import KeyboardOperator
from hilt.operators.keymaps import VIEWER
from hilt.webui.window import ViewerWindow

STILL = np.array([0, 0, 0, 1], np.float32)


@pytest.fixture
def env() -> Iterator[ArmEnv]:
    env = make("PickCube", render_mode=None)
    env.reset(seed=0)
    yield env
    env.close()


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An X server that shows its windows to nobody."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("no virtual display on this machine: apt-get install xvfb xdotool")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    if not number:
        pytest.skip("Xvfb does not start here")
    monkeypatch.setenv("DISPLAY", f":{number}")
    yield f":{number}"
    server.terminate()
    server.wait()


def test_without_a_display_there_is_a_sentence_with_a_way_out(
    env: ArmEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OperatorUnavailableError, match="from the page"):
        ViewerWindow(env.core.model)


def test_a_display_that_does_not_answer_is_a_sentence_with_a_way_out(
    env: ArmEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":12345")
    with pytest.raises(OperatorUnavailableError, match="from the page"):
        ViewerWindow(env.core.model)


def test_keys_pressed_in_the_window_drive_the_robot(env: ArmEnv, display: str) -> None:
    with ViewerWindow(env.core.model) as window:
        person = KeyboardOperator(
            fps=10, action_low=[-1, -1, -1, 0], action_high=[1, 1, 1, 2], source=window, keymap=VIEWER
        )
        for _ in range(200):
            window.show(env.data)
        moved: list[NDArray[np.float32]] = []
        deadline = time.monotonic() + 20
        while not moved and time.monotonic() < deadline:
            press("Shift_R", "Up")
            time.sleep(0.3)
            command = person.command(STILL)
            moved: list[NDArray[np.float32]] = [] if command.action is None else [command.action]
        np.testing.assert_array_equal(moved, [[1, 0, 0, 1]])
        assert window.open
    assert not window.open


def press(*keys: str) -> None:
    """Press keys in the only window there is."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", "."], capture_output=True, text=True, check=False
    )
    if found.stdout.split():
        window = found.stdout.split()[-1]
        subprocess.run(["xdotool", "windowfocus", "--sync", window, "key", *keys], check=False, timeout=5)
