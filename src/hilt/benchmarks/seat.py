"""What the operator's seat costs, and how quickly an input is executed."""

from __future__ import annotations

import importlib.util
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle
from typing import Any

import numpy as np

from hilt.benchmarks.watched import measure_training
from hilt.benchmarks.watching import listen, opened, reading
from hilt.envs import make
from hilt.operators.browser import BrowserOperator
from hilt.webui import Seat, Telemetry, View
from hilt.webui.app import load_assets

CONTROL_HZ = 10.0
PICTURES_HZ = 20.0
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LOW, HIGH = np.array([-1, -1, -1, 0]), np.array([1, 1, 1, 2])


def measure(seconds: float = 10.0, peer: bool = False) -> dict[str, Any]:
    """Latency, share of a core, page weight, and what a training loses, beside what they may be.

    No peer has such a page.
    """
    return {
        **measure_latency(seconds),
        **measure_cost(seconds),
        **measure_training(seconds),
        "page_bytes": page_weight(),
        "page_most": 300_000,
    }


def page_weight() -> int:
    """Bytes of all that the page is made of."""
    return sum(len(content) for content, _ in load_assets().values())


def measure_latency(seconds: float = 10.0) -> dict[str, float]:
    """Milliseconds from a key press in a page to the end of the control step that executed it.

    Presses come at random phases of the control period, over loopback, while the simulation runs; by a real
    Chromium where there is one with Playwright, else by a socket that speaks as the page does (`browser` 0).
    The median may be one control period + 30 ms.
    """
    by_browser = CHROMIUM is not None and importlib.util.find_spec("playwright") is not None
    with Seat() as seat:
        presses = _Presses(_by_browser(seat) if by_browser else _by_socket(seat), seconds)
        presses.start()
        executed = _run_while(presses, seat)
    waits = [1000 * (min(t for t in executed if t > press) - press) for press in presses.times[:-1]]
    return {
        "latency_ms_median": float(np.median(waits)),
        "latency_ms_p95": float(np.percentile(waits, 95)),
        "latency_ms_most": 1000 / CONTROL_HZ + 30,
        "browser": float(by_browser),
    }


def _run_while(presses: threading.Thread, seat: Seat) -> list[float]:
    """The times at which a step that the page commanded was over."""
    env = make("PickCube", render_mode=None)
    env.reset(seed=0)
    operator = BrowserOperator(seat, fps=CONTROL_HZ, action_low=LOW, action_high=HIGH)
    still, executed, next_step = np.array([0, 0, 0, 1], np.float32), [], time.monotonic()
    while presses.is_alive():
        action = operator.command(still).action
        if action is not None and not np.array_equal(action, still):
            env.step(action)
            executed.append(time.monotonic())
        next_step += 1 / CONTROL_HZ
        time.sleep(max(0.0, next_step - time.monotonic()))
    return executed


Hold = Callable[[bool], None]
"""Press a key of the page, or let go of it."""


class _Presses(threading.Thread):
    """Presses and lets go of a key at random times."""

    def __init__(self, page: AbstractContextManager[Hold], seconds: float) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self._page, self._seconds = page, seconds

    def run(self) -> None:
        rng = np.random.default_rng(0)
        with self._page as hold:
            until = time.monotonic() + self._seconds
            while time.monotonic() < until:
                time.sleep(float(rng.uniform(0.25, 0.35)))
                self.times.append(time.monotonic())
                hold(True)
                time.sleep(0.15)
                hold(False)


@contextmanager
def _by_socket(seat: Seat) -> Iterator[Hold]:
    with opened(seat.url) as page:
        threading.Thread(target=listen, args=(page,), daemon=True).start()

        def hold(down: bool) -> None:
            motion = [float(down), 0, 0, 0, 0, 0, 0]
            page.send(json.dumps({"type": "hold", "motion": motion, "clutch": True, "hand": None}))

        yield hold


@contextmanager
def _by_browser(seat: Seat) -> Iterator[Hold]:
    playwright = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(seat.url)
        page.wait_for_selector("#badge:not(:empty)")
        page.keyboard.press("Space")
        yield lambda down: page.keyboard.down("KeyW") if down else page.keyboard.up("KeyW")
        browser.close()


def measure_cost(seconds: float = 10.0) -> dict[str, float]:
    """CPU seconds per second, at 20 pictures/s of two cameras (128x128) and a view (480x360), one page.

    `server_core` is all that the seat's thread does (encoding, sending, listening), `show_core` what the
    thread that runs the environment spends on telling it. Their sum may be 0.3.
    """
    views = cycle(_views())
    with Seat() as seat, reading(seat.url):
        clock = time.pthread_getcpuclockid(_thread(seat).ident or 0)
        began, spent, shown = time.monotonic(), time.clock_gettime(clock), 0.0
        until = began + seconds
        while time.monotonic() < until:
            start = time.thread_time()
            seat.show(next(views))
            shown += time.thread_time() - start
            time.sleep(1 / PICTURES_HZ)
        passed = time.monotonic() - began
        return {
            "server_core": (time.clock_gettime(clock) - spent) / passed,
            "show_core": shown / passed,
            "cores_most": 0.3,
        }


def _views() -> list[View]:
    """A simulation at work."""
    env = make("PickCube", obs_type="pixels", render_size=(360, 480))
    observation, _ = env.reset(seed=0)
    views = []
    for step in range(40):
        observation, *_ = env.step(env.expert.action())
        telemetry = Telemetry(phase="bench", controller="policy", episode=1, step=step)
        views.append(View(telemetry, observation["pixels"], env.render()))
    env.close()
    return views


def _thread(seat: Seat) -> threading.Thread:
    return next(thread for thread in threading.enumerate() if thread.name == "hilt-seat")


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
