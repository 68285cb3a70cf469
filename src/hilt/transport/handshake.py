"""Who may connect: addresses, tokens, TLS, and whether both sides mean the same transitions."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError

from hilt.data.env_spec import EnvSpec, EnvSpecError, parse_spec
from hilt.transport.hilt_pb2 import Hello

PROTOCOL = 3
HELLO_KEY = "hilt-hello-bin"
TOKEN_KEY = "authorization"
MAX_METADATA_BYTES = 64 * 1024
MAX_NAME = 64

Metadata = tuple[tuple[str, str | bytes], ...]


class RefusalError(Exception):
    """This actor is not taken. The message is a sentence for its user."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who an actor is, and what its environment is like. All of it has been checked."""

    actor_id: str
    stream: int
    spec: EnvSpec


def metadata(spec: EnvSpec, actor_id: str, stream: int, token: str | None) -> Metadata:
    """What an actor says before its first message. Raises ValueError on a name or token it cannot say."""
    if not 0 < len(actor_id) <= MAX_NAME or not actor_id.isprintable():
        raise ValueError(f"actor id {actor_id!r}: 1 to {MAX_NAME} printable characters")
    described = json.dumps(spec.to_json())
    hello = Hello(protocol=PROTOCOL, actor_id=actor_id, stream=stream, spec=described)
    said: Metadata = ((HELLO_KEY, hello.SerializeToString()),)
    if token is None:
        return said
    if not token.isascii() or not token.isprintable() or token != token.strip() or not token:
        raise ValueError("the token must be printable ASCII characters without a blank at either end")
    return (*said, (TOKEN_KEY, f"Bearer {token}"))


def check_hello(said: Iterable[tuple[str, str | bytes]], token: str | None) -> Introduction:
    """What an actor's metadata say. Raises RefusalError unless it may take part."""
    values = dict(said)
    given = str(values.get(TOKEN_KEY, ""))
    if token is not None and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        reason = "the actor gives no token" if not given else "the actor's token is not the learner's"
        raise RefusalError(grpc.StatusCode.UNAUTHENTICATED, reason)
    hello = _parse_hello(values.get(HELLO_KEY))
    if hello.protocol != PROTOCOL:
        raise RefusalError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"the learner speaks protocol {PROTOCOL}, the actor {hello.protocol}: "
            "install the same hilt on both",
        )
    if not 0 < len(hello.actor_id) <= MAX_NAME or not hello.actor_id.isprintable():
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, f"an actor id has 1 to {MAX_NAME} characters")
    try:
        return Introduction(hello.actor_id, hello.stream, parse_spec(hello.spec))
    except EnvSpecError as error:
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None


def check_same(learner: EnvSpec, actor: EnvSpec) -> None:
    """Raises RefusalError, with what differs, when an actor's environment is not the learner's."""
    if found := learner.difference(actor, here="the learner has", there="the actor"):
        raise RefusalError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"their environments differ: {found} (give both the same configuration)",
        )


def _parse_hello(value: str | bytes | None) -> Hello:
    if not isinstance(value, bytes):
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, "a hilt actor introduces itself")
    try:
        return Hello.FromString(value)
    except DecodeError:
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, "the introduction is not readable") from None


def is_loopback(address: str) -> bool:
    """Whether `host:port` can be reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(peer: str) -> bool:
    """Whether `peer`, as gRPC names it ("ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000"), is on this machine."""
    return is_loopback(unquote(peer.partition(":")[2]))


def check_bind(bind: str, *, token: bool, tls: bool, allow_insecure: bool) -> None:
    """Raises ValueError when `bind` would leave the learner open to strangers."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"address {bind!r}: give HOST:PORT, such as 127.0.0.1:50051")
    if is_loopback(bind) or allow_insecure or (token and tls):
        return
    missing = " and ".join([*([] if token else ["a token"]), *([] if tls else ["a TLS certificate"])])
    raise ValueError(
        f"{bind} can be reached from other machines: give {missing}, bind to 127.0.0.1, "
        "or say explicitly that an open port is meant"
    )


def server_credentials(certificate: Path, key: Path) -> grpc.ServerCredentials:
    """PEM files. Raises OSError when one cannot be read."""
    return grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])


def open_channel(address: str, tls_ca: Path | None, max_message: int) -> grpc.Channel:
    """A fresh connection: it shares no back-off with earlier attempts. Raises OSError for `tls_ca`."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", max_message),
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if tls_ca is None:
        return grpc.insecure_channel(address, options)
    credentials = grpc.ssl_channel_credentials(tls_ca.read_bytes())
    return grpc.secure_channel(address, credentials, options)


def server_options(max_message: int) -> list[tuple[str, int]]:
    """Limits on what a connection may cost before anything of it is read."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", max_message),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", 16),
        ("grpc.server_handshake_timeout_ms", 5_000),
        ("grpc.max_connection_idle_ms", 30_000),
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ]
