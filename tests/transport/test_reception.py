"""A learner without an environment hears from its first actor what it is like, and from nobody else."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import grpc
import pytest

from hilt.data.env_spec import EnvSpec
from hilt.transport import handshake
from hilt.transport.listening import Security
from hilt.transport.reception import receive_spec
from tests.transport.strangers import call
from tests.transport.transport_tools import SPEC, Connect, Learn, episode, free_port, ids


class Reception(threading.Thread):
    """`receive_spec` in a thread."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__(daemon=True)
        self.port, self.token = free_port(), token
        self.spec: EnvSpec | None = None
        self.stopped = threading.Event()
        self.start()
        while not self._listens():
            time.sleep(0.01)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def run(self) -> None:
        self.spec = receive_spec(self.address, self.stopped.is_set, Security(self.token))

    def _listens(self) -> bool:
        with grpc.insecure_channel(self.address) as channel:
            try:
                grpc.channel_ready_future(channel).result(0.5)
            except grpc.FutureTimeoutError:
                return False
        return True


def test_the_first_actor_describes_the_environment_and_is_taken_afterwards(
    learn: Learn, connect: Connect
) -> None:
    reception = Reception(token="secret")
    actor = connect(reception.address, token="secret")
    for transition in episode(1, 3):
        actor.send(transition)
    reception.join(30)
    assert reception.spec == SPEC
    learner = learn(bind=reception.address, token="secret")
    assert actor.drain(30) == 0
    assert ids(learner.transitions) == ids(episode(1, 3))


def test_strangers_and_nonsense_describe_nothing() -> None:
    reception = Reception(token="secret")
    good = handshake.metadata(SPEC, "actor", 1, "secret")
    described = handshake.Hello.FromString(good[0][1])
    refused = {"token": handshake.metadata(SPEC, "actor", 1, "guess"), "nobody": ()}
    for name, spec in {"json": "{", "pickle": "\x80\x04.", "empty": "", "other": '{"schema": {}}'}.items():
        hello = handshake.Hello(protocol=described.protocol, actor_id="actor", stream=1, spec=spec)
        refused[name] = ((handshake.HELLO_KEY, hello.SerializeToString()), good[1])
    for name, said in refused.items():
        _, code = call(reception.address, [], said=said or (("x", "y"),))
        assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT), name
    assert reception.is_alive()
    reception.stopped.set()
    reception.join(10)
    assert reception.spec is None


def test_an_open_port_is_refused() -> None:
    with pytest.raises(ValueError, match="a token and a TLS certificate"):
        receive_spec("0.0.0.0:0", lambda: True)


def test_actors_of_another_environment_are_refused(learn: Learn, connect: Connect) -> None:
    learner = learn()
    good = handshake.metadata(replace(SPEC, fps=20.0), "actor", 1, None)
    _, code = call(learner.address, [], said=good)
    assert code is grpc.StatusCode.FAILED_PRECONDITION
