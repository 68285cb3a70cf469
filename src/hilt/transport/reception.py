"""Where a learner that does not know its environment yet hears of it: from the first actor that calls."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import grpc

from hilt.data.env_spec import EnvSpec
from hilt.transport import hilt_pb2 as pb
from hilt.transport.handshake import RefusalError, check_hello
from hilt.transport.listening import LOOPBACK_ONLY, Security, start_server

CALLS = 8
MAX_MESSAGE_BYTES = 2**16
_POLL_S = 0.1


def receive_spec(
    bind: str,
    should_stop: Callable[[], bool],
    security: Security = LOOPBACK_ONLY,
    on_listening: Callable[[], None] = lambda: None,
) -> EnvSpec | None:
    """The environment of the first actor that may take part; it is told to call again. None: `should_stop()`.

    `on_listening` is called when actors can be heard.

    Raises:
        ValueError: `bind` would leave the learner open to strangers.
        OSError: the address is taken, or a TLS file cannot be read.
    """
    security.check(bind)
    specs: queue.SimpleQueue[EnvSpec] = queue.SimpleQueue()

    def serve(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[pb.FromLearner]:
        try:
            introduction = check_hello(context.invocation_metadata(), security.token)
        except RefusalError as refusal:
            context.abort(refusal.code, str(refusal))
        specs.put(introduction.spec)
        context.abort(grpc.StatusCode.UNAVAILABLE, "it prepares for this environment")
        yield from ()

    server, _ = start_server(bind, security, serve, calls=CALLS, max_message=MAX_MESSAGE_BYTES)
    try:
        on_listening()
        while not should_stop():
            try:
                return specs.get(timeout=_POLL_S)
            except queue.Empty:
                continue
        return None
    finally:
        server.stop(1.0).wait()
