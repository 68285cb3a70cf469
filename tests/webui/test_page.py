"""The page at work: a real browser drives a real simulation."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.data.transition import Action, Observation
from hilt.envs.feature_env import Environment
from hilt.webui import Decision, Seat
from tests.waiting import until
from tests.webui.pages import PAD, STILL, OpenPage, badge, push, wait_for_badge
from tests.webui.world import MakeWorld

DRIFT = np.array([0.0, -0.04, 0.0, 1.0], np.float32)


class Drift:
    """A policy that can be told from a person: it drifts slowly to the robot's right."""

    def __init__(self, env: Environment) -> None:
        """It acts the same everywhere."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def interrupt(self) -> None:
        """Nothing was planned."""

    def __call__(self, observation: Observation) -> Action:
        return DRIFT


def test_the_page_shows_moving_pictures_and_figures(world: MakeWorld, open_page: OpenPage) -> None:
    run = world(policy=Drift, obs_type="pixels", render_mode="rgb_array", render_size=(360, 480))
    run.figures = {
        "success_rate": 0.75,
        "learner_hz": 120.0,
        "weights_age_s": 0.4,
        "waiting_for": "the learner",
    }
    page = open_page(run.seat)
    run.wait(lambda: page.locator("canvas[data-camera]").count() == 3)
    cameras = page.eval_on_selector_all("canvas[data-camera]", "all => all.map(c => c.dataset.camera).sort()")
    assert cameras == ["front", "view", "wrist"]
    assert page.get_attribute("#big", "data-camera") == "view"
    pixels = "document.querySelector('[data-camera=front]').toDataURL()"
    before = page.evaluate(pixels)
    run.wait(lambda: page.evaluate(pixels) != before)
    text = page.inner_text("#figures")
    assert "75 %" in text
    assert "120 /s" in text
    run.wait(lambda: page.inner_text("#status") == "waiting for the learner")  # not at every short wait
    assert badge(page) == "the policy has control"
    assert "token" not in page.url


def test_an_arrow_key_moves_the_gripper_for_as_long_as_it_is_held(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world()
    page = open_page(run.seat)
    page.keyboard.press("Space")
    run.wait(lambda: run.in_control)
    start, first = run.tcp, len(run.transitions)
    page.keyboard.down("ArrowLeft")
    began = time.monotonic()
    time.sleep(1.0)
    page.keyboard.up("ArrowLeft")
    held = time.monotonic() - began
    run.settle()
    moves = [step.action for step in run.transitions[first:] if not np.array_equal(step.action, STILL)]
    assert all(np.array_equal(move, [0, 1, 0, 1]) for move in moves)
    assert abs(len(moves) - 10 * held) < 1.5
    assert run.tcp - start == pytest.approx([0, 0.025 * len(moves), 0], abs=0.005)
    assert all(step.is_intervention for step in run.transitions[first:])


def test_a_person_may_keep_control_and_do_nothing(world: MakeWorld, open_page: OpenPage) -> None:
    run = world(policy=Drift)
    page = open_page(run.seat)
    page.keyboard.press("Space")
    run.wait(lambda: run.in_control)
    run.settle(15)
    assert all(step.is_intervention for step in run.transitions[-14:])
    page.keyboard.press("Space")
    run.wait(lambda: not run.in_control)


def test_the_shortest_tap_of_a_key_counts_for_one_step(world: MakeWorld, open_page: OpenPage) -> None:
    run = world()
    page = open_page(run.seat)
    page.keyboard.press("Space")
    run.wait(lambda: run.in_control)
    first = len(run.transitions)
    page.keyboard.press("KeyE")
    run.settle(4)
    moves = [step.action[2] for step in run.transitions[first:] if step.action[2] != 0]
    assert moves == [1]


def test_a_standard_pad_takes_over_picks_the_cube_up_and_marks_success(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world(policy=Drift, terminate_on_success=False)
    page = open_page(run.seat, PAD)
    first = len(run.transitions)
    meant: list[NDArray[np.float64]] = []

    def work() -> bool:
        meant.append(np.round(run.hint.astype(np.float64), 3))
        push(page, meant[-1])
        time.sleep(0.03)
        return run.transitions[-1].is_success

    run.wait(work, seconds=20)
    push(page, meant[-1], success=True)
    run.wait(lambda: len(run.episodes) == 1)
    push(page, STILL, clutch=False)
    episode = run.episodes[0]
    assert episode.event.value == "success"
    steps = [step for step in run.transitions[first:] if step.episode_id == 0]
    driven = [step for step in steps if step.is_intervention]
    assert len(driven) > 10
    for step in driven:
        assert np.abs(np.array(meant) - step.action).max(axis=1).min() < 0.01
        np.testing.assert_array_equal(step.policy_action, DRIFT)
    for step in steps:
        if not step.is_intervention:
            np.testing.assert_array_equal(step.action, DRIFT)
    assert steps[-1].reward == 1
    assert steps[-1].terminated


def test_letting_go_of_the_shoulder_button_hands_back_at_once(world: MakeWorld, open_page: OpenPage) -> None:
    run = world(policy=Drift)
    page = open_page(run.seat, PAD)
    push(page, [0, 1, 0, 1])
    run.wait(lambda: run.in_control)
    push(page, [0, 1, 0, 1], clutch=False)
    run.wait(lambda: not run.in_control)
    run.settle(3)
    controllers = [step.is_intervention for step in run.transitions]
    last = max(index for index, held in enumerate(controllers) if held)
    for step in run.transitions[last + 1 :]:
        np.testing.assert_array_equal(step.action, DRIFT)


def test_closing_the_page_holds_still_for_a_second_and_gives_back(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world(policy=Drift)
    page = open_page(run.seat)
    page.keyboard.press("Space")
    page.keyboard.down("ArrowLeft")
    run.wait(lambda: run.in_control and run.transitions[-1].action[1] == 1)
    page.close()
    first = len(run.transitions) + 1
    run.wait(lambda: not run.in_control)
    held = run.transitions[first:-1]
    assert 7 <= len(held) <= 11
    for step in held:
        assert step.is_intervention
        np.testing.assert_array_equal(step.action, STILL)


def test_a_hidden_page_pauses_a_recording_until_a_person_is_back(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world(seat={"on_silence": "pause"}, operator={"sole": True})
    page = open_page(run.seat)
    page.keyboard.down("ArrowLeft")
    run.wait(lambda: run.in_control and run.transitions[-1].action[1] == 1)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => window.away ?? true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    run.wait(lambda: run.seat.requests.paused)
    time.sleep(0.3)  # the step that was under way may come to its end
    steps = len(run.transitions)
    time.sleep(0.3)
    assert len(run.transitions) == steps
    np.testing.assert_array_equal(run.transitions[-2].action, STILL)
    page.keyboard.up("ArrowLeft")
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for_badge(page, "paused")
    page.keyboard.press("KeyE")
    run.settle(2)
    assert not run.seat.requests.paused


def test_a_second_page_watches_asks_and_is_given_the_seat(world: MakeWorld, open_page: OpenPage) -> None:
    run = world()
    first, second = open_page(run.seat), open_page(run.seat)
    first.keyboard.press("Space")
    wait_for_badge(first, "you have control")
    wait_for_badge(second, "another page has control")
    second.keyboard.press("ArrowLeft")
    second.keyboard.press("Enter")
    run.settle(3)
    assert not run.episodes
    assert all(step.action[1] == 0 for step in run.transitions)
    second.click("#take")
    first.click("text=Hand over")
    run.wait(lambda: second.get_attribute("body", "data-seat") == "yours")
    second.keyboard.press("Space")
    wait_for_badge(second, "you have control")
    wait_for_badge(first, "another page has control")


@pytest.mark.parametrize(("key", "event"), [("Enter", "success"), ("Escape", "failure"), ("r", "rerecord")])
def test_keys_declare_how_the_episode_went(
    world: MakeWorld, open_page: OpenPage, key: str, event: str
) -> None:
    run = world()
    page = open_page(run.seat)
    page.keyboard.press(key)
    run.wait(lambda: run.episodes)
    assert run.episodes[0].event.value == event


def test_buttons_pause_and_a_stop_wants_to_be_sure(world: MakeWorld, open_page: OpenPage) -> None:
    run = world()
    page = open_page(run.seat)
    page.click("#pause")
    run.wait(lambda: run.seat.requests.paused)
    wait_for_badge(page, "paused")
    page.click("#notice-buttons >> text=Go on")
    run.wait(lambda: not run.seat.requests.paused)
    page.click("#stop")
    run.settle(2)
    assert not run.seat.requests.stopped
    page.click("#stop")
    run.wait(lambda: run.seat.requests.stopped)


def test_a_recorded_episode_is_kept_or_discarded_by_key_or_button(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world()
    page = open_page(run.seat)
    for press, decision in (
        (lambda: page.keyboard.press("Enter"), Decision.KEEP),
        (lambda: page.click("text=Discard"), Decision.DISCARD),
    ):
        run.figures = {"asks": "keep", "message": "Keep episode 3?", "episodes_remaining": 2}
        page.wait_for_selector("text=Keep episode 3?")
        assert "2 to go" in page.inner_text("#figures")
        press()
        assert run.wait(run.seat.requests.take_decision) is decision
    assert not run.episodes
    run.figures = {"countdown_s": 2.4, "message": "Put the cube back"}
    page.wait_for_selector("#countdown:has-text('3')")


def test_fingers_move_the_robot_while_they_touch(world: MakeWorld, open_page: OpenPage) -> None:
    run = world(policy=Drift)
    page = open_page(run.seat, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = page.locator("#stick-xy").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    run.wait(lambda: run.in_control and run.transitions[-1].action[1] > 0.9)
    page.mouse.up()
    run.wait(lambda: not run.in_control)
    np.testing.assert_array_equal(run.transitions[-1].action, DRIFT)


def test_a_phone_needs_no_scrolling_sideways_and_sees_who_has_control(
    world: MakeWorld, open_page: OpenPage
) -> None:
    run = world(policy=Drift)
    page = open_page(run.seat, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for part in ("#badge", "#take", "#stick-xy"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844


def test_steering_as_seen_turns_the_keys(world: MakeWorld, open_page: OpenPage) -> None:
    run = world(seat={"heading": np.pi})
    page = open_page(run.seat)
    page.keyboard.press("Space")
    run.wait(lambda: run.in_control)
    page.keyboard.down("ArrowUp")
    run.wait(lambda: run.transitions[-1].action[0] == -1)
    page.select_option("#steer", "robot")
    run.wait(lambda: run.transitions[-1].action[0] == 1)
    page.keyboard.up("ArrowUp")


def test_the_page_comes_back_by_itself_when_the_run_does(open_page: OpenPage) -> None:
    with Seat() as seat:
        page = open_page(seat)
        port, token = int(seat.url.split(":")[2].split("/")[0]), seat.url.split("=")[1]
    until(lambda: page.is_visible("#link"))
    with Seat(port=port, token=token):
        until(lambda: not page.is_visible("#link"))
