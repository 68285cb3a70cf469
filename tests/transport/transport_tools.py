"""Transitions that say who they are, a TCP relay that fails on demand, a learner that only keeps count."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from hilt.data.env_spec import EnvSpec
from hilt.data.transition import Controller, Feature, Observation, Schema, Transition
from hilt.transport import LearnerClient, TransitionServer
from hilt.transport.listening import Security

STATE, IMAGE = "observation.state", "observation.images.front"
SCHEMA = Schema({STATE: Feature((3,)), IMAGE: Feature((3, 8, 8), "uint8")}, Feature((4,)))


def spec_of(schema: Schema) -> EnvSpec:
    """An environment of that schema."""
    size = schema.action_dim
    return EnvSpec(schema, (-1.0,) * size, (1.0,) * size, (0.0,) * size, fps=10.0)


SPEC = spec_of(SCHEMA)


def observation(episode_id: int, step: int, schema: Schema = SCHEMA) -> Observation:
    """Noise that is the same for the same frame of the same episode."""
    rng = np.random.default_rng([episode_id, step])
    return {
        name: rng.integers(256, size=feature.shape).astype(feature.dtype)
        for name, feature in schema.observation.items()
    }


def episode(
    episode_id: int, length: int, *, start: int = 0, open_end: bool = False, schema: Schema = SCHEMA
) -> list[Transition]:
    """Steps `start` to `length` - 1; the last is terminal unless `open_end`."""
    return [
        Transition(
            observation=observation(episode_id, step, schema),
            action=np.full(schema.action.shape, step, np.float32),
            policy_action=np.full(schema.action.shape, -step, np.float32),
            controller=Controller(step % 2),
            reward=float(step),
            terminated=step == length - 1 and not open_end,
            truncated=False,
            next_observation=observation(episode_id, step + 1, schema),
            discrete_penalty=-0.5,
            episode_id=episode_id,
            step=step,
            is_success=step == length - 1,
        )
        for step in range(start, length)
    ]


def ids(transitions: list[Transition]) -> list[tuple[int, int]]:
    return [(transition.episode_id, transition.step) for transition in transitions]


def assert_same(received: Transition, sent: Transition) -> None:
    for name in sent.observation:
        np.testing.assert_array_equal(received.observation[name], sent.observation[name])
        np.testing.assert_array_equal(received.next_observation[name], sent.next_observation[name])
    np.testing.assert_array_equal(received.action, sent.action)
    np.testing.assert_array_equal(received.policy_action, sent.policy_action)
    assert (received.controller, received.reward) == (sent.controller, sent.reward)
    assert (received.terminated, received.truncated) == (sent.terminated, sent.truncated)
    assert (received.discrete_penalty, received.is_success) == (sent.discrete_penalty, sent.is_success)
    assert (received.episode_id, received.step) == (sent.episode_id, sent.step)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Relay:
    """Forwards TCP connections to a port of this machine; delays, stalls, slows and cuts what passes."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.bytes_per_s = float("inf")
        self.flows = threading.Event()
        """Cleared, nothing passes any more, and nobody is told."""
        self.flows.set()
        self.connections = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.cut_after: int | None = None
        """Bytes, of both directions together, after which every connection is cut, once."""
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Ends every connection in the middle of whatever it carries."""
        for end in list(self._sockets):
            self._drop(end)

    def close(self) -> None:
        self._drop(self._listener)
        self.flows.set()
        self.cut()

    def _drop(self, end: socket.socket) -> None:
        self._sockets.discard(end)
        with suppress(OSError):  # it may be gone already
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def _accept(self) -> None:
        while True:
            try:
                actor, _ = self._listener.accept()
                learner = socket.create_connection(("127.0.0.1", self.target))
            except ConnectionRefusedError:
                actor.close()
                continue
            except OSError:
                return
            self.connections += 1
            self._sockets |= {actor, learner}
            threading.Thread(target=self._forward, args=(actor, learner, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(learner, actor, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        try:
            while data := source.recv(65536):
                self.flows.wait()
                time.sleep(self.delay_s + len(data) / self.bytes_per_s)
                target.sendall(self._count(data, up))
        except OSError:
            pass  # cut
        self._drop(source)
        self._drop(target)

    def _count(self, data: bytes, up: bool) -> bytes:
        if self.cut_after is not None:
            self.cut_after -= len(data)
            if self.cut_after < 0:
                self.cut_after = None
                self.cut()
                raise ConnectionResetError
        self.bytes_up += len(data) if up else 0
        self.bytes_down += 0 if up else len(data)
        return data


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


Learn = Callable[..., Learner]
"""Starts a learner: its schema, and the options of `TransitionServer`."""
Connect = Callable[..., LearnerClient]
"""Connects an actor: the learner's address, its schema, and the options of `LearnerClient`."""
MakeRelay = Callable[[TransitionServer], Relay]
"""Puts a relay in front of a server."""
