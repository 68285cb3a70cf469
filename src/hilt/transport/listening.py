"""A port on which a learner listens: which addresses it may be open to, and limits of a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc

from hilt.transport import hilt_pb2 as pb
from hilt.transport.handshake import check_bind, server_credentials, server_options
from hilt.transport.messages import METHOD

Serve = Callable[[Iterator[bytes], grpc.ServicerContext], Iterator[pb.FromLearner]]
"""Answers one call, in a thread of its own."""


@dataclass(frozen=True, slots=True)
class Security:
    """Who may talk to a learner, and whether others can listen."""

    token: str | None = None
    """What actors have to know."""
    tls: tuple[Path, Path] | None = None
    """A certificate and its key, PEM files."""
    allow_insecure: bool = False
    """Listen beyond loopback without the two."""

    def check(self, bind: str) -> None:
        """Raises ValueError when `bind` would leave the learner open to strangers."""
        is_open = self.allow_insecure
        check_bind(bind, token=bool(self.token), tls=self.tls is not None, allow_insecure=is_open)


LOOPBACK_ONLY = Security()


def start_server(
    bind: str, security: Security, serve: Serve, *, calls: int, max_message: int
) -> tuple[grpc.Server, int]:
    """A server that listens, and its port. Raises OSError when address or TLS files cannot be used."""
    pool = ThreadPoolExecutor(calls, thread_name_prefix="hilt-actor")
    server = grpc.server(pool, options=server_options(max_message), maximum_concurrent_rpcs=calls)
    handler = grpc.stream_stream_rpc_method_handler(
        serve, response_serializer=pb.FromLearner.SerializeToString
    )
    service, method = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    try:
        port = _add_port(server, bind, security)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {bind}: is another learner running there?") from error
    server.start()
    return server, port


def _add_port(server: grpc.Server, bind: str, security: Security) -> int:
    if security.tls is None:
        return int(server.add_insecure_port(bind))
    return int(server.add_secure_port(bind, server_credentials(*security.tls)))
