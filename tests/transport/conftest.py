from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hilt.data.transition import Schema, Transition
from hilt.transport import LearnerClient, TransitionServer
from hilt.transport.listening import Security
from tests.transport.transport_tools import SCHEMA, Relay, ids, spec_of


class Learner:
    """A server, and what it was told."""

    def __init__(self, schema: Schema, **options: Any) -> None:
        self.transitions: list[Transition] = []
        self.by_actor: dict[str, list[Transition]] = {}
        self.interrupted: list[tuple[str, int]] = []
        self.full_disk = False
        self.may_store = threading.Event()
        self.may_store.set()
        self.held: set[tuple[int, int]] = set()
        bind = options.pop("bind", "127.0.0.1:0")
        security = Security(options.pop("token", None), options.pop("tls", None))
        self.server = TransitionServer(
            bind,
            spec_of(schema),
            self._store,
            seen=lambda episode_id, step: (episode_id, step) in self.held,
            on_interrupted=lambda actor_id, episode_id: self.interrupted.append((actor_id, episode_id)),
            security=security,
            **options,
        )
        self.server.start()

    def _store(self, actor_id: str, transitions: list[Transition]) -> None:
        self.may_store.wait(30)
        if self.full_disk:
            raise OSError("No space left on device")
        self.transitions += transitions
        self.held.update(ids(transitions))
        self.by_actor.setdefault(actor_id, []).extend(transitions)

    @property
    def address(self) -> str:
        return self.server.address


@pytest.fixture
def learn() -> Iterator[Callable[..., Learner]]:
    learners: list[Learner] = []

    def start(schema: Schema = SCHEMA, **options: Any) -> Learner:
        learners.append(Learner(schema, **options))
        return learners[-1]

    yield start
    for learner in learners:
        learner.server.stop(0.2)


@pytest.fixture
def connect() -> Iterator[Callable[..., LearnerClient]]:
    clients: list[LearnerClient] = []

    def start(address: str, schema: Schema = SCHEMA, **options: Any) -> LearnerClient:
        clients.append(LearnerClient(address, spec_of(schema), **{"actor_id": "actor", **options}))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def relay() -> Iterator[Callable[[TransitionServer], Relay]]:
    relays: list[Relay] = []

    def start(server: TransitionServer) -> Relay:
        relays.append(Relay(server.port))
        return relays[-1]

    yield start
    for each in relays:
        each.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"
