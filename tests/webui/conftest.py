"""A run with a real simulation, the real step and a real seat, and a real browser that looks at it."""

import contextlib
import shutil
import threading
import time

import numpy as np
import pytest

from hilt.data.transition import STATE, Controller
from hilt.envs import make
from hilt.envs.feature_env import Environment
from hilt.operators.browser import BrowserOperator
from hilt.rollout.rollout import Clock, HoldStill, Observer, Rollout
from hilt.webui import Seat, Telemetry, View

FPS = 10.0
PATIENCE_MS = 120_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]


def until(condition, seconds=8.0):
    """Waits until `condition()` holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.005)
    return answer


class World(Observer):
    """Episodes of picking a cube, in a thread, until it is closed."""

    def __init__(self, policy=HoldStill, seat=(), operator=(), **env):
        self.env = Environment(make("PickCube", control_time_s=600.0, **{"render_mode": None, **env}))
        self.seat = Seat(**dict(seat))
        self.operator = BrowserOperator(
            self.seat,
            fps=FPS,
            action_low=self.env.action_low,
            action_high=self.env.action_high,
            **dict(operator),
        )
        self.transitions, self.episodes, self.figures = [], [], {}
        self.hint = np.zeros(4, np.float32)
        self.rollout = Rollout(self.env, policy(self.env), self.operator, self.transitions.append, [self])
        self._clock = Clock(FPS)  # the policy, too, is watched in real time
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.settle(1)

    def on_step(self, episode, transition, outcome):
        self.hint = self.env.expert.action()
        over = transition.done
        telemetry = Telemetry(
            phase="training",
            controller="operator" if transition.is_intervention else "policy",
            episode=len(self.episodes) + 1,
            step=transition.step,
            time_s=transition.step / FPS,
            outcome=("success" if transition.is_success else "timeout") if over else None,
            **self.figures,
        )
        images = {
            name.removeprefix("observation.images."): image.transpose(1, 2, 0)
            for name, image in outcome.observation.items()
            if image.ndim == 3
        }
        self.seat.show(View(telemetry, images, self.env.render() if images and self.seat.watching else None))
        while self.seat.requests.paused and not self._stop.is_set():
            time.sleep(0.01)
        self._clock.wait()

    def _run(self):
        while not self._stop.is_set():
            number = len(self.episodes)
            self.episodes.append(self.rollout.run_episode(number, number, self._stop.is_set))
        self.env.close()

    @property
    def tcp(self):
        """Position of the gripper [m]."""
        return self.transitions[-1].next_observation[STATE][15:18].astype(np.float64)

    @property
    def in_control(self):
        return self.transitions[-1].controller is Controller.OPERATOR

    wait = staticmethod(until)

    def settle(self, steps=8):
        """Until so many more control steps are done."""
        goal = len(self.transitions) + steps
        self.wait(lambda: len(self.transitions) >= goal)

    def close(self):
        self._stop.set()
        self._thread.join()
        self.seat.close()


@pytest.fixture
def world():
    """Makes worlds, and ends them."""
    with contextlib.ExitStack() as stack:

        def make_world(**options):
            made = World(**options)
            stack.callback(made.close)
            return made

        yield make_world


@pytest.fixture(scope="session")
def browser():
    """One real Chromium, without a window, for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens the page of a seat; any error in its scripts fails the test."""
    errors = []
    with contextlib.ExitStack() as stack:

        def open_page(seat, script="", **options):
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            if script:
                page.add_init_script(script)
            page.goto(seat.url)
            until(lambda: page.evaluate("document.querySelector('#badge, #name').textContent"), 60)
            return page

        yield open_page
    assert errors == []
