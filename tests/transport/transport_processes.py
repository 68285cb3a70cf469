"""A learner and an actor as processes of their own, to be killed. Each sets `ready` when it has begun."""

from __future__ import annotations

import os
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from hilt.data.episode_log import EpisodeLog
from hilt.data.transition import Transition
from hilt.transport import Directive, LearnerClient, TransitionServer, Weights
from hilt.transport.client import Room
from tests.transport.transport_tools import SCHEMA, SPEC, episode, ids

EPISODE_LENGTH = 20


def learner(ready: Event, port: int, folder: Path) -> None:
    """Logs what comes in, and publishes weights."""
    log = EpisodeLog(folder, SCHEMA)
    held = set(ids([transition for transition, _ in log.read()]))

    def store(_actor_id: str, transitions: list[Transition]) -> None:
        log.append(transitions)
        held.update(ids(transitions))

    server = TransitionServer(
        f"127.0.0.1:{port}", SPEC, store, seen=lambda episode_id, step: (episode_id, step) in held
    )
    with server:
        ready.set()
        version = len(held)
        while True:
            version += 1
            server.publish(Weights(version, {"weight": torch.full((100_000,), float(version))}))
            server.direct(Directive("online", figures={"process": os.getpid()}))
            time.sleep(0.05)


def actor(ready: Event, port: int, episodes: int, spool: Path | None = None) -> None:
    """Sends episodes that are numbered from its process id."""
    address, name = f"127.0.0.1:{port}", f"actor-{os.getpid()}"
    memory_bytes = 2**20 if spool is None else 1
    with LearnerClient(address, SPEC, actor_id=name, spool=spool, room=Room(memory_bytes)) as client:
        ready.set()
        for number in range(episodes):
            for transition in episode(os.getpid() * 1000 + number, EPISODE_LENGTH):
                client.send(transition)
                time.sleep(0.002)
        assert client.drain(60) == 0
