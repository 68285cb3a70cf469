"""An emulated Meta Quest (`iwer`, from npm) in a real browser: the gripper follows the hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.operators.rotation import inverse, multiply, to_vector
from tests.webui.pages import OpenPage
from tests.webui.world import MakeWorld, World

if TYPE_CHECKING:
    from playwright.sync_api import Page

IWER = "iwer@2.5.0"
FOLDER = Path(__file__).parents[2] / "build" / "iwer"
SCRIPT = FOLDER / "package" / "build" / "iwer.min.js"

START = """
window.xr = new IWER.XRDevice(IWER.metaQuest3);
xr.installRuntime({ forceInstall: true });
const getPose = XRFrame.prototype.getPose; // what the page asked for last is where the hand was
XRFrame.prototype.getPose = function (...spaces) { return (window.lastPose = getPose.apply(this, spaces)); };
"""


@pytest.fixture(scope="session")
def emulator() -> str:
    """The script that gives a page a headset."""
    if not SCRIPT.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm to fetch the headset's emulator (iwer) with")
        FOLDER.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            [npm, "pack", IWER], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
        )
        if packed.returncode:
            pytest.skip(f"npm could not fetch the headset's emulator ({IWER}): {packed.stderr[-200:]}")
        shutil.unpack_archive(next(FOLDER.glob("iwer-*.tgz")), FOLDER)
    return f"{SCRIPT.read_text()}; {START}"


class Headset:
    """The emulated headset of one page; poses in WebXR's axes (x right, y up, z back)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.click("#vr")

    def button(self, name: str, value: float) -> None:
        self.page.evaluate(
            "([name, value]) => xr.controllers.right.updateButtonValue(name, value)", [name, value]
        )

    def hand(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the page last saw the hand: position [3], orientation (w, x, y, z), in the robot's axes.

        This is the palm; the controller, which `move` moves, lies some centimetres away from it.
        """
        position, (real, *imaginary) = self.page.evaluate(
            "[['x', 'y', 'z'].map((a) => lastPose.transform.position[a]),"
            " ['w', 'x', 'y', 'z'].map((a) => lastPose.transform.orientation[a])]"
        )
        return in_robots_axes(position), np.array([real, *in_robots_axes(imaginary)])

    def move(
        self, way: Sequence[float] = (0, 0, 0), rotation: Sequence[float] = (0, 0, 0), seconds: float = 0.8
    ) -> None:
        """Moves evenly by `way` [m] while it turns by `rotation` [rad], as a hand does."""
        self.page.evaluate(
            """([way, rotation, ms]) => new Promise((done) => {
              const { position: p, quaternion: q } = xr.controllers.right;
              const from = [p.x, p.y, p.z], was = [q.w, q.x, q.y, q.z], began = performance.now();
              const times = (a, b) => [
                a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
                a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
                a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
                a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]];
              const step = () => {
                const part = Math.min(1, (performance.now() - began) / ms);
                const angle = Math.hypot(...rotation) * part || 1e-12;
                const axis = rotation.map((value) => value / (Math.hypot(...rotation) || 1));
                const turn = [Math.cos(angle / 2), ...axis.map((value) => Math.sin(angle / 2) * value)];
                const [w, x, y, z] = times(turn, was);
                p.set(...from.map((value, index) => value + way[index] * part));
                q.set(x, y, z, w);
                if (part < 1) setTimeout(step, 8); else done();
              };
              step();
            })""",
            [list(way), list(rotation), 1000 * seconds],
        )


Wear = Callable[..., tuple[World, Headset]]
"""Makes a run, with the options of `World`, and puts the headset on."""


def in_robots_axes(vector: Sequence[float]) -> NDArray[np.float64]:
    right, up, back = vector
    return np.array([-back, -right, up])


def orientation(run: World) -> NDArray[np.float64]:
    """Of the tool (w, x, y, z)."""
    core = run.env.gym.unwrapped
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, core.data.site("tcp").xmat)
    return quaternion


@pytest.fixture
def worn(world: MakeWorld, open_page: OpenPage, emulator: str) -> Wear:
    """A run in six degrees of freedom, and a headset that is worn."""

    def wear(**options: Any) -> tuple[World, Headset]:
        run = world(**{"action_mode": "ee_delta_pose", **options})
        page = open_page(run.seat, emulator, viewport={"width": 320, "height": 200})
        page.wait_for_selector("#vr", state="visible")
        return run, Headset(page)

    return wear


def test_the_gripper_follows_the_hand_in_six_degrees_of_freedom(worn: Wear) -> None:
    run, headset = worn()
    run.settle(5)
    assert not run.in_control
    tcp, turned = run.tcp, orientation(run)
    headset.button("squeeze", 1)
    run.wait(lambda: run.in_control)
    before, before_turn = headset.hand()
    headset.move((0.1, 0.06, 0.12), (0.25, 0.3, -0.2))
    run.settle(14)
    after, after_turn = headset.hand()
    assert np.linalg.norm(after - before) > 0.1
    assert np.linalg.norm(run.tcp - tcp - (after - before)) < 0.005
    hands_turn = multiply(after_turn, inverse(before_turn))
    assert np.linalg.norm(to_vector(hands_turn)) == pytest.approx(np.linalg.norm((0.25, 0.3, -0.2)), abs=0.01)
    tools_turn = multiply(orientation(run), inverse(turned))
    assert np.rad2deg(np.linalg.norm(to_vector(multiply(tools_turn, inverse(hands_turn))))) < 2
    headset.button("squeeze", 0)
    run.wait(lambda: not run.in_control)


def test_every_squeeze_is_a_new_anchor_and_four_dimensions_take_the_translation(worn: Wear) -> None:
    run, headset = worn(action_mode="ee_delta_pos")
    tcp, way = run.tcp, np.zeros(3)
    for _ in range(2):
        headset.button("squeeze", 1)
        run.wait(lambda: run.in_control)
        before = headset.hand()[0]
        headset.move((0, 0, 0.06), (0, 0.4, 0), 0.4)
        run.settle(8)
        way += headset.hand()[0] - before
        headset.button("squeeze", 0)
        run.wait(lambda: not run.in_control)
        headset.move((0, 0, -0.06), seconds=0.3)
    run.settle(3)
    assert np.linalg.norm(way) > 0.1
    np.testing.assert_allclose(run.tcp - tcp, way, atol=0.005)


def test_the_trigger_closes_and_buttons_declare(worn: Wear) -> None:
    run, headset = worn()
    headset.button("squeeze", 1)
    run.wait(lambda: run.in_control)
    run.settle(2)
    assert run.transitions[-1].action[-1] == 1
    headset.button("trigger", 1)
    run.wait(lambda: run.transitions[-1].action[-1] == 0)
    headset.button("trigger", 0)
    run.wait(lambda: run.transitions[-1].action[-1] == 2)
    headset.button("b-button", 1)
    run.wait(lambda: run.episodes)
    assert run.episodes[0].event.value == "success"


def test_scales_are_options_of_the_operator(worn: Wear) -> None:
    run, headset = worn(operator={"position_scale": 0.5})
    tcp = run.tcp
    headset.button("squeeze", 1)
    run.wait(lambda: run.in_control)
    headset.move((0.1, 0, 0), seconds=0.5)
    run.settle(10)
    np.testing.assert_allclose(run.tcp - tcp, [0, -0.05, 0], atol=0.005)
