"""What pages are told of a scene, over real sockets."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from hilt.benchmarks.watching import opened
from hilt.data.scene import Frame, RobotBodies, Scene, Solid, ToolState
from hilt.webui import Seat, Telemetry, View

BALL = Solid("sphere", 1, (0.1, 0.0, 0.0), (0.0, 0.0, 0.25), (1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 1.0))
SCENE = Scene((BALL,), 2, RobotBodies((1,), 1, (), (0.2, -0.3, 0.0), (0.6, 0.3, 0.5)))
POSES = np.array([[0, 0, 0, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0, 1, 0, 0]], np.float64)
TOOL = ToolState(np.arange(7.0), np.arange(7.0) + 0.5, 0.04, 0.08, True, 0.01)
LOOK = {"type": "look", "looking": True, "draws": True}


@pytest.fixture
def seat():
    with Seat(pictures_per_second=1000) as seat:
        yield seat


def told(page, kind):
    """The next message of this kind; binary ones without their tag."""
    while True:
        message = page.recv(timeout=5)
        if isinstance(message, bytes) and message[:4].decode() == kind:
            return message[4:]
        if isinstance(message, str) and json.loads(message)["type"] == kind:
            return json.loads(message)


def until(condition):
    deadline = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_page_is_told_once_what_there_is_and_then_where_it_is(seat):
    seat.describe(SCENE)
    seat.show(View(Telemetry(episode=3), frame=Frame(POSES, TOOL, np.array([0.025, 0.0, 0.0]))))
    with opened(seat.url) as page:
        scene = told(page, "scene")
        assert scene["bodies"] == 2
        (solid,) = scene["solids"]
        assert solid == ["sphere", 1, [0.1, 0, 0], [0, 0, 0.25], [1, 0, 0, 0], [1, 0, 0, 1]]
        assert scene["robot"]["high"] == [0.6, 0.3, 0.5]
        numbers = np.frombuffer(told(page, "pose"), "<f4")
        assert numbers[0] == 3
        np.testing.assert_array_equal(numbers[1:15], [*TOOL.pose, *TOOL.target])
        np.testing.assert_allclose(numbers[15:19], [0.04, 0.08, 1, 0.01], rtol=1e-6)
        assert np.isnan(numbers[19:22]).all()
        np.testing.assert_allclose(numbers[22:25], [0.025, 0, 0])
        np.testing.assert_allclose(numbers[25:].reshape(2, 7), POSES, rtol=1e-6)
        seat.describe(SCENE)  # the same: nobody is told again
        seat.show(View(Telemetry(episode=4), frame=Frame(POSES)))
        following = page.recv(timeout=5)
        while isinstance(following, str):
            assert json.loads(following)["type"] != "scene"
            following = page.recv(timeout=5)
        assert np.frombuffer(following[4:], "<f4")[0] == 4


def test_a_picture_of_the_scene_is_needed_by_pages_that_cannot_draw_it(seat):
    assert not seat.needs_view
    with opened(seat.url) as page:
        until(lambda: seat.watched)
        assert seat.needs_view  # nothing is known that could be drawn
        seat.describe(SCENE)
        assert not seat.needs_view
        page.send(json.dumps({**LOOK, "draws": False}))
        until(lambda: seat.needs_view)
        page.send(json.dumps(LOOK))
        until(lambda: not seat.needs_view)
        seat.describe(None)
        assert seat.needs_view
        page.send(json.dumps({**LOOK, "looking": False}))
        until(lambda: not seat.watched)
        assert not seat.needs_view


WATCHED = """
import sys, time
from hilt.benchmarks.watching import opened
from hilt.config.load import load_config
from hilt.build.envs import make_environment
from hilt.rollout.rollout import HoldStill
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role

config = load_config(None, ["--env.task=hilt/PickCube-v0", "--ui.port=0", "--ui.open_browser=false"])
env = make_environment(config)
with OperatorSession(config, env, Role.HELP, "test") as session, opened(session.url) as page:
    while not session.watched:
        time.sleep(0.01)
    rollout = session.rollout(HoldStill(env), lambda transition: None)
    episode = rollout.run_episode(0, 0, lambda: rollout.episode.length >= 30)
    kinds = set()
    while "pose" not in kinds:
        message = page.recv(timeout=5)
        kinds.add(message[:4].decode() if isinstance(message, bytes) else "text")
print(sorted(kinds), episode.length, [name for name in sys.modules if name.startswith("OpenGL")])
"""


def test_a_page_that_draws_needs_no_opengl_on_the_server():
    environment = {**os.environ, "MUJOCO_GL": "disabled"}
    run = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[0] == "['pose', 'text'] 30 []"
    assert "no view" not in run.stderr
