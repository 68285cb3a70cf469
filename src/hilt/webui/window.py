"""MuJoCo's own viewer, in a process of its own: it shows what happens without slowing it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

import mujoco
import numpy as np

from hilt.operators.base import OperatorUnavailableError
from hilt.webui.url import has_display

STATE = mujoco.mjtState.mjSTATE_INTEGRATION
READY = "ready"
_GLFW_KEYS = {
    257: "enter",
    335: "enter",
    260: "insert",
    261: "delete",
    262: "right",
    263: "left",
    264: "down",
    265: "up",
    266: "page up",
    267: "page down",
    268: "home",
    269: "end",
    299: "f10",
    344: "right shift",
}


class ViewerWindow:
    """A window that follows a simulation, and a source of keys for the keyboard operator (`VIEWER` map).

    The newest state is sent, older ones are dropped; closing the window does not end the run.

    Raises:
        OperatorUnavailableError: there is no display, or no window can be opened on it.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        _require_display()
        self._model = model
        self._state = np.zeros(mujoco.mj_stateSize(model, STATE))
        self._newest: queue.Queue[bytes | None] = queue.Queue(maxsize=1)
        self._keys: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = _start(model)
        for work in (self._send, self._receive):
            threading.Thread(target=work, name="hilt-viewer", daemon=True).start()

    @property
    def open(self) -> bool:
        """The person has not closed it."""
        return self._process.poll() is None

    def show(self, data: mujoco.MjData) -> None:
        """Show this state. Never waits; what the window has no time for is skipped."""
        mujoco.mj_getState(self._model, data, self._state, STATE)
        self._offer(self._state.tobytes())

    def read(self) -> list[str]:
        """Names of the keys that were pressed in the window since the last time."""
        return [self._keys.get_nowait() for _ in range(self._keys.qsize())]

    def close(self) -> None:
        """Close the window."""
        self._offer(None)
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> ViewerWindow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _offer(self, item: bytes | None) -> None:
        """Put `item` in the place of whatever still waits there."""
        with contextlib.suppress(queue.Empty):
            self._newest.get_nowait()
        self._newest.put_nowait(item)

    def _send(self) -> None:
        assert self._process.stdin is not None
        try:
            while (state := self._newest.get()) is not None:
                self._process.stdin.write(state)
                self._process.stdin.flush()
            self._process.stdin.close()
        except OSError:
            return  # the window was closed

    def _receive(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name = _GLFW_KEYS.get(int(line))
            if name is not None:
                self._keys.put(name)


def _require_display() -> None:
    if not has_display():
        raise OperatorUnavailableError(
            "the viewer window needs a display, and there is none (DISPLAY is not set): watch and drive from "
            "the page instead, whose link is printed at the start"
        )


def _start(model: mujoco.MjModel) -> subprocess.Popen[bytes]:
    """The window's process, once its window is open."""
    with tempfile.TemporaryDirectory(prefix="hilt-") as folder, tempfile.TemporaryFile() as errors:
        path = Path(folder) / "model.mjb"
        mujoco.mj_saveModel(model, str(path))
        process = subprocess.Popen(
            [_python(), "-m", "hilt.webui.window_process", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "MUJOCO_GL": "glfw"},
        )
        assert process.stdout is not None
        if process.stdout.readline().decode().strip() == READY:
            return process
        process.kill()
        process.wait()
        errors.seek(0)
        reason = errors.read().decode(errors="replace").strip().splitlines()[-1:]
    raise OperatorUnavailableError(
        f"no window could be opened on this display ({' '.join(reason) or 'no reason given'}): watch and "
        "drive from the page instead, whose link is printed at the start"
    )


def _python() -> str:
    """On macOS windows open only under MuJoCo's own launcher."""
    return str(Path(sys.executable).with_name("mjpython")) if sys.platform == "darwin" else sys.executable
