from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hilt.data.transition import Schema
from hilt.transport import LearnerClient, TransitionServer
from tests.transport.transport_tools import SCHEMA, Connect, Learn, Learner, MakeRelay, Relay, spec_of


@pytest.fixture
def learn() -> Iterator[Learn]:
    learners: list[Learner] = []

    def start(schema: Schema = SCHEMA, **options: Any) -> Learner:
        learners.append(Learner(schema, **options))
        return learners[-1]

    yield start
    for learner in learners:
        learner.server.stop(0.2)


@pytest.fixture
def connect() -> Iterator[Connect]:
    clients: list[LearnerClient] = []

    def start(address: str, schema: Schema = SCHEMA, **options: Any) -> LearnerClient:
        clients.append(LearnerClient(address, spec_of(schema), **{"actor_id": "actor", **options}))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def relay() -> Iterator[MakeRelay]:
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
