"""Transitions, reports and directives between an actor and a learner that are both well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilt.data.transition import Feature, Schema, SchemaError
from hilt.transport import Directive, Limits
from hilt.transport.handshake import is_local
from hilt.transport.messages import PolicyTest
from tests.transport.transport_tools import Connect, Learn, MakeRelay, assert_same, episode, ids
from tests.waiting import until

PIXELS = Schema(
    {
        "observation.state": Feature((18,)),
        "observation.images.front": Feature((3, 128, 128), "uint8"),
        "observation.images.wrist": Feature((3, 128, 128), "uint8"),
    },
    Feature((4,)),
)


def test_what_is_sent_arrives_once_in_order_and_unchanged(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    sent = [*episode(1, 40), *episode(2**62, 3), *episode(3, 7, open_end=True), *episode(4, 1)]
    for transition in sent:
        actor.send(transition)
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(sent)
    for received, original in zip(learner.transitions, sent, strict=True):
        assert_same(received, original)


def test_a_gap_in_an_episode_is_not_bridged(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    sent = [*episode(1, 4, open_end=True), *episode(1, 9, start=6)]
    for transition in sent:
        actor.send(transition)
    assert actor.drain(30) == 0
    for received, original in zip(learner.transitions, sent, strict=True):
        assert_same(received, original)


def test_transitions_are_acknowledged_only_when_the_learner_has_stored_them(
    learn: Learn, connect: Connect
) -> None:
    learner = learn()
    actor = connect(learner.address)
    learner.full_disk = True
    for transition in episode(1, 5):
        actor.send(transition)
    until(lambda: "cannot write its log" in actor.waiting_for, "the actor says what is wrong")
    assert actor.pending == 5
    assert not learner.transitions
    learner.full_disk = False
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 5))


def test_an_actor_on_this_machine_takes_a_core_unless_it_keeps_real_time(
    learn: Learn, connect: Connect
) -> None:
    learner = learn()
    assert learner.server.local_actors == 0
    actor, _ = connect(learner.address), connect(learner.address, actor_id="other")
    until(lambda: learner.server.local_actors == 2, "both are noticed")
    actor.real_time = True
    actor.send(episode(1, 1)[0])
    until(lambda: learner.server.local_actors == 1, "somebody is at the controls of one")


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv4:10.0.0.7:5000", False),
        ("ipv6:%5Bfe80::1%5D:5000", False),
        ("", False),
    ],
)
def test_who_is_on_this_machine(peer: str, here: bool) -> None:
    assert is_local(peer) is here


@pytest.mark.parametrize("actors", [2, 5])
def test_many_actors(learn: Learn, connect: Connect, actors: int) -> None:
    learner = learn(limits=Limits(max_actors=actors))
    clients = [connect(learner.address, actor_id=f"actor-{number}") for number in range(actors)]
    for step in range(30):
        for number, client in enumerate(clients):
            client.send(episode(number + 1, step + 1, start=step, open_end=step < 29)[0])
    assert all(client.drain(30) == 0 for client in clients)
    for number in range(actors):
        assert ids(learner.by_actor[f"actor-{number}"]) == ids(episode(number + 1, 30))
    assert {info.actor_id: info.transitions for info in learner.server.actors} == {
        f"actor-{number}": 30 for number in range(actors)
    }


def test_what_the_log_holds_already_is_dropped(learn: Learn, connect: Connect) -> None:
    learner = learn()
    learner.held.update(ids(episode(1, 6)))
    actor = connect(learner.address)
    for transition in episode(1, 10):
        actor.send(transition)
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 10, start=6))
    assert_same(learner.transitions[0], episode(1, 10, start=6)[0])


def test_what_breaks_the_schema_is_refused_at_once(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    good = episode(1, 2)
    bad_numbers = replace(good[0], reward=float("nan"))
    bad_shape = replace(good[0], action=np.zeros(3, np.float32))
    for bad in (bad_numbers, bad_shape):
        with pytest.raises(SchemaError):
            actor.send(bad)
    for transition in good:
        actor.send(transition)
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(good)


def test_sending_does_not_wait_for_a_learner_that_is_busy(learn: Learn, connect: Connect) -> None:
    learner = learn()
    learner.may_store.clear()
    actor = connect(learner.address)
    for transition in episode(1, 300):
        actor.send(transition)
    assert actor.pending == 300
    learner.may_store.set()
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 300))


def test_an_episode_that_will_not_go_on_is_told(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    for transition in [*episode(1, 3, open_end=True), *episode(2, 3), *episode(3, 2, open_end=True)]:
        actor.send(transition)
    assert actor.drain(30) == 0
    assert learner.interrupted == [("actor", 1)]
    actor.close()
    until(lambda: len(learner.interrupted) == 2, "the actor's leaving is told")
    assert learner.interrupted[1] == ("actor", 3)
    assert not learner.server.actors


def test_directives_reach_all_actors_and_those_who_come_later(learn: Learn, connect: Connect) -> None:
    learner = learn()
    early = connect(learner.address)
    until(lambda: early.connected, "connection")
    assert early.directive == Directive()
    word = Directive(
        *("online", True, "nothing", True),
        test=PolicyTest(version=2**60 + 1, target=0.95, episodes=200, number=3),
        figures={"updates per second": 31.5},
    )
    learner.server.direct(word)
    late = connect(learner.address, actor_id="late")
    until(lambda: early.directive == word == late.directive, "the directive arrives")


def test_reports_arrive_in_order(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    records = [{"Episodic reward": float(number), "task": "PickCube"} for number in range(150)]
    for record in records:
        actor.report(record)
    arrived = []
    until(lambda: arrived.extend(learner.server.reports()) or len(arrived) >= 150, "all reports")
    assert arrived == [("actor", record) for record in records]


def test_wire_bytes_per_transition_with_two_cameras(learn: Learn, connect: Connect, relay: MakeRelay) -> None:
    learner = learn(PIXELS)
    between = relay(learner.server)
    actor = connect(between.address, PIXELS)
    for transition in episode(1, 60, schema=PIXELS):
        actor.send(transition)
    assert actor.drain(30) == 0
    assert (between.bytes_up + between.bytes_down) / 60 <= 105_000
    assert between.connections == 1
    assert_same(learner.transitions[-1], episode(1, 60, schema=PIXELS)[-1])


def test_nobody_there(connect: Connect) -> None:
    actor = connect("127.0.0.1:9")
    actor.send(episode(1, 1)[0])
    until(lambda: "not reachable; trying again in" in actor.waiting_for, "the actor says so")
    assert actor.waiting_for.startswith("learner at 127.0.0.1:9 (")
    assert actor.wait_for_weights(0.01) is None
    assert actor.drain(0.01) == 1


def test_what_is_too_large_for_a_report_is_said_at_once(connect: Connect) -> None:
    actor = connect("127.0.0.1:9")
    with pytest.raises(ValueError, match="at most 16384"):
        actor.report({"log": "x" * 20_000})


def test_after_a_stop_nothing_is_stored(learn: Learn, connect: Connect) -> None:
    learner = learn()
    actor = connect(learner.address)
    for transition in episode(1, 5, open_end=True):
        actor.send(transition)
    assert actor.drain(30) == 0
    learner.server.stop()
    actor.send(episode(1, 6, start=5)[0])
    until(lambda: "trying again" in actor.waiting_for, "the actor notices")
    actor.close()
    assert actor.pending == 1
    assert len(learner.transitions) == 5
    assert learner.interrupted == []
