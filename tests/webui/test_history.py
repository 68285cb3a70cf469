"""What the timeline and the curves are made of, and what the rollout polls."""

from __future__ import annotations

import threading

import numpy as np

from hilt.envs import make
from hilt.webui import Decision, Requests, Telemetry, heading_of
from hilt.webui.history import EPISODES, POINTS, History
from hilt.webui.pictures import jpeg


def play(history: History, number: int, control: list[bool], outcome: str = "success") -> None:
    """One episode; `control` says at each step whether the operator had control."""
    for step, intervened in enumerate(control):
        history.add(
            Telemetry(
                episode=number,
                step=step,
                controller="operator" if intervened else "policy",
                outcome=outcome if step == len(control) - 1 else None,
                success_rate=0.5,
            )
        )


def test_spans_of_intervention_are_exact() -> None:
    history = History()
    play(history, 1, [0, 1, 1, 0, 1])
    assert history.finished()["episodes"] == [[1, 5, [[1, 3], [4, 5]], "success"]]
    assert history.current() is None
    history.add(Telemetry(episode=2, step=0, controller="operator"))
    assert history.current() == [2, 1, [[0, 1]], None]


def test_a_step_may_be_counted_and_shown_and_counts_once() -> None:
    history = History()
    for step, intervened in enumerate([True, True, False, True]):
        history.count(1, step, intervened)
        history.add(Telemetry(episode=1, step=step, controller="operator" if intervened else "policy"))
    assert history.current() == [1, 4, [[0, 2], [3, 4]], None]


def test_an_episode_that_has_not_begun_is_not_on_the_timeline() -> None:
    history = History()
    history.add(Telemetry(episode=1))
    assert history.current() is None


def test_a_long_run_keeps_a_short_history_that_spans_all_of_it() -> None:
    history = History()
    for number in range(1, 3001):
        play(history, number, [0], "failure")
    found = history.finished()
    assert len(found["episodes"]) <= EPISODES
    assert len(found["curve"]) <= POINTS
    assert found["curve"][0][0] == 1
    assert found["curve"][-1][0] > 2900
    gaps = np.diff([point[0] for point in found["curve"]])
    assert gaps.max() <= 2 * gaps.min()


def test_a_decision_is_told_once() -> None:
    requests = Requests()
    requests.decide(Decision.DISCARD)
    assert [requests.take_decision(), requests.take_decision()] == [Decision.DISCARD, None]


def test_only_a_pause_that_waits_for_a_driver_ends_with_a_takeover() -> None:
    requests = Requests()
    requests.pause()
    requests.pause("nobody is there", until_taken_over=True)
    requests.taken_over()
    assert requests.paused
    requests.resume()
    requests.pause("nobody is there", until_taken_over=True)
    requests.taken_over()
    assert not requests.paused


def test_adding_and_reading_at_once_never_tears() -> None:
    history = History()
    writer = threading.Thread(target=lambda: [play(history, n, [0, 1, 0]) for n in range(500)])
    writer.start()
    while writer.is_alive():
        assert all(episode[2] == [[1, 2]] for episode in history.finished()["episodes"])
    writer.join()


def test_pictures_are_jpeg_of_the_same_size() -> None:
    from io import BytesIO

    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 255, (36, 48, 3)).astype(np.uint8)
    assert Image.open(BytesIO(jpeg(picture))).size == (48, 36)


def test_away_from_me_is_where_the_view_camera_looks() -> None:
    env = make("PickCube", render_mode=None)
    env.reset(seed=0)
    camera = env.data.camera("view")
    heading = heading_of(camera.xmat.reshape(3, 3))
    to_the_robot = -camera.xpos[:2]
    ahead = np.array([np.cos(heading), np.sin(heading)])
    assert ahead @ to_the_robot / np.linalg.norm(to_the_robot) > 0.9
