"""The process of `ViewerWindow`: states come in on standard input, keys go out on standard output."""

from __future__ import annotations

import os
import sys
import threading
import time

import mujoco
import mujoco.viewer
import numpy as np

from hilt.webui.window import READY, STATE

FRAMES_PER_SECOND = 60.0


class _States:
    """The newest state of those that arrive; `over` when no more will."""

    def __init__(self, size: int) -> None:
        self._bytes = size * np.dtype(np.float64).itemsize
        self.newest: bytes | None = None
        self.over = False

    def read(self) -> None:
        while len(state := sys.stdin.buffer.read(self._bytes)) == self._bytes:
            self.newest = state
        self.over = True


def main(path: str) -> None:
    """Show the model at `path` in the states that arrive, until they end or the window is closed."""
    model = mujoco.MjModel.from_binary_path(path)
    data = mujoco.MjData(model)
    states = _States(mujoco.mj_stateSize(model, STATE))
    threading.Thread(target=states.read, daemon=True).start()
    with mujoco.viewer.launch_passive(
        model, data, key_callback=lambda key: print(key, flush=True), show_left_ui=False, show_right_ui=False
    ) as viewer:
        print(READY, flush=True)
        while viewer.is_running() and not states.over:
            if states.newest is not None:
                with viewer.lock():
                    mujoco.mj_setState(model, data, np.frombuffer(states.newest), STATE)
                    mujoco.mj_forward(model, data)
            viewer.sync()
            time.sleep(1 / FRAMES_PER_SECOND)
    sys.stdout.flush()
    os._exit(0)  # the viewer's render thread may still hold the display, and crash when it goes


if __name__ == "__main__":
    main(sys.argv[1])
