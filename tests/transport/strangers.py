"""Random and mutated messages, as a stranger on the port might send them."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import grpc

from hilt.data.codec import Encoder
from hilt.data.env_spec import EnvSpec
from hilt.data.transition import Schema
from hilt.transport import handshake
from hilt.transport.hilt_pb2 import FromActor, FromLearner, Report
from hilt.transport.messages import METHOD
from tests.transport.transport_tools import SCHEMA, SPEC, episode

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def call(
    address: str,
    messages: list[bytes],
    *,
    spec: EnvSpec = SPEC,
    said: handshake.Metadata | None = None,
    linger_s: float = 0.0,
    goodbye: bool = True,
) -> tuple[list[FromLearner], grpc.StatusCode]:
    """One call with these messages, as they are: what was answered, and how it ended."""

    def requests() -> Iterator[bytes]:
        yield from messages
        time.sleep(linger_s)
        if goodbye:
            yield FromActor(goodbye=True).SerializeToString()

    answers: list[FromLearner] = []
    said = said or handshake.metadata(spec, "stranger", random.getrandbits(63), None)
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stream = channel.stream_stream(METHOD, response_deserializer=FromLearner.FromString)
        running = stream(requests(), metadata=said, timeout=20)
        with suppress(grpc.RpcError):
            answers.extend(running)
        return answers, running.code()


def message(first: int = 1, length: int = 3, schema: Schema = SCHEMA) -> FromActor:
    encoder = Encoder()
    number = random.getrandbits(62)
    return FromActor(first=first, steps=[encoder.encode(t) for t in episode(number, length, schema=schema)])


def bend(text: FromActor, chance: random.Random) -> None:
    """Makes a well-formed message wrong."""
    step = chance.choice(text.steps)
    tensor = chance.choice([step.action, *step.next_observation])
    bends: list[Callable[[], object]] = [
        lambda: setattr(tensor, "dtype", chance.choice(["float64", "object", "O", "", "x" * 10_000])),
        lambda: tensor.shape.append(chance.getrandbits(32)),
        lambda: tensor.ClearField("shape"),
        lambda: setattr(tensor, "data", chance.randbytes(chance.choice([0, 1, 5, 5_000]))),
        lambda: setattr(tensor, "name", chance.choice(["", "__class__", "../../etc/passwd", "action"])),
        lambda: setattr(step, "reward", chance.choice([float("nan"), float("inf")])),
        lambda: setattr(step.action, "data", b"\xff" * len(step.action.data)),
        lambda: setattr(step, "episode_id", 2**64 - 1),
        lambda: setattr(text, "first", chance.choice([0, 2**64 - 1, 2**63])),
        lambda: step.ClearField("observation"),
        lambda: step.next_observation.add(name="more", dtype="float32", data=b"abcd"),
        lambda: text.steps.extend([text.steps[0]] * 2_000),
        lambda: text.reports.extend([Report(texts={"x": "y" * 20_000})] * 3),
        lambda: text.reports.extend([Report()] * 300),
    ]
    chance.choice(bends)()


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Flips, cuts, doubles or replaces bytes."""
    where, length = chance.randrange(len(data)), chance.choice([1, 4, 100])
    noise = chance.randbytes(length)
    return chance.choice(
        [
            data[:where] + noise + data[where + length :],
            data[:where] + noise + data[where:],
            data[:where],
            data[where:],
            data[:where] + data[where + length :],
            chance.randbytes(chance.choice([1, 20, 2_000])),
        ]
    )


def speak_nonsense(address: str, chance: random.Random) -> None:
    """A connection that is not even gRPC."""
    host, _, port = address.rpartition(":")
    opening = chance.choice([b"", HTTP2_PREFACE, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00"])
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(opening + chance.randbytes(chance.choice([0, 9, 300, 20_000])))


def visit(address: str, chance: random.Random, spec: EnvSpec = SPEC) -> bool:
    """One stranger with one random message; whether everything in it was taken."""
    kind = chance.randrange(4)
    if kind == 0:
        speak_nonsense(address, chance)
        return False
    if kind == 1:
        hello = handshake.metadata(spec, "stranger", chance.getrandbits(63), None)[0][1]
        assert isinstance(hello, bytes)
        answers, code = call(address, [], said=((handshake.HELLO_KEY, mutate(hello, chance)),))
    elif kind == 2:
        text = message(schema=spec.schema)
        bend(text, chance)
        answers, code = call(address, [text.SerializeToString()], spec=spec)
    else:
        data = mutate(message(schema=spec.schema).SerializeToString(), chance)
        answers, code = call(address, [data], spec=spec)
    return code is grpc.StatusCode.OK and not any(answer.status.refused for answer in answers)
