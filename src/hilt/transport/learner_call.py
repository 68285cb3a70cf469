"""The learner's side of one call: what an actor sent, and what is still to be told to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from google.protobuf.message import DecodeError

from hilt.data.codec import Decoder
from hilt.data.transition import Schema, SchemaError, Transition
from hilt.transport.hilt_pb2 import Directive, FromActor, FromLearner, Report, Status
from hilt.transport.messages import HEARTBEAT_S, MAX_REPORT_BYTES, SILENCE_S
from hilt.transport.weights import FrozenTensors, Publication

MAX_STEPS = 1024
MAX_REPORTS = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """What actors may hold of a learner."""

    max_actors: int = 64
    max_refused: int = 100
    """Transitions that break the schema, in one call; then the call is ended."""
    silence_s: float = SILENCE_S
    """Without a word for so long, an actor is taken for dead and its call is ended."""
    gone_after_s: float = 10.0
    """An actor that has not come back after this long is gone."""
    weights_interval_s: float = 0.05
    """An actor gets new weights at most this often: one that never stops reading would starve the learner."""


class Verdict(NamedTuple):
    """How a call ends."""

    code: grpc.StatusCode
    reason: str


class Received(NamedTuple):
    """A transition and its number in the actor's stream."""

    number: int
    transition: Transition


@dataclass
class Desk:
    """What a session needs of its server."""

    schema: Schema
    limits: Limits
    newest: Callable[[], tuple[Publication | None, Directive]]
    store: Callable[[Session, list[Received], int, int], None]
    """Puts steps, numbered from the first number to the last, into the log; sets what is acknowledged."""
    keep_reports: Callable[[Session, int, Iterable[Report]], None]


class Session:
    """One open call. `read` and `write` run in a thread each."""

    def __init__(self, desk: Desk, stream: int, actor_id: str, address: str) -> None:
        self.stream = stream
        self.actor_id = actor_id
        self.address = address
        self.acknowledged = 0
        self.acknowledged_reports = 0
        self.weights_version = 0
        self.real_time = False
        self.verdict: Verdict | None = None
        self.left = False
        """The actor has said goodbye; a call that merely ends may have been cut."""
        self._desk = desk
        self._decoder = Decoder(desk.schema)
        self._refused = 0
        self._refused_because = ""
        self._heard = time.monotonic()
        self._news = threading.Event()
        self._sent: Publication | None = None
        self._sent_at = -1e9
        self._frozen: FrozenTensors | None = None
        self._transfer: Iterator[FromLearner] = iter(())
        self.transferring = False

    def end(self, code: grpc.StatusCode, reason: str) -> None:
        """Ends the call from this side; the first verdict holds."""
        self.verdict = self.verdict or Verdict(code, reason)
        self._news.set()

    def cut(self) -> None:
        """The call is over, on either side."""
        self.end(grpc.StatusCode.CANCELLED, "the call is over")

    def wake(self) -> None:
        """There is something new to tell."""
        self._news.set()

    # -- what the actor says

    def read(self, requests: Iterable[bytes]) -> None:
        """Takes the actor's messages in until it leaves, is cut off, or breaks the rules."""
        try:
            for data in requests:
                if self.verdict is not None:
                    return
                self._take(FromActor.FromString(data))
        except grpc.RpcError:
            pass  # cut off
        except DecodeError:
            self.end(grpc.StatusCode.INVALID_ARGUMENT, "a message is not readable")
        except OSError as error:
            self.end(grpc.StatusCode.UNAVAILABLE, f"the learner cannot write its log: {error}")
        finally:
            self.cut()

    def _take(self, message: FromActor) -> None:
        self._heard = time.monotonic()
        self.weights_version, self.real_time = message.weights_version, message.real_time
        if len(message.steps) > MAX_STEPS or len(message.reports) > MAX_REPORTS:
            self.end(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{len(message.steps)} steps and {len(message.reports)} reports in a message: "
                f"{MAX_STEPS} and {MAX_REPORTS} are allowed",
            )
            return
        if message.steps:
            last = message.first + len(message.steps) - 1
            self._desk.store(self, list(self._decode(message)), message.first, last)
        if message.reports:
            fitting = [report for report in message.reports if report.ByteSize() <= MAX_REPORT_BYTES]
            self._desk.keep_reports(self, message.first_report, fitting)
        self.left |= message.goodbye
        self.wake()

    def _decode(self, message: FromActor) -> Iterator[Received]:
        for number, step in enumerate(message.steps, message.first):
            try:
                yield Received(number, self._decoder.decode(step))
            except SchemaError as error:
                self._refuse(str(error))

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        self._refused_because = reason[:200]
        if self._refused > self._desk.limits.max_refused:
            self.end(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"more than {self._desk.limits.max_refused} transitions break the schema; the last: "
                f"{self._refused_because}",
            )

    # -- what the actor is told

    def write(self) -> Iterator[FromLearner]:
        """Everything the actor is to hear, as it becomes known, until the call ends."""
        told: Status | None = None
        told_at = 0.0
        while self.verdict is None:
            self._news.clear()
            status, now = self._status(), time.monotonic()
            if status != told or now >= told_at + HEARTBEAT_S:
                told, told_at = status, now
                yield FromLearner(status=status)
            elif (part := self._next_part(now)) is not None:
                yield part
            elif now > self._heard + self._desk.limits.silence_s:
                self.end(grpc.StatusCode.DEADLINE_EXCEEDED, "the learner heard nothing from the actor")
            else:
                self._news.wait(self._patience(now, told_at))
        if self.left:
            yield FromLearner(status=self._status())

    def _status(self) -> Status:
        return Status(
            acknowledged=self.acknowledged,
            acknowledged_reports=self.acknowledged_reports,
            refused=self._refused,
            refused_because=self._refused_because,
            directive=self._desk.newest()[1],
        )

    def wants_weights(self, now: float) -> bool:
        """Whether weights published now would be sent at once."""
        return not self.transferring and now >= self._sent_at + self._desk.limits.weights_interval_s

    def _next_part(self, now: float) -> FromLearner | None:
        """The next message of the weights: of those on their way, else of the newest if they are due."""
        part = next(self._transfer, None)
        if part is not None:
            return part
        self.transferring = False
        publication = self._desk.newest()[0]
        if publication is None or publication is self._sent or not self.wants_weights(now):
            return None
        self._transfer = publication.messages(self._frozen)
        self._sent, self._sent_at, self._frozen = publication, now, publication.frozen
        self.transferring = True
        return next(self._transfer)

    def _patience(self, now: float, told_at: float) -> float:
        """Seconds until something is due though nothing happens."""
        due = told_at + HEARTBEAT_S
        if self._desk.newest()[0] is not self._sent:
            due = min(due, self._sent_at + self._desk.limits.weights_interval_s)
        return max(0.0, due - now)
