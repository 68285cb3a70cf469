"""What the tests do to a page in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

STILL = np.array([0, 0, 0, 1], np.float32)


class Serving(Protocol):
    """What has a page."""

    @property
    def url(self) -> str: ...


class OpenPage(Protocol):
    """Opens the page of `seat` and runs `script` before the page's own; `options`: of a browser context."""

    def __call__(self, seat: Serving, script: str = "", **options: Any) -> Page: ...


def badge(page: Page) -> str:
    return page.inner_text("#badge").lower()


def wait_for_badge(page: Page, text: str) -> None:
    until(lambda: text in badge(page))


PAD = """
window.pad = { connected: true, mapping: 'standard', id: 'a pad', index: 0,
  axes: [0, 0, 0, 0], buttons: Array.from({ length: 17 }, () => ({ pressed: false, value: 0 })) };
navigator.getGamepads = () => [window.pad];
"""
SET_PAD = """([axes, buttons]) => {
  pad.axes = axes;
  pad.buttons = pad.buttons.map((_, i) => ({ value: buttons[i] ?? 0, pressed: buttons[i] > 0.5 }));
}"""
LT, RT, RB, Y = 6, 7, 5, 3


def stick(fraction: float) -> float:
    """Where a stick must stand to mean `fraction`: beyond the dead zone."""
    return float(np.sign(fraction) * (0.12 + 0.88 * abs(fraction))) if abs(fraction) > 1e-3 else 0.0


def push(page: Page, action: ArrayLike, clutch: bool = True, success: bool = False) -> None:
    """Hold the pad so that it means `action` [4]."""
    forward, left, up, gripper = (float(value) for value in action)
    pull = stick(gripper - 1)
    buttons = {RB: float(clutch), LT: max(0, -pull), RT: max(0, pull), Y: float(success)}
    page.evaluate(SET_PAD, [[-stick(left), -stick(forward), 0, -stick(up)], buttons])
