"""The actor's side of one call: what goes out, and what comes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from hilt.data.codec import Encoder
from hilt.transport.handshake import Metadata
from hilt.transport.hilt_pb2 import FromActor, FromLearner, Report, Status
from hilt.transport.messages import (
    HEARTBEAT_S,
    METHOD,
    SILENCE_S,
    Directive,
    Numbered,
    directive_from_message,
)
from hilt.transport.outbox import Outbox
from hilt.transport.weights import Assembly, Weights

LINGER_S = 0.02
"""A transition waits so long for others to travel with it."""
REPORTS_PER_MESSAGE = 64


@dataclass
class Inbox:
    """What has come from the learner, over all calls."""

    directive: Directive = field(default_factory=Directive)
    weights: Weights | None = None
    """The newest, until it is taken."""
    weights_version: int = 0
    refused: int = 0
    refused_because: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Guards the above; told of every change."""


@dataclass
class Reports:
    """Metric records that are not acknowledged: the newest thousand."""

    waiting: Numbered[Report] = field(default_factory=Numbered)
    lock: threading.Lock = field(default_factory=threading.Lock)
    limit: int = 1000

    def put(self, report: Report) -> None:
        with self.lock:
            self.waiting.append(report)
            self.waiting.acknowledge(self.waiting.last - self.limit)

    def after(self, number: int) -> tuple[int, list[Report]]:
        with self.lock:
            return self.waiting.after(number, REPORTS_PER_MESSAGE)

    def acknowledge(self, number: int) -> None:
        with self.lock:
            self.waiting.acknowledge(number)


class Link:
    """One call to the learner. A broken call leaves nothing behind but what it has acknowledged."""

    def __init__(
        self,
        outbox: Outbox,
        reports: Reports,
        inbox: Inbox,
        batch_steps: int,
        max_weights: int,
        real_time: Callable[[], bool],
    ) -> None:
        self._outbox, self._reports, self._inbox = outbox, reports, inbox
        self._batch_steps, self._real_time = batch_steps, real_time
        self._encoder = Encoder()
        self._assembly = Assembly(max_weights)
        self._cursor = outbox.acknowledged
        self._report_cursor = 0
        self._refused = 0
        self._lost_place = False
        self._wake = threading.Event()
        self._over = False
        self._leaving = False
        self._call: grpc.Call | None = None
        self.welcomed = False
        """The learner has taken this actor."""
        self.was_useful = False
        """Something was acknowledged, or weights came: the next call need not wait long."""
        self.heard = time.monotonic()

    def run(self, channel: grpc.Channel, metadata: Metadata) -> None:
        """Talks until one side ends the call.

        Raises:
            grpc.RpcError: the learner refused, was not reached, or was lost.
            ProtocolError: what it said made no sense.
        """
        dial = channel.stream_stream(
            METHOD,
            request_serializer=FromActor.SerializeToString,
            response_deserializer=FromLearner.FromString,
        )
        self._call = call = dial(self._requests(), metadata=metadata)
        try:
            for message in call:
                self._receive(message)
        finally:
            self.abort()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def finish(self) -> None:
        """Ends the call in order: the learner is told that the actor leaves."""
        self._leaving = True
        self._stop()

    def abort(self) -> None:
        """Ends the call at once: to the learner, the actor may come back."""
        self._stop()
        if self._call is not None:
            self._call.cancel()

    def _stop(self) -> None:
        self._over = True
        self._wake.set()

    # -- to the learner

    def _requests(self) -> Iterator[FromActor]:
        while not self._over:
            self._wake.clear()
            messages = 0
            while not self._over and (message := self._next_message()) is not None:
                messages += 1
                yield message
            if not messages:
                yield self._message()
            if time.monotonic() > self.heard + SILENCE_S:
                self.abort()
            self._wake.wait(HEARTBEAT_S)
            if not self._over:
                time.sleep(LINGER_S)
        if self._leaving:
            yield self._message(goodbye=True)

    def _message(self, **parts: Any) -> FromActor:
        return FromActor(weights_version=self._inbox.weights_version, real_time=self._real_time(), **parts)

    def _next_message(self) -> FromActor | None:
        first, transitions = self._outbox.after(self._cursor, self._batch_steps)
        first_report, reports = self._reports.after(self._report_cursor)
        if not transitions and not reports:
            return None
        if self._lost_place:
            self._lost_place = False
            self._encoder.reset()
        self._cursor = first + len(transitions) - 1
        self._report_cursor = first_report + len(reports) - 1
        return self._message(
            first=first,
            steps=[self._encoder.encode(transition) for transition in transitions],
            first_report=first_report,
            reports=reports,
        )

    # -- from the learner

    def _receive(self, message: FromLearner) -> None:
        self.heard = time.monotonic()
        self.welcomed = True
        content = message.WhichOneof("content")
        if content == "status":
            self._hear(message.status)
        elif content == "weights":
            self._assembly.begin(message.weights)
        elif content == "chunk":
            weights = self._assembly.chunk(message.chunk)
            if weights is not None:
                self._take_weights(weights)

    def _hear(self, status: Status) -> None:
        self.was_useful |= status.acknowledged > self._outbox.acknowledged
        self._outbox.acknowledge(status.acknowledged)
        self._reports.acknowledge(status.acknowledged_reports)
        refused = status.refused - self._refused
        self._refused += refused
        self._lost_place |= refused > 0
        with self._inbox.changed:
            self._inbox.directive = directive_from_message(status.directive)
            self._inbox.refused += refused
            self._inbox.refused_because = status.refused_because or self._inbox.refused_because
            self._inbox.changed.notify_all()

    def _take_weights(self, weights: Weights) -> None:
        self.was_useful = True
        with self._inbox.changed:
            self._inbox.weights = weights
            self._inbox.weights_version = weights.version
            self._inbox.changed.notify_all()
        self._wake.set()
