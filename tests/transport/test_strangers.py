"""Garbage on the port: nothing crashes, nothing grows, and the run goes on."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import grpc
import pytest
from transport_tools import SCHEMA, episode, ids, wait_until

from hilt.data.codec import Encoder
from hilt.transport import Limits, handshake
from hilt.transport.hilt_pb2 import FromActor, FromLearner, Report
from hilt.transport.messages import METHOD, max_message_bytes

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def call(
    address: str,
    messages: list[bytes],
    *,
    actor_id: str = "stranger",
    said: handshake.Metadata | None = None,
    linger_s: float = 0.0,
) -> tuple[list[FromLearner], grpc.StatusCode]:
    """One call with these messages, as they are: what was answered, and how it ended."""

    def requests() -> Iterator[bytes]:
        yield from messages
        time.sleep(linger_s)

    answers: list[FromLearner] = []
    said = said or handshake.metadata(SCHEMA, actor_id, random.getrandbits(63), None)
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stream = channel.stream_stream(METHOD, response_deserializer=FromLearner.FromString)
        running = stream(requests(), metadata=said, timeout=20)
        with suppress(grpc.RpcError):
            answers.extend(running)
        return answers, running.code()


def message(first: int = 1, length: int = 3, **parts: object) -> FromActor:
    encoder = Encoder()
    number = random.getrandbits(62)
    return FromActor(first=first, steps=[encoder.encode(t) for t in episode(number, length)], **parts)


def bend(text: FromActor, chance: random.Random) -> None:
    """Makes a well-formed message wrong."""
    step = chance.choice(text.steps)
    tensor = chance.choice([step.action, *step.next_observation])
    bends: list[Callable[[], object]] = [
        lambda: setattr(tensor, "dtype", chance.choice(["float64", "object", "O", "", "x" * 10_000])),
        lambda: tensor.shape.append(chance.getrandbits(32)),
        lambda: tensor.ClearField("shape"),
        lambda: setattr(tensor, "data", chance.randbytes(chance.choice([0, 1, 5, 5_000]))),
        lambda: setattr(tensor, "name", chance.choice(["", "__class__", "../../etc/passwd", "action"])),
        lambda: setattr(step, "reward", chance.choice([float("nan"), float("inf")])),
        lambda: setattr(step.action, "data", b"\xff" * len(step.action.data)),
        lambda: setattr(step, "episode_id", 2**64 - 1),
        lambda: setattr(text, "first", chance.choice([0, 2**64 - 1, 2**63])),
        lambda: step.ClearField("observation"),
        lambda: step.next_observation.add(name="more", dtype="float32", data=b"abcd"),
        lambda: text.steps.extend([text.steps[0]] * 2_000),
        lambda: text.reports.extend([Report(texts={"x": "y" * 20_000})] * 3),
        lambda: text.reports.extend([Report()] * 300),
    ]
    chance.choice(bends)()


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Flips, cuts, doubles or replaces bytes."""
    where, length = chance.randrange(len(data)), chance.choice([1, 4, 100])
    noise = chance.randbytes(length)
    return chance.choice(
        [
            data[:where] + noise + data[where + length :],
            data[:where] + noise + data[where:],
            data[:where],
            data[where:],
            data[:where] + data[where + length :],
            chance.randbytes(chance.choice([1, 20, 2_000])),
        ]
    )


