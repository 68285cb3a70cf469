"""The page of `hilt data view`: a real command, a real browser, and the dataset that comes of it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest

from hilt.data.lerobot import DatasetReader, DatasetWriter
from hilt.data.transition import Controller, Feature, Observation, Schema, Transition
from hilt.webui.album import Album, Words
from tests.waiting import until
from tests.webui.pages import OpenPage
from tests.webui.seat_processes import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(300)
CAMERA = "observation.images.front"
SCHEMA = Schema({CAMERA: Feature((3, 32, 32), "uint8"), "observation.state": Feature((1,))}, Feature((2,)))
LENGTH = 12


def look(episode: int, k: int) -> Observation:
    """A picture as bright as the step says, on which no compression stumbles."""
    return {
        CAMERA: np.full((3, 32, 32), 20 * k, np.uint8),
        "observation.state": np.array([episode], np.float32),
    }


def write(root: Path, successes: list[bool]) -> None:
    with DatasetWriter(root, SCHEMA, fps=10, task="shine", image_format="video") as writer:
        for episode, success in enumerate(successes):
            for k in range(LENGTH):
                is_last = k == LENGTH - 1
                writer.add(
                    Transition(
                        observation=look(episode, k),
                        action=np.array([k, -k], np.float32),
                        policy_action=np.zeros(2, np.float32),
                        controller=Controller.OPERATOR if k < 4 else Controller.POLICY,
                        reward=float(is_last and success),
                        terminated=is_last and success,
                        truncated=is_last and not success,
                        next_observation=look(episode, k + 1),
                        discrete_penalty=0.0,
                        episode_id=episode,
                        step=k,
                        is_success=is_last and success,
                    )
                )
            writer.finish_episode()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Served]:
    write(tmp_path / "set", [True, False, True, True])
    served = Served(tmp_path, "data", "view", tmp_path / "set")
    yield served
    served.close()


@pytest.fixture
def page(command: Served, open_page: OpenPage) -> Page:
    """The page, when it shows the first picture."""
    page = open_page(command)
    page.wait_for_selector("#first canvas[data-step='0']")
    return page


def listed(page: Page) -> list[str]:
    return page.locator("#list li").all_inner_texts()


def brightness(page: Page) -> int:
    """Of the picture that is shown."""
    return page.evaluate(
        f"(() => {{ const c = document.querySelector('#first [data-camera=\"{CAMERA}\"]');"
        "return c.getContext('2d').getImageData(9, 9, 1, 1).data[0]; })()"
    )


def go_to(page: Page, step: int) -> None:
    """By the keyboard, until the picture of the step is shown."""
    page.keyboard.press("Home")
    for _ in range(step):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"#first canvas[data-step='{step}']")


def test_episodes_are_seen_labelled_cut_split_and_deleted_into_a_new_dataset(
    page: Page, tmp_path: Path
) -> None:
    assert [text.split()[-1] for text in listed(page)] == ["success", "success", "success", "success"]
    assert "no success" in listed(page)[1]
    go_to(page, 7)
    assert abs(brightness(page) - 140) < 6
    page.keyboard.press("]")  # episode 0 ends at step 7
    page.keyboard.press("ArrowDown")
    go_to(page, 10)
    page.keyboard.press("Shift+S")  # episode 1 succeeds from step 10 on
    page.keyboard.press("ArrowDown")
    go_to(page, 4)
    page.keyboard.press("x")  # episode 2 is split at step 4
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")  # and the last is deleted
    assert "4 changed" not in page.inner_text("#changes")
    assert "4 episodes, 32 steps" in page.inner_text("#changes")
    page.fill("#newname", "better")
    page.click("#save")
    page.wait_for_selector("#saved:has-text('4 episodes in')", timeout=60_000)

    reader = DatasetReader(tmp_path / "better")
    episodes = [reader.episode(episode) for episode in reader.episodes]
    assert [len(steps) for steps in episodes] == [8, LENGTH, 4, LENGTH - 4]
    assert [step.reward for step in episodes[1]] == [0] * 10 + [1, 1]
    assert episodes[0][-1].truncated
    assert [steps[0].action[0] for steps in episodes] == [0, 0, 0, 4]
    assert len(DatasetReader(tmp_path / "set").episodes) == 4


def test_a_dataset_is_replaced_after_a_question_and_the_old_one_is_kept(page: Page, tmp_path: Path) -> None:
    page.keyboard.press("Delete")
    page.keyboard.press("z")  # taken back
    assert page.is_disabled("#replace")
    page.keyboard.press("Delete")
    page.click("#replace")
    assert len(DatasetReader(tmp_path / "set").episodes) == 4  # asked, nothing done
    page.click("#replace")
    page.wait_for_selector("#saved:has-text('as it was')", timeout=60_000)
    until(lambda: len(listed(page)) == 3)
    assert len(DatasetReader(tmp_path / "set").episodes) == 3
    assert len(DatasetReader(tmp_path / "set_before_edit_1").episodes) == 4


def test_a_name_that_leads_elsewhere_is_refused_in_a_sentence(page: Page, tmp_path: Path) -> None:
    for name, answer in (("../elsewhere", "no name of a folder"), ("set", "choose another name")):
        page.fill("#newname", name)
        page.click("#save")
        page.wait_for_selector(f"#saved.wrong:has-text('{answer}')")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["set"]


def test_filters_and_a_second_episode_beside(page: Page) -> None:
    page.select_option("#filter", "failure")
    assert len(listed(page)) == 1
    page.select_option("#filter", "person")
    assert len(listed(page)) == 4
    page.select_option("#beside", "2")
    go_to(page, 3)
    page.wait_for_selector("#second canvas[data-step='3']")


def test_what_an_interrupted_save_left_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "set", [True, False])
    write(tmp_path / ".set.edited", [True])
    album = Album(tmp_path / "set")
    album.save([{"episode": 1, "start": 0, "stop": LENGTH}], None)
    assert len(DatasetReader(tmp_path / "set").episodes) == 1
    assert not (tmp_path / ".set.edited").exists()


def test_a_classifier_judges_the_dataset_that_is_there_now(tmp_path: Path) -> None:
    def opens(root: Path) -> Words:
        reader = DatasetReader(root)

        def words(index: int) -> tuple[list[float], list[int]]:
            steps = reader.episode(reader.episodes[index])
            return [step.reward for step in steps], []

        return words

    write(tmp_path / "set", [True, False])
    album = Album(tmp_path / "set", opens)
    assert album.judged(0)["probabilities"][-1] == 1
    album.save([{"episode": 1, "start": 0, "stop": LENGTH}], None)
    assert album.judged(0)["probabilities"][-1] == 0


def test_strangers_get_nothing(command: Served) -> None:
    where = urlsplit(command.url)
    for method, path in (
        ("GET", "/"),
        ("GET", "/dataset"),
        ("GET", f"/picture/0/{CAMERA}/0"),
        ("POST", "/save"),
    ):
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=5)
        connection.request(method, path, body=json.dumps({"parts": [], "name": None}))
        assert connection.getresponse().status == 403
        connection.close()
