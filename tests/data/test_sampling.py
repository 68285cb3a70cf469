"""Batches are mixed exactly, marked truthfully, and drawn again alike after a resume."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.routing import Source, route
from hilt.data.sampling import MixedSampler
from hilt.data.transition import STATE
from tests.data.histories import PIXEL_SCHEMA, STATE_SCHEMA, episode, transition


def buffer_of(*numbers: int) -> ReplayBuffer:
    buffer = ReplayBuffer(200, STATE_SCHEMA)
    for number in numbers:
        for new in episode(number, 8):
            buffer.add(new)
    return buffer


@pytest.mark.parametrize(
    ("batch_size", "ratio", "n_online"),
    [(256, 0.5, 128), (10, 0.25, 2), (7, 0.0, 0), (7, 1.0, 7), (255, 0.5, 128)],
)
def test_the_mixture_is_exact(batch_size: int, ratio: float, n_online: int) -> None:
    draw = MixedSampler(
        buffer_of(1), buffer_of(2), batch_size, generator=np.random.default_rng(0), online_ratio=ratio
    )
    for _ in range(5):
        batch = draw.sample(0.97)
        assert torch.equal(batch.observation[STATE][:, 0] == 2, batch.is_demonstration)
        assert torch.equal(batch.next_observation[STATE][:, 0] == 2, batch.is_demonstration)
        assert int((~batch.is_demonstration).sum()) == n_online


def test_an_empty_buffer_leaves_the_whole_batch_to_the_other() -> None:
    generator = np.random.default_rng(0)
    from_demonstrations = MixedSampler(buffer_of(), buffer_of(2), 16, generator=generator).sample(0.97)
    assert from_demonstrations.is_demonstration.all()
    from_online = MixedSampler(buffer_of(1), buffer_of(), 16, generator=generator).sample(0.97)
    assert not from_online.is_demonstration.any()
    with pytest.raises(ValueError, match="empty"):
        MixedSampler(buffer_of(), buffer_of(), 16, generator=generator).sample(0.97)


def test_a_generator_restored_from_json_draws_the_same() -> None:
    draw = MixedSampler(buffer_of(1, 3), buffer_of(2), 32, generator=np.random.default_rng(5))
    draw.sample(0.97, 3)
    saved = json.dumps(draw.generator.bit_generator.state)
    wanted = draw.sample(0.97, 3)

    again = MixedSampler(buffer_of(1, 3), buffer_of(2), 32, generator=np.random.default_rng())
    again.generator.bit_generator.state = json.loads(saved)
    assert torch.equal(again.sample(0.97, 3).observation[STATE], wanted.observation[STATE])


def test_starts_are_drawn_uniformly() -> None:
    batch = MixedSampler(buffer_of(1), None, 80_000, generator=np.random.default_rng(0)).sample(0.97)
    counts = np.bincount(batch.observation[STATE][:, 1].int().numpy(), minlength=8)
    np.testing.assert_allclose(counts, 10_000, rtol=0.05)


def test_a_batch_is_not_changed_by_what_comes_later() -> None:
    buffer = buffer_of(1)
    draw = MixedSampler(buffer, None, 16, generator=np.random.default_rng(0))
    batch = draw.sample(0.97)
    before = batch.observation[STATE].clone()
    draw.sample(0.97)
    buffer.frames[STATE][:] = 99
    assert torch.equal(batch.observation[STATE], before)


def test_success_is_told_per_sample() -> None:
    buffer = buffer_of(1)
    for new in episode(2, 8, truncated=True):
        buffer.add(new)
    batch = MixedSampler(buffer, None, 64, generator=np.random.default_rng(0)).sample(0.97)
    assert torch.equal(batch.success, batch.observation[STATE][:, 0] == 1)


def test_buffers_of_different_features_do_not_mix() -> None:
    with pytest.raises(ValueError, match="same features"):
        MixedSampler(buffer_of(1), ReplayBuffer(9, PIXEL_SCHEMA), 8, generator=np.random.default_rng(0))


def test_a_share_outside_zero_and_one_is_refused() -> None:
    with pytest.raises(ValueError, match="online_ratio 1.5"):
        MixedSampler(buffer_of(1), None, 8, generator=np.random.default_rng(0), online_ratio=1.5)


def test_chunks_are_whole_or_end_with_their_episode() -> None:
    """Not where the rest is still to come."""
    demonstrations, online = buffer_of(2), buffer_of()
    for new in episode(1, 20)[:12]:
        online.add(new)
        if 3 <= new.step < 7:
            demonstrations.add(new)
    draw = MixedSampler(online, demonstrations, 400, generator=np.random.default_rng(0))
    batch = draw.sample_chunks(0.97, 3, np.zeros(4, np.float32))
    number, first = batch.observation[STATE].unbind(1)
    steps = batch.valid.sum(1)
    in_demonstration = number == 2
    assert torch.equal(steps[in_demonstration], (8 - first[in_demonstration]).clamp(max=3))
    assert (steps[in_demonstration] < 3).any()
    assert (steps[~in_demonstration] == 3).all()
    assert set(first[~in_demonstration & batch.is_demonstration[:, 0]].tolist()) == {3, 4}


@pytest.mark.parametrize("length", [1, 2, 8])
def test_corrections_shorter_than_a_chunk_are_drawn_and_say_who_chose_what(length: int) -> None:
    demonstrations, online = buffer_of(2), buffer_of()
    for step in range(20):
        new = transition(1, step, intervention=5 <= step < 5 + length, truncated=step == 19)
        route(new, Source.ONLINE, online, demonstrations, ahead=4)
    draw = MixedSampler(online, demonstrations, 400, generator=np.random.default_rng(0))
    batch = draw.sample_chunks(0.97, 5, np.zeros(4, np.float32))
    number, first = batch.observation[STATE].unbind(1)
    corrections = (number == 1) & batch.is_demonstration[:, 0]
    assert set(first[corrections].tolist()) == set(range(5, 5 + length))
    assert batch.valid[corrections].all()
    steps = first[corrections].unsqueeze(-1) + torch.arange(5)
    by_the_person = (steps >= 5) & (steps < 5 + length)
    assert torch.equal(batch.is_intervention[corrections], by_the_person)
    assert torch.equal(batch.is_demonstration[corrections], by_the_person)


def test_what_follows_a_correction_stays_with_its_own_successors() -> None:
    """Two corrections of one episode, nearer to each other than a chunk is long, and one far behind."""
    demonstrations, online = buffer_of(), buffer_of()
    for step in range(40):
        new = transition(1, step, intervention=step in (5, 8, 30), truncated=step == 39)
        route(new, Source.ONLINE, online, demonstrations, ahead=4)
    assert len(demonstrations) == 3
    draw = MixedSampler(online, demonstrations, 200, generator=np.random.default_rng(0), online_ratio=0)
    batch = draw.sample_chunks(0.97, 5, np.zeros(4, np.float32))
    first, last = batch.observation[STATE][:, 1], batch.next_observation[STATE][:, 1]
    assert set(first.tolist()) == {5, 8, 30}
    assert torch.equal(last, first + 5)


def test_chunks_of_a_buffer_without_whole_ones_are_drawn_all_the_same() -> None:
    online = buffer_of()
    online.add(episode(1, 20)[0])
    draw = MixedSampler(online, None, 8, generator=np.random.default_rng(0))
    assert draw.sample_chunks(0.97, 3, np.zeros(4, np.float32)).valid.sum() == 8
