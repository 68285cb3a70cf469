"""Bytes, transitions and weights between a learner and an actor: two processes on this machine."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from hilt.data.env_spec import EnvSpec
from hilt.data.transition import IMAGES, STATE, Controller, Feature, Observation, Schema, Transition
from hilt.transport import LearnerClient, TransitionServer, Weights
from hilt.transport.client import Room

TARGETS = {"wire_bytes_per_transition": 105_000, "weights_latency_ms": 200.0}
"""At most so many."""
PIXELS = Schema(
    {
        STATE: Feature((18,)),
        f"{IMAGES}.front": Feature((3, 128, 128), "uint8"),
        f"{IMAGES}.wrist": Feature((3, 128, 128), "uint8"),
    },
    Feature((4,)),
)
SPEC = EnvSpec(PIXELS, (-1.0,) * 4, (1.0,) * 4, (0.0,) * 4, fps=10.0)
POLICY_BYTES = 5 * 2**20


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """All figures of the transport; two 128x128 cameras, a policy of 5 MB."""
    return {
        "wire_bytes_per_transition": measure_wire_bytes(200),
        "transitions_per_second": measure_transitions(max(10, round(400 * seconds))),
        "weights_latency_ms": measure_weights(max(5, round(8 * seconds)), busy=False),
        "weights_latency_ms_beside_training": measure_weights(max(5, round(8 * seconds)), busy=True),
        "target_at_most": TARGETS,
    }


def measure_wire_bytes(transitions: int) -> float:
    """TCP payload per transition, both directions, handshake and acknowledgements included."""
    with _learner() as server, closing(_Meter(server.port)) as meter:
        with _actor(_send, meter.address, transitions) as answer:
            answer.recv()
        return meter.nbytes / transitions


def measure_transitions(transitions: int) -> float:
    """Transitions/s from the first `send` to the last acknowledgement; the log is not part of it."""
    with _learner() as server, _actor(_send, server.address, transitions) as answer:
        return transitions / float(answer.recv())


def measure_weights(publications: int, busy: bool) -> float:
    """Median milliseconds from `publish` to the actor holding the tensors; `busy`: torch works meanwhile."""
    tensors = {"weight": torch.zeros(POLICY_BYTES // 4)}
    with _learner() as server, _actor(_receive, server.address, publications) as answer:
        for version in range(10**9):
            server.publish(Weights(version + 1, tensors, {"published": time.monotonic()}))
            if _work(0.1, answer) if busy else answer.poll(0.1):
                break
        ages: list[float] = answer.recv()
    return 1000 * statistics.median(ages)


def _work(seconds: float, answer: Connection) -> bool:
    """Matrix products, as in training, for a while; whether the answer has come."""
    end = time.monotonic() + seconds
    matrix = torch.rand(256, 256)
    while time.monotonic() < end:
        matrix = torch.tanh(matrix @ matrix)
    return answer.poll()


# -- the actor's process


def _send(address: str, transitions: int, answer: Connection) -> None:
    """Answers with the seconds that sending took."""
    episode = list(_episode(transitions))
    with LearnerClient(address, SPEC, actor_id="benchmark", room=Room(memory_bytes=2**40)) as client:
        while not client.connected:
            time.sleep(0.01)
        start = time.monotonic()
        for transition in episode:
            client.send(transition)
        left = client.drain(300)
        answer.send(float("nan") if left else time.monotonic() - start)


def _receive(address: str, publications: int, answer: Connection) -> None:
    """Answers with the seconds that each publication was on its way."""
    ages: list[float] = []
    with LearnerClient(address, SPEC, actor_id="benchmark") as client:
        while len(ages) < publications:
            weights = client.wait_for_weights()
            if weights is not None:
                ages.append(time.monotonic() - weights.config["published"])
    answer.send(ages[1:])  # the first waited for the actor to come


@contextmanager
def _actor(program: Callable[[str, int, Connection], None], address: str, count: int) -> Iterator[Connection]:
    """`program` in a process of its own; yields where it answers."""
    processes = multiprocessing.get_context("spawn")
    here, there = processes.Pipe()
    process = processes.Process(target=program, args=(address, count, there))
    process.start()
    try:
        yield here
        process.join(10)
    finally:
        process.kill()


def _learner() -> TransitionServer:
    return TransitionServer("127.0.0.1:0", SPEC, lambda _actor_id, _transitions: None)


class _Meter:
    """Forwards one TCP connection and counts its bytes."""

    def __init__(self, port: int) -> None:
        self.nbytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, args=(port,), daemon=True).start()

    def _accept(self, port: int) -> None:
        actor, _ = self._listener.accept()
        learner = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=self._forward, args=(actor, learner), daemon=True).start()
        self._forward(learner, actor)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with source, target, suppress(OSError):  # one side closes both
            while data := source.recv(2**16):
                self.nbytes += len(data)
                target.sendall(data)

    def close(self) -> None:
        self._listener.close()


def _observation(random: np.random.Generator) -> Observation:
    return {
        name: random.integers(256, size=feature.shape).astype(feature.dtype)
        for name, feature in PIXELS.observation.items()
    }


def _episode(length: int) -> Iterator[Transition]:
    random = np.random.default_rng(0)
    action = np.zeros(PIXELS.action.shape, np.float32)
    frames = [_observation(random) for _ in range(50)]
    for step in range(length):
        yield Transition(
            observation=frames[step % 50],
            action=action,
            policy_action=action,
            controller=Controller.POLICY,
            reward=0.0,
            terminated=step == length - 1,
            truncated=False,
            next_observation=frames[(step + 1) % 50],
            discrete_penalty=0.0,
            episode_id=1,
            step=step,
        )
