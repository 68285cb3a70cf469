"""The buffer holds what it was given, each frame once, and nothing that was overwritten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilt.data.replay_buffer import FrameTransform, ReplayBuffer
from hilt.data.transition import IMAGES, STATE, Feature, Observation, Schema, SchemaError
from tests.data.histories import IMAGE, PIXEL_SCHEMA, STATE_SCHEMA, episode, interleaved, transition
from tests.data.list_buffer import ListBuffer


def living(buffer: ReplayBuffer) -> set[tuple[int, int]]:
    """(episode, step) of every transition that can be drawn."""
    return {(int(e), int(s)) for e, s in buffer.frames[STATE][buffer.has_step]}


@pytest.mark.parametrize("seed", range(20))
def test_any_interleaving_leaves_what_a_list_would_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    capacity = int(rng.integers(2, 60))
    buffer, model = ReplayBuffer(capacity, STATE_SCHEMA), ListBuffer(capacity)
    for new in interleaved(rng, 200, int(rng.integers(1, 6)), loss=0.1 * (seed % 2)):
        assert buffer.add(new)
        model.add(new)
        assert living(buffer) == model.steps.keys()
        assert len(buffer) == len(model.steps)


def test_the_newest_steps_of_a_long_episode_fill_the_ring() -> None:
    buffer = ReplayBuffer(10, STATE_SCHEMA)
    for new in episode(1, 33, truncated=True):
        buffer.add(new)
    assert living(buffer) == {(1, step) for step in range(24, 33)}


def test_a_slow_actor_goes_on_after_the_ring_has_passed_its_last_frame() -> None:
    buffer = ReplayBuffer(8, STATE_SCHEMA)
    buffer.add(transition(1, 0))
    for new in episode(2, 6, truncated=True):
        buffer.add(new)
    buffer.add(transition(1, 1))  # its frame is at the head of the ring, or gone
    assert (1, 1) in living(buffer)
    slots, happened = buffer.follow(np.flatnonzero(buffer.has_step), 3)
    ends = buffer.frames[STATE][buffer.next_slot[slots[-1]]]
    starts = buffer.frames[STATE][slots[0]]
    assert (ends[:, 0] == starts[:, 0]).all()
    np.testing.assert_array_equal(ends[:, 1] - starts[:, 1], happened.sum(axis=0))


def test_each_frame_is_stored_once() -> None:
    buffer = ReplayBuffer(100, PIXEL_SCHEMA)
    for new in [*episode(1, 5, schema=PIXEL_SCHEMA), *episode(2, 7, schema=PIXEL_SCHEMA)]:
        buffer.add(new)
    frames = buffer.frames[IMAGE][: (5 + 1) + (7 + 1)]
    assert len({image.tobytes() for image in frames}) == len(frames)
    assert len(buffer) == 12


def test_two_cameras_of_128_by_128_take_at_most_105_kb_per_transition() -> None:
    image = Feature((3, 128, 128), "uint8")
    schema = Schema(
        {f"{IMAGES}.front": image, f"{IMAGES}.wrist": image, STATE: Feature((18,))}, Feature((4,))
    )
    buffer = ReplayBuffer(64, schema)
    observation = {name: np.zeros(f.shape, f.dtype) for name, f in schema.observation.items()}
    for new in [*episode(1, 20), *episode(2, 20)]:
        buffer.add(replace(new, observation=observation, next_observation=observation))
    assert buffer.nbytes_per_transition <= 105_000


def test_what_was_seen_is_not_added_again() -> None:
    buffer = ReplayBuffer(50, STATE_SCHEMA)
    steps = episode(1, 6)
    assert [buffer.add(new) for new in steps[:4]] == [True] * 4
    assert [buffer.add(new) for new in steps] == [False] * 4 + [True] * 2
    assert len(buffer) == 6
    assert buffer.seen(1, 5)
    assert not buffer.seen(1, 6)


def test_the_last_step_of_a_cut_episode_stays_its_last() -> None:
    buffer = ReplayBuffer(50, STATE_SCHEMA)
    steps = episode(1, 6)
    for new in steps[:3]:
        buffer.add(new)
    buffer.cut(1)
    for new in steps[3:]:
        buffer.add(new)
    last = np.flatnonzero(buffer.has_step & (buffer.frames[STATE][:, 1] == 2))
    _, happened = buffer.follow(last, 2)
    assert not happened[1].any()
    assert not buffer.terminated[last].any()


@pytest.mark.parametrize(
    "broken",
    [
        {"reward": float("nan")},
        {"reward": 1e300},
        {"discrete_penalty": float("-inf")},
        {"action": np.array([0, np.nan, 0, 1], np.float32)},
        {"action": np.zeros(3, np.float32)},
        {"next_observation": {STATE: np.array([np.inf, 0], np.float32)}},
        {"observation": {STATE: np.zeros(2)}},
        {"observation": {}},
        {"episode_id": -1},
        {"episode_id": 2**63},
    ],
)
def test_what_breaks_the_schema_is_refused_and_leaves_no_trace(broken: dict[str, object]) -> None:
    buffer = ReplayBuffer(50, STATE_SCHEMA)
    buffer.add(transition(1, 0))
    with pytest.raises(SchemaError):
        buffer.add(replace(transition(1, 1), **broken))  # type: ignore[arg-type]
    assert living(buffer) == {(1, 0)}
    assert buffer.add(transition(1, 1))


def test_success_marks_the_whole_episode_and_no_other() -> None:
    buffer = ReplayBuffer(50, STATE_SCHEMA)
    for new in [*episode(1, 4), *episode(2, 4, truncated=True)]:
        buffer.add(new)
    successful = buffer.has_step & buffer.success
    assert set(buffer.episode_id[successful]) == {1}
    assert np.count_nonzero(successful) == 4


def test_a_transform_runs_once_per_stored_frame() -> None:
    calls: list[tuple[int, int]] = []

    def encode(observation: Observation) -> Observation:
        calls.append((int(observation[STATE][0]), int(observation[STATE][1])))
        return {"features": observation[STATE].repeat(2)}

    transform = FrameTransform({"features": Feature((4,))}, encode)
    buffer = ReplayBuffer(50, STATE_SCHEMA, transform)
    for new in episode(3, 5):
        buffer.add(new)
    assert calls == [(3, step) for step in range(6)]
    np.testing.assert_array_equal(buffer.frames["features"][2], [3, 3, 2, 2])


def test_a_capacity_without_room_for_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        ReplayBuffer(1, STATE_SCHEMA)


def test_an_empty_buffer_says_so_at_once() -> None:
    with pytest.raises(ValueError, match="empty"):
        ReplayBuffer(10, STATE_SCHEMA).draw(1, np.random.default_rng(0))


def test_of_a_forgotten_episode_nothing_is_drawn_nor_added_again() -> None:
    buffer = ReplayBuffer(100, STATE_SCHEMA)
    for step in (*episode(1, 6), *episode(2, 4)[:3]):
        buffer.add(step)
    buffer.forget(1)
    buffer.forget(2)
    assert (len(buffer), living(buffer)) == (0, set())
    assert not buffer.add(episode(1, 6)[5])
    for step in episode(3, 5):
        buffer.add(step)
    starts = buffer.draw(200, np.random.default_rng(0))
    assert set(buffer.episode_id[starts]) == {3}
