"""Weights from the learner to its actors."""

from __future__ import annotations

import math

import pytest
import torch

from hilt.transport import LearnerClient, Limits, Weights
from hilt.transport.hilt_pb2 import WeightsBegin
from hilt.transport.weights import Assembly, ProtocolError, Publication
from tests.transport.transport_tools import Connect, Learn, MakeRelay
from tests.waiting import until

LARGE = 1 << 20


def tensors(version: int) -> dict[str, torch.Tensor]:
    return {
        "encoder.weight": torch.full((16, 3, 3, 3), 7.0),
        "actor.weight": torch.full((300, 1000), float(version)),
        "actor.half": torch.arange(5, dtype=torch.float16),
        "actor.brain": torch.arange(7, dtype=torch.bfloat16).reshape(7, 1),
        "steps": torch.tensor(version, dtype=torch.int64),
        "bytes": torch.arange(3, dtype=torch.uint8),
        "nothing": torch.empty(0, 4),
        "transposed": torch.arange(6.0).reshape(2, 3).T,
    }


def newest(actor: LearnerClient, version: int) -> Weights:
    found: list[Weights] = []

    def has_come() -> bool:
        weights = actor.wait_for_weights(0.1)
        found.extend([weights] if weights is not None else [])
        return bool(found) and found[-1].version == version

    until(has_come, f"weights {version}")
    return found[-1]


def assert_equal(received: Weights, version: int) -> None:
    expected = tensors(version)
    assert received.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert received.tensors[name].dtype == tensor.dtype
        assert torch.equal(received.tensors[name], tensor), name


def test_weights_arrive_as_they_were_published(learn: Learn, connect: Connect) -> None:
    learner = learn()
    published = tensors(1)
    published["actor.weight"] = torch.nn.Parameter(published["actor.weight"])
    learner.server.publish(Weights(1, published, {"type": "sac", "hidden": [256, 256]}))
    with torch.no_grad():
        published["actor.weight"].add_(100)  # the optimiser goes on
    actor = connect(learner.address)
    weights = newest(actor, 1)
    assert_equal(weights, 1)
    assert weights.config == {"type": "sac", "hidden": [256, 256]}
    assert actor.weights() is None
    assert actor.waiting_for == ""


