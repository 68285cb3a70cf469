"""A real arm's page, in a real browser: what it asks, what has to be held, what stops the arm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.config.load import load_config
from hilt.data.transition import Action, Observation, Transition
from hilt.envs.feature_env import Environment
from hilt.envs.panda.real.env import FrankaEnv
from hilt.envs.panda.real.options import RealOptions
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role
from tests.envs.fake_arm import START, FakeArm
from tests.waiting import until
from tests.webui.pages import OpenPage
from tests.webui.world import MakeWorld

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORWARD = np.array((0.2, 0.0, 0.0, 1.0), np.float32)


class Pictures:
    """A camera that sees the number of the picture."""

    sizes = {"front": (60, 80)}  # noqa: RUF012

    def read(self) -> tuple[dict[str, NDArray[np.uint8]], float]:
        return {"front": np.full((60, 80, 3), 90, np.uint8)}, 0.0

    def close(self) -> None:
        pass


class Forward:
    """A policy that goes forward for ever."""

    def reset(self, seed: int) -> None:
        pass

    def __call__(self, observation: Observation) -> Action:
        return FORWARD

    def interrupt(self) -> None:
        pass


class Run:
    """Episodes of a policy on an arm, in a thread, with a page."""

    def __init__(self) -> None:
        self.arm = FakeArm()
        self.transitions: list[Transition] = []
        self.env = Environment(FrankaEnv(self.arm, RealOptions(fps=20, control_time_s=600), Pictures()))
        config = load_config({"operator": "browser", "ui": {"port": 0, "open_browser": False}})
        self.session = OperatorSession(config, self.env, Role.HELP, "acting", tell=lambda text: None)
        self.rollout = self.session.rollout(Forward(), self.transitions.append)
        self.ended = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def url(self) -> str:
        return self.session.url

    def _run(self) -> None:
        number = 0
        while not (self.ended or self.session.should_stop()):
            self.rollout.run_episode(number, number, lambda: self.ended or self.session.should_stop())
            number += 1

    def close(self) -> None:
        self.ended = True
        self.session._seat.requests.stop()
        self._thread.join()
        self.session.close()


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()
    yield run
    run.close()


def asked(page: Page, words: str) -> None:
    until(lambda: words in page.text_content("#notice"), seconds=20)


def test_people_allow_hold_and_stop(run: Run, open_page: OpenPage) -> None:
    page = open_page(run)
    asked(page, "The arm goes to its home position next")
    assert run.arm.log == []
    page.get_by_text("Go on").click()
    asked(page, "Put the scene back")
    assert run.arm.log == ["home"]
    page.keyboard.press("Enter")

    asked(page, "Hold H")
    steps = len(run.transitions)
    assert np.array_equal(run.arm.position, START)
    page.keyboard.down("h")
    until(lambda: run.arm.position[0] > START[0] + 0.02)
    page.keyboard.up("h")
    asked(page, "Hold H")
    there, steps = run.arm.position.copy(), len(run.transitions)
    page.wait_for_timeout(500)
    assert np.array_equal(run.arm.position, there)
    assert len(run.transitions) == steps  # nothing is recorded while nothing happens

    page.keyboard.down("h")
    until(lambda: len(run.transitions) > steps + 2)
    page.keyboard.press("x")
    until(lambda: "stop" in run.arm.log)
    page.keyboard.up("h")
    asked(page, "The arm has stopped: stopped. Is all clear, and may it move again?")
    assert run.transitions[-1].truncated
    assert run.arm.log == ["home", "stop"]
    page.get_by_text("Go on").click()
    asked(page, "Put the scene back")
    assert run.arm.log == ["home", "stop", "recover", "home"]


def test_who_takes_over_needs_not_hold_and_a_page_that_goes_lets_go(run: Run, open_page: OpenPage) -> None:
    page = open_page(run)
    for _ in range(2):
        asked(page, "Go on")
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
    asked(page, "Hold H")
    page.keyboard.press(" ")
    page.keyboard.down("e")
    until(lambda: run.arm.position[2] > START[2] + 0.02)
    page.keyboard.up("e")
    page.keyboard.press("v")
    page.dispatch_event("#watch", "pointerdown")
    until(lambda: run.arm.position[0] > START[0] + 0.02)
    page.close()
    until(lambda: run.session._seat.requests.watch.silence > 0.5, seconds=20)
    there = run.arm.position.copy()
    steps = len(run.transitions)
    threading.Event().wait(0.5)
    assert np.array_equal(run.arm.position, there)
    assert len(run.transitions) <= steps + 1


def test_no_arm_no_buttons(world: MakeWorld, open_page: OpenPage) -> None:
    page = open_page(world().seat)
    assert not page.is_visible("#halt")
    page.keyboard.press("x")
    assert not page.is_visible("#watch")
