"""Every transition reaches the buffers it belongs to, and interventions are not joined into one stream."""

from __future__ import annotations

import numpy as np

from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.routing import Source, route, until_success
from hilt.data.sampling import MixedSampler
from hilt.data.transition import STATE
from tests.data.histories import STATE_SCHEMA, episode, transition


def buffers() -> tuple[ReplayBuffer, ReplayBuffer]:
    return ReplayBuffer(100, STATE_SCHEMA), ReplayBuffer(100, STATE_SCHEMA)


def test_interventions_go_to_both_and_the_rest_to_one() -> None:
    online, demonstrations = buffers()
    for step in range(10):
        route(transition(1, step, intervention=step in (3, 4, 7)), Source.ONLINE, online, demonstrations)
    for new in episode(2, 5):
        route(new, Source.DEMONSTRATION, online, demonstrations)
    assert len(online) == 10
    assert len(demonstrations) == 3 + 5
    assert set(online.episode_id[online.has_step]) == {1}


def test_interventions_are_not_linked_over_the_policy_s_steps() -> None:
    online, demonstrations = buffers()
    for step in range(10):
        route(transition(1, step, intervention=step in (3, 4, 7)), Source.ONLINE, online, demonstrations)
    batch = MixedSampler(demonstrations, None, 64, generator=np.random.default_rng(0)).sample(0.9, 5)
    led_to = {
        (int(start), int(end), round(float(bootstrap), 4))
        for start, end, bootstrap in zip(
            batch.observation[STATE][:, 1], batch.next_observation[STATE][:, 1], batch.bootstrap, strict=True
        )
    }
    assert led_to == {(3, 5, 0.81), (4, 5, 0.9), (7, 8, 0.9)}


def test_interventions_learn_that_their_episode_succeeded() -> None:
    online, demonstrations = buffers()
    route(transition(1, 0, intervention=True), Source.ONLINE, online, demonstrations)
    route(transition(2, 0, intervention=True), Source.ONLINE, online, demonstrations)
    route(transition(1, 1, terminated=True, success=True), Source.ONLINE, online, demonstrations)
    route(transition(2, 1, truncated=True), Source.ONLINE, online, demonstrations)
    successful = demonstrations.has_step & demonstrations.success
    assert set(demonstrations.episode_id[successful]) == {1}


def test_a_step_that_comes_twice_is_new_once() -> None:
    online, demonstrations = buffers()
    new = transition(1, 0, intervention=True)
    assert [route(new, Source.ONLINE, online, demonstrations) for _ in range(2)] == [True, False]
    assert (len(online), len(demonstrations)) == (1, 1)


def test_an_episode_recorded_beyond_its_success_is_cut_there() -> None:
    recorded = [transition(1, step, success=step >= 4, terminated=step == 7) for step in range(8)]
    failed = [transition(2, step, truncated=step == 2) for step in range(3)]
    steps = list(until_success([*recorded, *failed]))
    assert [(t.episode_id, t.step) for t in steps] == [(1, s) for s in range(5)] + [(2, s) for s in range(3)]
    assert [t.terminated for t in steps] == [False] * 4 + [True] + [False] * 3
    assert [t.truncated for t in steps] == [False] * 7 + [True]
