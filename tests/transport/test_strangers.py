"""Garbage on the port: nothing crashes, nothing grows, and the run goes on."""

from __future__ import annotations

import json
import random
import threading

import grpc
import pytest

from hilt.data.codec import Encoder
from hilt.transport import LearnerClient, Limits, handshake
from hilt.transport.hilt_pb2 import FromActor, Report
from hilt.transport.messages import max_message_bytes
from tests.transport.strangers import call, message, visit
from tests.transport.transport_tools import SCHEMA, SPEC, Connect, Learn, Learner, episode, ids
from tests.waiting import until


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def bombard(learner: Learner, actor: LearnerClient, count: int) -> None:
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
    until(lambda: [info.actor_id for info in learner.server.actors] == ["actor"], "strangers have gone")
    until(lambda: threading.active_count() < 40, "their threads have ended")
    stored = sum(len(t.observation) for t in learner.transitions) * 2_000
    assert resident_bytes() - before < 60 * 2**20 + stored


def test_random_and_mutated_messages(learn: Learn, connect: Connect) -> None:
    learner = learn(limits=Limits(gone_after_s=0.3))
    bombard(learner, connect(learner.address), 300)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_random_and_mutated_messages(learn: Learn, connect: Connect) -> None:
    learner = learn(limits=Limits(gone_after_s=0.3))
    bombard(learner, connect(learner.address), 10_000)


def test_a_message_that_is_too_large_ends_the_call(learn: Learn) -> None:
    learner = learn()
    _, code = call(learner.address, [bytes(max_message_bytes(SCHEMA) + 1)], linger_s=1.0)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert learner.transitions == []


def test_whoever_sends_too_much_that_is_refused_is_dropped(learn: Learn) -> None:
    learner = learn(limits=Limits(max_refused=10))
    bad = message(length=12)
    for step in bad.steps:
        step.reward = float("nan")
    answers, code = call(learner.address, [bad.SerializeToString()], linger_s=1.0)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert learner.transitions == []
    assert all(answer.status.refused <= 12 for answer in answers)


def test_a_step_that_is_refused_does_not_take_others_with_it(learn: Learn) -> None:
    learner = learn()
    text = message(length=5)
    text.steps[4].reward = float("nan")
    answers, _ = call(learner.address, [text.SerializeToString()], linger_s=0.3)
    assert len(learner.transitions) == 4
    assert (answers[-1].status.acknowledged, answers[-1].status.refused) == (5, 1)
    assert "reward nan" in answers[-1].status.refused_because


def test_a_gap_in_the_numbers_ends_the_call(learn: Learn) -> None:
    learner = learn()
    texts = [message(1, 3), message(9, 3)]
    _, code = call(learner.address, [text.SerializeToString() for text in texts], linger_s=1.0)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(learner.transitions) == 3


def test_whoever_says_nothing_is_dropped(learn: Learn) -> None:
    learner = learn(limits=Limits(silence_s=0.2, gone_after_s=0.1))
    answers, code = call(learner.address, [], linger_s=5.0)
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(answers) >= 1
    until(lambda: not learner.server.actors, "the stranger is given up")


def test_a_call_that_ends_without_a_goodbye_was_cut(learn: Learn) -> None:
    learner = learn(limits=Limits(gone_after_s=60))
    steps = [Encoder().encode(step) for step in episode(1, 3, open_end=True)]
    said = handshake.metadata(SPEC, "actor", 1, None)
    call(
        learner.address,
        [FromActor(first=1, steps=steps[:1]).SerializeToString()],
        said=said,
        linger_s=0.3,
        goodbye=False,
    )
    assert learner.interrupted == []
    call(learner.address, [], said=said)
    until(lambda: learner.interrupted == [("actor", 1)], "the actor has left")


def test_other_services_and_methods_are_not_there(learn: Learn) -> None:
    learner = learn()
    with grpc.insecure_channel(learner.address) as channel:
        for method in ("/hilt.Learner/Other", "/grpc.reflection.v1.ServerReflection/Info", "/x"):
            with pytest.raises(grpc.RpcError) as refusal:
                channel.unary_unary(method)(b"", timeout=10)
            assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_strangers_without_the_token_are_not_listened_to(learn: Learn) -> None:
    learner = learn(token="secret")
    good = [message().SerializeToString()]
    _, code = call(learner.address, good)
    assert code is grpc.StatusCode.UNAUTHENTICATED
    hello, *_ = handshake.metadata(SPEC, "stranger", 1, None)
    for token in ("Bearer", "Bearer ", "Bearer secre", "secret", "Bearer secret "):
        _, code = call(learner.address, good, said=(hello, (handshake.TOKEN_KEY, token)))
        assert code is grpc.StatusCode.UNAUTHENTICATED
    assert learner.transitions == []


def test_a_report_that_is_too_large_is_dropped(learn: Learn) -> None:
    learner = learn()
    reports = [Report(numbers={"a": 1.0}), Report(texts={"b": "x" * 20_000}), Report(numbers={"c": 3.0})]
    call(learner.address, [FromActor(first_report=1, reports=reports).SerializeToString()], linger_s=0.3)
    assert [record for _, record in learner.server.reports()] == [{"a": 1.0}, {"c": 3.0}]


def test_names_that_no_terminal_should_see_are_refused(learn: Learn) -> None:
    learner = learn()
    described = json.dumps(SPEC.to_json())
    hello = handshake.Hello(protocol=handshake.PROTOCOL, actor_id="\x1b[2J", stream=1, spec=described)
    _, code = call(learner.address, [], said=((handshake.HELLO_KEY, hello.SerializeToString()),))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