def speak_nonsense(address: str, chance: random.Random) -> None:
    """A connection that is not even gRPC."""
    host, _, port = address.rpartition(":")
    opening = chance.choice([b"", HTTP2_PREFACE, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00"])
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(opening + chance.randbytes(chance.choice([0, 9, 300, 20_000])))


def visit(address: str, chance: random.Random) -> None:
    """One stranger with one random message."""
    kind = chance.randrange(4)
    text = message()
    if kind == 0:
        speak_nonsense(address, chance)
    elif kind == 1:
        hello = handshake.metadata(SCHEMA, "stranger", chance.getrandbits(63), None)[0][1]
        assert isinstance(hello, bytes)
        call(address, [], said=((handshake.HELLO_KEY, mutate(hello, chance)),))
    elif kind == 2:
        bend(text, chance)
        call(address, [text.SerializeToString()])
    else:
        call(address, [mutate(text.SerializeToString(), chance)])


def bombard(learner, actor, count: int) -> None:
    """`count` messages from strangers while an actor works; then everything is as it was."""
    chance = random.Random(0)
    sent = [step for number in range(1, 6) for step in episode(number * 10**15 + 1, 40)]
    every = max(1, count // len(sent))
    waiting = list(sent)
    for number in range(count):
        if number % every == 0 and waiting:
            actor.send(waiting.pop(0))
        visit(learner.address, chance)
        if number == min(100, count // 2):
            before = resident_bytes()
    for transition in waiting:
        actor.send(transition)
    assert actor.drain(30) == 0
    assert ids(learner.by_actor["actor"]) == ids(sent)
    for transition in learner.transitions:
        SCHEMA.check(transition)
    wait_until(lambda: [info.actor_id for info in learner.server.actors] == ["actor"], "strangers have gone")
    wait_until(lambda: threading.active_count() < 40, "their threads have ended")
    stored = sum(len(t.observation) for t in learner.transitions) * 2_000
    assert resident_bytes() - before < 60 * 2**20 + stored


def test_random_and_mutated_messages(learn, connect):
    learner = learn(limits=Limits(gone_after_s=0.3))
    bombard(learner, connect(learner.address), 300)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_random_and_mutated_messages(learn, connect):
    learner = learn(limits=Limits(gone_after_s=0.3))
    bombard(learner, connect(learner.address), 10_000)


def test_a_message_that_is_too_large_ends_the_call(learn):
    learner = learn()
    _, code = call(learner.address, [bytes(max_message_bytes(SCHEMA) + 1)], linger_s=1.0)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert learner.transitions == []


def test_whoever_sends_too_much_that_is_refused_is_dropped(learn):
    learner = learn(limits=Limits(max_refused=10))
    bad = message(length=12)
    for step in bad.steps:
        step.reward = float("nan")
    answers, code = call(learner.address, [bad.SerializeToString()], linger_s=1.0)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert learner.transitions == []
    assert all(answer.status.refused <= 12 for answer in answers)


def test_a_step_that_is_refused_does_not_take_others_with_it(learn):
    learner = learn()
    text = message(length=5)
    text.steps[4].reward = float("nan")
    answers, _ = call(learner.address, [text.SerializeToString()], linger_s=0.3)
    assert len(learner.transitions) == 4
    assert (answers[-1].status.acknowledged, answers[-1].status.refused) == (5, 1)
    assert "reward nan" in answers[-1].status.refused_because


def test_a_gap_in_the_numbers_ends_the_call(learn):
    learner = learn()
    texts = [message(1, 3), message(9, 3)]
    _, code = call(learner.address, [text.SerializeToString() for text in texts], linger_s=1.0)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(learner.transitions) == 3


def test_whoever_says_nothing_is_dropped(learn):
    learner = learn(limits=Limits(silence_s=0.2, gone_after_s=0.1))
    answers, code = call(learner.address, [], linger_s=5.0)
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(answers) >= 1
    wait_until(lambda: not learner.server.actors, "the stranger is given up")


def test_other_services_and_methods_are_not_there(learn):
    learner = learn()
    with grpc.insecure_channel(learner.address) as channel:
        for method in ("/hilt.Learner/Other", "/grpc.reflection.v1.ServerReflection/Info", "/x"):
            with pytest.raises(grpc.RpcError) as refusal:
                channel.unary_unary(method)(b"", timeout=10)
            assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_strangers_without_the_token_are_not_listened_to(learn):
    learner = learn(token="secret")
    good = [message().SerializeToString()]
    _, code = call(learner.address, good)
    assert code is grpc.StatusCode.UNAUTHENTICATED
    hello, *_ = handshake.metadata(SCHEMA, "stranger", 1, None)
    for token in ("Bearer", "Bearer ", "Bearer secre", "secret", "Bearer secret "):
        _, code = call(learner.address, good, said=(hello, (handshake.TOKEN_KEY, token)))
        assert code is grpc.StatusCode.UNAUTHENTICATED
    assert learner.transitions == []


def test_a_report_that_is_too_large_is_dropped(learn):
    learner = learn()
    reports = [Report(numbers={"a": 1.0}), Report(texts={"b": "x" * 20_000}), Report(numbers={"c": 3.0})]
    call(learner.address, [FromActor(first_report=1, reports=reports).SerializeToString()], linger_s=0.3)
    assert [record for _, record in learner.server.reports()] == [{"a": 1.0}, {"c": 3.0}]


def test_names_that_no_terminal_should_see_are_refused(learn):
    learner = learn()
    hello = handshake.Hello(protocol=handshake.PROTOCOL, actor_id="\x1b[2J", stream=1)
    hello.schema.update(handshake.describe_schema(replace(SCHEMA)))
    _, code = call(learner.address, [], said=((handshake.HELLO_KEY, hello.SerializeToString()),))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
