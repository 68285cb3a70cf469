"""The learner's memory: log first, buffers after, nothing twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from hilt.data.episode_log import read_log
from hilt.data.replay_buffer import FrameTransform
from hilt.data.routing import Source
from hilt.data.transition import Observation, Transition
from hilt.training import replay_memory as memory_module
from hilt.training.replay_memory import Memory
from tests.training.parts import SCHEMA, episode, ids


def memory(folder: Path) -> Memory:
    return Memory(folder, SCHEMA, online_capacity=1000, demonstration_capacity=1000)


def logged(folder: Path, source: Source = Source.ONLINE) -> list[Transition]:
    return [transition for transition, kept_as in read_log(folder) if kept_as is source]


def test_what_is_received_is_in_the_log_before_it_is_in_the_buffer(tmp_path: Path) -> None:
    one = memory(tmp_path)
    one.receive(episode(1, 5))
    assert ids(logged(tmp_path)) == ids(episode(1, 5))
    assert (len(one.online), one.env_steps) == (0, 0)
    assert one.absorb() == 5
    assert (len(one.online), one.env_steps) == (5, 5)
    assert len(one.demonstrations) == 2  # the interventions


def test_a_step_cost_is_in_the_buffer_and_not_in_the_log(tmp_path: Path) -> None:
    one = Memory(tmp_path, SCHEMA, online_capacity=10, demonstration_capacity=10, step_cost=0.25)
    steps = episode(1, 3)
    one.receive(steps)
    one.absorb()
    assert one.online.reward[:3].tolist() == [step.reward - 0.25 for step in steps]
    assert [step.reward for step in logged(tmp_path)] == [step.reward for step in steps]


def test_a_step_counts_as_seen_from_the_moment_it_is_in_the_log(tmp_path: Path) -> None:
    """Between log and buffer, too: an actor that comes back then must not double it."""
    one = memory(tmp_path)
    one.receive(episode(1, 5, open_end=True))
    assert one.seen(1, 4)
    assert not one.seen(1, 5)
    assert not one.seen(2, 0)


def test_a_restart_has_everything_again_and_knows_what_it_has(tmp_path: Path) -> None:
    one = memory(tmp_path)
    one.demonstrate(episode(100, 7))
    one.receive(episode(1, 5, open_end=True))
    one.absorb()
    one.receive(episode(2, 3))  # never absorbed: the process is killed
    again = memory(tmp_path)
    assert again.restore() == 15
    assert (again.env_steps, len(again.online)) == (8, 8)
    assert again.demonstrated == {100}
    assert again.seen(1, 4)
    assert again.seen(2, 2)
    again.receive(episode(1, 7, start=5))
    again.absorb()
    assert again.env_steps == 10
    assert sorted(ids(logged(tmp_path))) == sorted(ids(episode(1, 7)) + ids(episode(2, 3)))
    again.close()


def test_demonstrations_that_are_there_are_not_kept_twice(tmp_path: Path) -> None:
    one = memory(tmp_path)
    one.log.append(episode(4, 9)[:3], Source.DEMONSTRATION)  # a kill in the middle of the episode
    one.close()
    again = memory(tmp_path)
    again.restore()
    assert again.demonstrated == set()
    again.demonstrate(episode(4, 9))
    again.demonstrate(episode(5, 2))
    assert again.demonstrated == {4, 5}
    assert ids(logged(tmp_path, Source.DEMONSTRATION)) == ids(episode(4, 9)) + ids(episode(5, 2))
    assert again.env_steps == 0
    again.close()


def test_an_abandoned_episode_stays_and_nothing_follows_its_last_step(tmp_path: Path) -> None:
    one = memory(tmp_path)
    one.receive(episode(1, 4, open_end=True))
    one.abandon(1)
    one.receive(episode(2, 4))
    one.absorb()
    assert one.env_steps == 8
    slots, happened = one.online.follow(one.online.has_step.nonzero()[0], 10)
    followed = {
        int(one.online.episode_id[slot]): int(count)
        for slot, count in zip(slots[0], happened.sum(axis=0), strict=True)
    }
    assert followed.keys() == {1, 2}
    assert happened.sum(axis=0).max() == 4
    assert not one.online.terminated[slots[:, one.online.episode_id[slots[0]] == 1]].any()


def test_a_learner_that_is_far_behind_holds_back_who_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "_INBOX_SIZE", 3)
    one = memory(tmp_path)
    sender = threading.Thread(target=one.receive, args=(episode(1, 9),))
    sender.start()
    sender.join(0.3)
    assert sender.is_alive()
    while one.env_steps < 9:
        one.absorb(1.0)
    sender.join(10)
    assert not sender.is_alive()


def test_nobody_waits_for_a_learner_that_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "_INBOX_SIZE", 3)
    one = memory(tmp_path)
    sender = threading.Thread(target=one.receive, args=(episode(1, 9),))
    sender.start()
    one.rest()
    sender.join(10)
    assert not sender.is_alive()
    assert len(logged(tmp_path)) == 9


def test_waiting_for_experience_costs_nothing_and_ends_when_some_comes(tmp_path: Path) -> None:
    one = memory(tmp_path)
    assert one.absorb(0.05) == 0
    timer = threading.Timer(0.1, one.receive, (episode(1, 2),))
    timer.start()
    assert one.absorb(30.0) >= 1
    timer.join()


def test_insertion_slower_than_acting_does_not_keep_the_learner_for_ever(tmp_path: Path) -> None:
    """A frozen encoder is applied at insertion; meanwhile actors go on."""

    def slow(observation: Observation) -> Observation:
        time.sleep(0.01)
        return observation

    transform = FrameTransform(SCHEMA.observation, slow)
    memory = Memory(tmp_path, SCHEMA, online_capacity=999, demonstration_capacity=9, transform=transform)
    steps = episode(1, 200)
    memory.receive(steps)
    absorbed = memory.absorb()
    assert 0 < absorbed < len(steps)
    while memory.waiting:
        absorbed += memory.absorb()
    assert absorbed == len(steps)


def test_an_episode_that_was_thrown_away_is_not_learned_from_not_even_after_a_resume(tmp_path: Path) -> None:
    one = memory(tmp_path)
    one.receive(episode(1, 5, open_end=True))
    one.receive(episode(2, 3))
    one.absorb()
    one.forget(1)
    one.receive(episode(1, 7, start=5))  # what the actor had on its way
    one.absorb()
    assert set(one.online.episode_id[one.online.has_step]) == {2}
    assert one.env_steps == 10  # the arm did move
    again = memory(tmp_path)
    again.restore()
    assert set(again.online.episode_id[again.online.has_step]) == {2}
    assert not set(again.demonstrations.episode_id[again.demonstrations.has_step]) & {1}
    assert again.env_steps == 10