def test_the_newest_wins(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    for version in range(1, 200):
        learner.server.publish(Weights(version, tensors(version)))
    assert_equal(newest(actor, 199), 199)
    until(lambda: learner.server.actors[0].weights_version == 199, "the learner knows what the actor has")


def test_every_actor_gets_weights_though_one_does_not_look(learn: Learn, connect: Connect) -> None:
    learner = learn()
    lazy, eager = connect(learner.address, actor_id="lazy"), connect(learner.address, actor_id="eager")
    for version in range(1, 6):
        learner.server.publish(Weights(version, tensors(version)))
        assert_equal(newest(eager, version), version)
    assert_equal(newest(lazy, 5), 5)


def test_frozen_tensors_travel_once_per_connection(learn: Learn, connect: Connect, relay: MakeRelay) -> None:
    learner = learn()
    between = relay(learner.server)
    actor = connect(between.address)
    frozen = {"encoder": torch.rand(LARGE // 4)}
    for version in range(1, 5):
        weights = Weights(version, {**frozen, "head": torch.tensor([float(version)])})
        learner.server.publish(weights, frozen={"encoder"})
        received = newest(actor, version)
        assert torch.equal(received.tensors["encoder"], frozen["encoder"])
        assert received.tensors["head"].item() == version
    assert LARGE < between.bytes_down < 1.5 * LARGE
    between.cut()
    learner.server.publish(Weights(5, {**frozen, "head": torch.tensor([5.0])}, {}), frozen={"encoder"})
    assert torch.equal(newest(actor, 5).tensors["encoder"], frozen["encoder"])
    assert 2 * LARGE < between.bytes_down < 2.5 * LARGE


def test_a_transfer_that_was_cut_leaves_nothing_behind(
    learn: Learn, connect: Connect, relay: MakeRelay
) -> None:
    learner = learn()
    between = relay(learner.server)
    actor = connect(between.address)
    until(lambda: actor.connected, "connection")
    for version in range(1, 4):
        between.cut_after = 700_000
        learner.server.publish(Weights(version, tensors(version)))
        assert_equal(newest(actor, version), version)


def test_weights_are_wanted_when_an_actor_is_ready_for_them(learn: Learn, connect: Connect) -> None:
    learner = learn(limits=Limits(weights_interval_s=0.2))
    assert not learner.server.weights_wanted
    actor = connect(learner.address)
    until(lambda: learner.server.weights_wanted, "an actor has come")
    learner.server.publish(Weights(1, tensors(1)))
    newest(actor, 1)
    until(lambda: learner.server.weights_wanted, "the interval is over")


@pytest.mark.parametrize(
    ("weights", "frozen", "error"),
    [
        (Weights(0, {}), (), ValueError),
        (Weights(1, {}), ("head",), KeyError),
        (Weights(1, {}, {1: {2}}), (), TypeError),
    ],
)
def test_what_cannot_be_published_is_said_to_the_learner(
    learn: Learn, weights: Weights, frozen: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        learn().server.publish(weights, frozen)


def transfer(known: str | None = None) -> list:
    return list(Publication(Weights(3, tensors(3)), {"encoder.weight"}, None).messages(known))


def receive(messages: list, assembly: Assembly) -> Weights | None:
    weights = None
    for message in messages:
        if message.HasField("weights"):
            assembly.begin(message.weights)
        else:
            weights = assembly.chunk(message.chunk)
    return weights


def test_an_assembly_takes_whole_transfers_only() -> None:
    whole = transfer()
    assert len(whole) > 4
    weights = receive(whole, Assembly(2 * LARGE))
    assert weights is not None
    assert_equal(weights, 3)
    assert receive(whole[:-1], Assembly(2 * LARGE)) is None
    for torn in ([*whole[:2], *whole[3:], whole[0]], whole[1:], [whole[0], *whole], [*whole, whole[-1]]):
        with pytest.raises(ProtocolError):
            receive(torn, Assembly(2 * LARGE))


@pytest.mark.parametrize("nbytes", [0, LARGE + 1, 2**63])
def test_weights_of_an_impossible_size_are_refused_before_they_are_read(nbytes: int) -> None:
    with pytest.raises(ProtocolError, match="bytes"):
        Assembly(LARGE).begin(WeightsBegin(version=1, nbytes=nbytes, config="{}"))


@pytest.mark.parametrize("config", ["", "[]", "{", "[" * 100_000])
def test_a_configuration_that_is_not_an_object_is_refused(config: str) -> None:
    messages = transfer()
    messages[0].weights.config = config
    with pytest.raises(ProtocolError, match="configuration"):
        receive(messages, Assembly(2 * LARGE))


def test_damaged_weights_are_refused_or_of_the_right_size() -> None:
    """Whatever bytes arrive, what comes out is tensors or ProtocolError, and no more memory than was sent."""
    generator = torch.Generator().manual_seed(0)
    data = torch.frombuffer(bytearray(b"".join(m.chunk for m in transfer()[1:])), dtype=torch.uint8)
    begin = transfer()[0].weights
    for _ in range(100):
        damaged = data.clone()
        where = torch.randint(0, 1200, (4,), generator=generator)
        damaged[where] = torch.randint(0, 256, (4,), generator=generator).to(torch.uint8)
        assembly = Assembly(2 * LARGE)
        assembly.begin(begin)
        try:
            weights = assembly.chunk(damaged.numpy().tobytes())
        except ProtocolError:
            continue
        assert weights is not None
        assert sum(math.prod(t.shape) * t.element_size() for t in weights.tensors.values()) <= len(data)
