"""Connections that break, and processes that are killed: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

from hilt.data.episode_log import read_log
from hilt.transport import Directive, Limits, Weights
from hilt.transport.client import Room
from tests.transport.transport_processes import EPISODE_LENGTH, actor, learner
from tests.transport.transport_tools import Connect, Learn, MakeRelay, Relay, episode, free_port, ids
from tests.waiting import until

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["hilt.transport", "hilt.data.episode_log"])


@pytest.fixture
def run() -> Iterator[Callable[..., BaseProcess]]:
    processes: list[BaseProcess] = []

    def start(program: Callable[..., None], *arguments: object) -> BaseProcess:
        ready = PROCESSES.Event()
        processes.append(PROCESSES.Process(target=program, args=(ready, *arguments)))
        processes[-1].start()
        assert ready.wait(60)
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.join()


def logged(folder: Path) -> list[tuple[int, int]]:
    return ids([transition for transition, _ in read_log(folder)])


def shake(relay: Relay, seconds: float, seed: int) -> None:
    """Cuts connections at random places, in the middle of messages too, on a link that varies."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        relay.delay_s = chance.choice([0.0, 0.0, 0.005, 0.02])
        relay.cut_after = chance.randrange(200, 60_000)
        time.sleep(chance.uniform(0.02, 0.3))
    relay.cut_after, relay.delay_s = None, 0.0


def test_a_link_that_breaks_all_the_time(
    learn: Learn, connect: Connect, relay: MakeRelay, spool: Path
) -> None:
    learner = learn(limits=Limits(gone_after_s=60))
    between = relay(learner.server)
    actor = connect(between.address, spool=spool, room=Room(memory_bytes=1))
    sent = [step for number in range(1, 11) for step in episode(number, 40)]
    for number, transition in enumerate(sent):
        actor.send(transition)
        actor.report({"number": number})
    learner.server.publish(Weights(1, {"weight": torch.ones(500_000)}))
    shake(between, 3.0, seed=1)
    assert actor.drain(60) == 0
    assert ids(learner.transitions) == ids(sent)
    reports = [record["number"] for _, record in learner.server.reports()]
    assert reports == list(range(400))
    assert learner.interrupted == []
    weights = actor.wait_for_weights(30)
    assert weights is not None
    assert torch.equal(weights.tensors["weight"], torch.ones(500_000))


def test_a_slow_link(learn: Learn, connect: Connect, relay: MakeRelay) -> None:
    learner = learn()
    between = relay(learner.server)
    between.delay_s = 0.05
    actor = connect(between.address)
    sent = episode(1, 100)
    for transition in sent:
        actor.send(transition)
    assert actor.drain(60) == 0
    assert ids(learner.transitions) == ids(sent)


def test_a_call_that_is_opened_again_goes_on_where_it_was(
    learn: Learn, connect: Connect, relay: MakeRelay
) -> None:
    learner = learn()
    between = relay(learner.server)
    actor = connect(between.address)
    for step in range(30):
        actor.send(episode(1, 30, start=step)[0])
        if step % 10 == 5:
            assert actor.drain(30) == 0
            between.cut()
    learner.server.direct(Directive("online"))
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 30))
    until(lambda: actor.directive.phase == "online", "the newest directive")
    assert len(learner.server.actors) == 1


def test_an_actor_that_was_cut_off_is_given_up_after_a_while(
    learn: Learn, connect: Connect, relay: MakeRelay
) -> None:
    learner = learn(limits=Limits(gone_after_s=0.5))
    between = relay(learner.server)
    actor = connect(between.address)
    for transition in episode(1, 5, open_end=True):
        actor.send(transition)
    assert actor.drain(30) == 0
    between.close()
    until(lambda: learner.interrupted == [("actor", 1)], "the episode is told to be over")
    assert learner.server.actors == []


def test_the_learner_is_killed_and_comes_back(
    run: Callable[..., BaseProcess], connect: Connect, tmp_path: Path
) -> None:
    port, folder = free_port(), tmp_path / "log"
    client = connect(f"127.0.0.1:{port}")
    sent = [step for number in range(1, 7) for step in episode(number, 50)]
    for transition in sent[:50]:
        client.send(transition)
    for part in (sent[50:150], sent[150:]):
        process = run(learner, port, folder)
        until(lambda: client.directive.figures.get("process") == process.pid, "the new learner's word")  # noqa: B023
        assert client.wait_for_weights(30) is not None
        for number, transition in enumerate(part):
            client.send(transition)
            if number == 70:
                process.kill()
                process.join()
        assert client.pending
        assert len(set(logged(folder))) == len(logged(folder))
    run(learner, port, folder)
    assert client.drain(60) == 0
    assert logged(folder) == ids(sent)


def test_actors_are_killed(run: Callable[..., BaseProcess], learn: Learn, spool: Path) -> None:
    """What was acknowledged is in the log; the next process brings what the dead one had on disk."""
    trainer = learn(limits=Limits(gone_after_s=0.5))
    port = trainer.server.port
    trainer.may_store.clear()
    killed = run(actor, port, 1000, spool)
    other = run(actor, port, 5)
    until(lambda: sum(path.stat().st_size for path in spool.glob("*")) > 20_000, "transitions on disk")
    killed.kill()
    killed.join()
    trainer.may_store.set()
    heir = run(actor, port, 2, spool)
    heir.join(60)
    other.join(60)
    assert heir.exitcode == other.exitcode == 0
    received = ids(trainer.transitions)
    assert len(set(received)) == len(received)
    assert len([name for name, _ in received if name // 1000 == killed.pid]) > 20
    for process, episodes in ((heir, 2), (other, 5)):
        first = process.pid * 1000
        expected = [(first + number, step) for number in range(episodes) for step in range(EPISODE_LENGTH)]
        assert ids(trainer.by_actor[f"actor-{process.pid}"])[-len(expected) :] == expected
    assert list(spool.iterdir()) == []


def test_the_episode_of_a_killed_actor_is_told(run: Callable[..., BaseProcess], learn: Learn) -> None:
    trainer = learn(limits=Limits(gone_after_s=0.3))
    killed = run(actor, trainer.server.port, 1000)
    until(lambda: len(trainer.transitions) > 3, "transitions")
    killed.kill()
    killed.join()
    until(lambda: not trainer.server.actors, "the actor is given up")
    last = trainer.transitions[-1]
    open_episode = [] if last.done else [(f"actor-{killed.pid}", last.episode_id)]
    assert trainer.interrupted == open_episode
