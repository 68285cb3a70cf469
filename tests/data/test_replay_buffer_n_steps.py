"""n-step returns and chunks stop where the episode stops: at a terminal, at a truncation, across the seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from hilt.data.batch import Batch
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.sampling import MixedSampler
from hilt.data.transition import STATE, Schema, Transition
from tests.data.histories import IMAGE, PIXEL_SCHEMA, STATE_SCHEMA, episode, frame, interleaved, transition
from tests.data.list_buffer import ListBuffer

DISCOUNT = 0.9
NEUTRAL = np.array([0, 0, 0, 1], np.float32)


def filled(steps: list[Transition], capacity: int = 100, schema: Schema = STATE_SCHEMA) -> ReplayBuffer:
    buffer = ReplayBuffer(capacity, schema)
    for new in steps:
        buffer.add(new)
    return buffer


def sampler(buffer: ReplayBuffer, batch_size: int = 256) -> MixedSampler:
    return MixedSampler(buffer, None, batch_size, generator=np.random.default_rng(0))


def starting_at(batch: Batch, step: int) -> int:
    """A row of the batch that starts at this step."""
    return int(torch.nonzero(batch.observation[STATE][:, 1] == step)[0])


@pytest.mark.parametrize("seed", range(15))
def test_every_sample_is_what_a_loop_over_a_list_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    capacity, n = int(rng.integers(4, 80)), int(rng.integers(1, 9))
    buffer, model = ReplayBuffer(capacity, STATE_SCHEMA), ListBuffer(capacity)
    draw = sampler(buffer, 40)
    for count, new in enumerate(interleaved(rng, 200, int(rng.integers(1, 5)), loss=0.1 * (seed % 2))):
        buffer.add(new)
        model.add(new)
        if count % 20 == 0:
            check_against(model, draw.sample(DISCOUNT, n), n)
            check_chunks_against(model, draw.sample_chunks(DISCOUNT, n, NEUTRAL), n)


def check_against(model: ListBuffer, batch: Batch, n: int) -> None:
    for row, (number, step) in enumerate(batch.observation[STATE].int().tolist()):
        want = model.n_step(number, step, n, DISCOUNT)
        first = model.steps[number, step]
        assert batch.reward[row] == pytest.approx(want.reward, rel=1e-6)
        assert batch.discrete_penalty[row] == pytest.approx(want.penalty, rel=1e-6)
        assert batch.bootstrap[row] == pytest.approx(want.bootstrap, rel=1e-6)
        assert tuple(batch.next_observation[STATE][row].int().tolist()) == want.next_frame
        assert batch.is_intervention[row].flatten()[0] == first.is_intervention
        if batch.action.ndim == 2:
            np.testing.assert_array_equal(batch.action[row], first.action)


def check_chunks_against(model: ListBuffer, batch: Batch, h: int) -> None:
    check_against(model, batch, h)
    for row, (number, step) in enumerate(batch.observation[STATE].int().tolist()):
        want = model.n_step(number, step, h, DISCOUNT)
        assert batch.valid[row].tolist() == [1.0] * want.k + [0.0] * (h - want.k)
        np.testing.assert_array_equal(batch.action[row], want.actions + [NEUTRAL] * (h - want.k))


def test_a_return_stops_at_the_terminal_and_does_not_bootstrap() -> None:
    batch = sampler(filled(episode(1, 5))).sample(DISCOUNT, 3)
    row = starting_at(batch, 3)
    rewards = [step.reward for step in episode(1, 5)]
    assert batch.reward[row] == pytest.approx(rewards[3] + DISCOUNT * rewards[4])
    assert batch.bootstrap[row] == 0
    row = starting_at(batch, 1)
    assert batch.bootstrap[row] == pytest.approx(DISCOUNT**3)
    assert batch.next_observation[STATE][row].tolist() == [1, 4]


def test_a_return_stops_at_a_truncation_and_bootstraps_from_its_own_next_observation() -> None:
    batch = sampler(filled([*episode(1, 5, truncated=True), *episode(2, 5)])).sample(DISCOUNT, 3)
    row = int(torch.nonzero((batch.observation[STATE] == torch.tensor([1.0, 4.0])).all(dim=1))[0])
    assert batch.reward[row] == pytest.approx(transition(1, 4).reward)
    assert batch.bootstrap[row] == pytest.approx(DISCOUNT)
    assert batch.next_observation[STATE][row].tolist() == [1, 5]


def test_a_return_stops_where_an_actor_died() -> None:
    buffer = filled(episode(1, 5)[:3])
    buffer.cut(1)
    batch = sampler(buffer).sample(DISCOUNT, 4)
    assert batch.next_observation[STATE].tolist() == [[1, 3]] * 256
    assert batch.bootstrap[starting_at(batch, 2)] == pytest.approx(DISCOUNT)


def test_a_return_crosses_the_seam_of_the_ring() -> None:
    buffer = filled([*episode(1, 7), *episode(2, 6)], capacity=10)
    batch = sampler(buffer).sample(DISCOUNT, 6)
    assert (buffer.next_slot[:10] < np.arange(10))[buffer.has_step].any()
    row = int(torch.nonzero((batch.observation[STATE] == torch.tensor([2.0, 0.0])).all(dim=1))[0])
    assert batch.reward[row] == pytest.approx(
        sum(DISCOUNT**i * t.reward for i, t in enumerate(episode(2, 6)))
    )
    assert batch.next_observation[STATE][row].tolist() == [2, 6]


def test_the_terminal_step_of_a_chunk_is_valid_and_what_follows_is_neutral() -> None:
    batch = sampler(filled(episode(1, 6))).sample_chunks(DISCOUNT, 4, NEUTRAL)
    row = starting_at(batch, 4)
    assert batch.valid[row].tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(batch.action[row, 1], transition(1, 5).action)
    np.testing.assert_array_equal(batch.action[row, 2:], [NEUTRAL, NEUTRAL])
    assert batch.bootstrap[row] == 0


def test_a_whole_chunk_is_the_reference_s() -> None:
    """valid_{h-1} = 1: gamma^h * mask and s_{t+h}, with the terminal just inside or just outside."""
    batch = sampler(filled(episode(1, 6))).sample_chunks(DISCOUNT, 4, NEUTRAL)
    inside, outside = starting_at(batch, 2), starting_at(batch, 1)
    assert batch.valid[[inside, outside], -1].tolist() == [1, 1]
    assert batch.bootstrap[[inside, outside]].tolist() == pytest.approx([0, DISCOUNT**4])
    assert batch.next_observation[STATE][[inside, outside], 1].tolist() == [6, 5]


def test_every_state_of_an_episode_starts_a_chunk() -> None:
    batch = sampler(filled(episode(1, 6))).sample_chunks(DISCOUNT, 4, NEUTRAL)
    assert set(batch.observation[STATE][:, 1].int().tolist()) == set(range(6))


@pytest.mark.parametrize("chunked", [False, True])
def test_pictures_belong_to_their_states_with_and_without_augmentation(chunked: bool) -> None:
    def brighten(images: Tensor) -> Tensor:
        return images // 2 + 100

    steps = [*episode(1, 9, truncated=True, schema=PIXEL_SCHEMA), *episode(2, 8, schema=PIXEL_SCHEMA)]
    buffer = filled(steps, 14, PIXEL_SCHEMA)
    for augment in (None, brighten):
        draw = MixedSampler(buffer, None, 64, generator=np.random.default_rng(1), augment=augment)
        batch = draw.sample_chunks(DISCOUNT, 3, NEUTRAL) if chunked else draw.sample(DISCOUNT, 3)
        for observation in (batch.observation, batch.next_observation):
            for state, image in zip(observation[STATE].int().tolist(), observation[IMAGE], strict=True):
                stored = torch.from_numpy(frame(*state, PIXEL_SCHEMA)[IMAGE])
                assert torch.equal(image, stored if augment is None else augment(stored))


def test_shapes_and_types_of_a_batch() -> None:
    draw = sampler(filled(episode(1, 6)), 32)
    plain, chunks = draw.sample(DISCOUNT, 3), draw.sample_chunks(DISCOUNT, 5, NEUTRAL)
    assert plain.action.shape == (32, 4)
    assert plain.valid.shape == (32, 1)
    assert chunks.action.shape == (32, 5, 4)
    assert chunks.valid.shape == (32, 5)
    for batch in (plain, chunks):
        for name in ("action", "reward", "bootstrap", "discrete_penalty", "valid"):
            assert getattr(batch, name).dtype == torch.float32
        for name in ("is_intervention", "is_demonstration", "success"):
            assert getattr(batch, name).dtype == torch.bool
            chunked = batch is chunks and name != "success"
            assert getattr(batch, name).shape == ((32, 5) if chunked else (32,))


def test_a_return_spans_a_hand_over_and_the_flag_is_the_first_step_s() -> None:
    steps = [transition(1, step, intervention=step in (2, 3)) for step in range(6)]
    batch = sampler(filled(steps)).sample(DISCOUNT, 3)
    starts = batch.observation[STATE][:, 1]
    assert torch.equal(batch.is_intervention, (starts == 2) | (starts == 3))
    assert batch.next_observation[STATE][starting_at(batch, 1)].tolist() == [1, 4]
