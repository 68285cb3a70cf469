"""Transitions survive the way over protobuf bit for bit; what does not fit is refused before it is stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hilt.data.codec import Decoder, Encoder
from hilt.data.transition import STATE, SchemaError, Transition
from hilt.data.transition_pb2 import Step
from tests.data.histories import IMAGE, PIXEL_SCHEMA, episode, interleaved


def assert_equal(one: Transition, other: Transition) -> None:
    for name in PIXEL_SCHEMA.observation:
        np.testing.assert_array_equal(one.observation[name], other.observation[name])
        np.testing.assert_array_equal(one.next_observation[name], other.next_observation[name])
    np.testing.assert_array_equal(one.action, other.action)
    np.testing.assert_array_equal(one.policy_action, other.policy_action)
    for name in ("controller", "reward", "terminated", "truncated", "discrete_penalty", "is_success"):
        assert getattr(one, name) == getattr(other, name)
    assert (one.episode_id, one.step) == (other.episode_id, other.step)


def over_the_wire(encoder: Encoder, transition: Transition) -> Step:
    return Step.FromString(encoder.encode(transition).SerializeToString())


def test_what_is_encoded_is_decoded() -> None:
    encoder, decoder = Encoder(), Decoder(PIXEL_SCHEMA)
    for new in interleaved(np.random.default_rng(0), 60, 3, loss=0.1, schema=PIXEL_SCHEMA):
        assert_equal(decoder.decode(over_the_wire(encoder, new)), new)


def test_a_frame_is_sent_once() -> None:
    encoder = Encoder()
    steps = [
        encoder.encode(new)
        for new in [*episode(1, 4, schema=PIXEL_SCHEMA), *episode(2, 3, schema=PIXEL_SCHEMA)]
    ]
    assert [len(step.observation) > 0 for step in steps] == [True, False, False, False, True, False, False]


def test_after_a_reset_the_next_step_is_self_contained() -> None:
    encoder = Encoder()
    steps = episode(1, 3, schema=PIXEL_SCHEMA)
    encoder.encode(steps[0])
    encoder.reset()
    assert_equal(Decoder(PIXEL_SCHEMA).decode(over_the_wire(encoder, steps[1])), steps[1])


def test_a_gap_is_refused() -> None:
    encoder, decoder = Encoder(), Decoder(PIXEL_SCHEMA)
    sent = [over_the_wire(encoder, new) for new in episode(1, 3, schema=PIXEL_SCHEMA)]
    decoder.decode(sent[0])
    with pytest.raises(SchemaError, match="step 2 of episode 1: the step before it is missing"):
        decoder.decode(sent[2])


def wrong_dtype(step: Step) -> None:
    step.next_observation[0].dtype = "float64"


def wrong_shape(step: Step) -> None:
    step.next_observation[1].shape[:] = [3, 5, 6]


def wrong_size(step: Step) -> None:
    step.next_observation[1].data = step.next_observation[1].data[:-1]


def huge_shape(step: Step) -> None:
    step.next_observation[1].shape[:] = [2**31] * 100_000


def not_a_number(step: Step) -> None:
    step.next_observation[0].data = np.array([np.nan, 0], np.float32).tobytes()


def infinite_reward(step: Step) -> None:
    step.reward = float("inf")


def infinite_action(step: Step) -> None:
    step.action.data = np.full(4, np.inf, np.float32).tobytes()


def feature_missing(step: Step) -> None:
    del step.next_observation[1]


def feature_twice(step: Step) -> None:
    step.next_observation.append(step.next_observation[0])


def feature_unknown(step: Step) -> None:
    step.next_observation[0].name = "x" * 1_000_000


def no_action(step: Step) -> None:
    step.ClearField("action")


def half_an_observation(step: Step) -> None:
    step.observation.append(step.next_observation[0])


def endless_episode_id(step: Step) -> None:
    step.episode_id = 2**64 - 1
    step.observation.extend(step.next_observation)


@pytest.mark.parametrize(
    "damage",
    [
        wrong_dtype,
        wrong_shape,
        wrong_size,
        huge_shape,
        not_a_number,
        infinite_reward,
        infinite_action,
        feature_missing,
        feature_twice,
        feature_unknown,
        no_action,
        half_an_observation,
        endless_episode_id,
    ],
)
def test_a_step_that_does_not_fit_is_refused_and_the_decoder_keeps_its_place(
    damage: Callable[[Step], None],
) -> None:
    assert list(PIXEL_SCHEMA.observation) == [STATE, IMAGE]
    encoder, decoder = Encoder(), Decoder(PIXEL_SCHEMA)
    first, second, _ = steps = episode(1, 3, schema=PIXEL_SCHEMA)
    decoder.decode(over_the_wire(encoder, first))
    good = over_the_wire(encoder, second)
    bad = Step.FromString(good.SerializeToString())
    damage(bad)
    with pytest.raises(SchemaError) as refusal:
        decoder.decode(bad)
    assert len(str(refusal.value)) < 500
    assert_equal(decoder.decode(good), steps[1])
