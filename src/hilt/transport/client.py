"""`LearnerClient`: an actor's connection to its learner, which may come, go and come back."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc

from hilt.data.env_spec import EnvSpec
from hilt.data.transition import Transition
from hilt.transport.actor_call import Inbox, Link, Reports
from hilt.transport.handshake import metadata, open_channel
from hilt.transport.messages import (
    SILENCE_S,
    Directive,
    Record,
    max_batch_steps,
    max_message_bytes,
    report_to_message,
    step_nbytes,
)
from hilt.transport.outbox import Outbox
from hilt.transport.spool import Spool
from hilt.transport.weights import ProtocolError, Weights

FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 3.0
GOODBYE_S = 2.0
"""A learner that does not answer a goodbye for so long is left without."""

_REFUSALS = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
)


def _explain(error: grpc.RpcError) -> str:
    """Why a call ended, as part of a sentence."""
    code, details = error.code(), error.details() or ""
    if code in _REFUSALS:
        return f"refused: {details}"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return "something answers there that is not a hilt learner"
    if code is grpc.StatusCode.UNAVAILABLE and "handshake" in details.lower():
        return "no TLS session with it: do both sides use TLS, and is its certificate the one given?"
    if code is grpc.StatusCode.UNAVAILABLE and "connect" in details.lower():
        return "not reachable"
    if "closed" in details.lower() or "reset" in details.lower():
        return "the connection broke"
    return details or str(code)


@dataclass(frozen=True, slots=True)
class Room:
    """What an actor may keep."""

    memory_bytes: int = 256 * 2**20
    """Transitions in memory."""
    spool_bytes: int = 4 * 2**30
    """Transitions on disk."""
    weights_bytes: int = 2**30
    """The largest weights that it takes."""


DEFAULT_ROOM = Room()


class LearnerClient:
    """Sends transitions, receives weights and directives, through any number of broken connections.

    Connects by itself, in a thread of its own, and keeps trying. Nothing here blocks the control loop.
    Transitions are kept until the learner has them in its log, as far as there is `room`: in memory, then on
    disk in the folder `spool`, which must be this actor's alone. What is left there by an earlier process is
    sent first.

    Raises:
        ValueError: an actor id or token that cannot be sent.
        OSError: `tls_ca` or `spool` cannot be used.
    """

    def __init__(
        self,
        address: str,
        spec: EnvSpec,
        *,
        actor_id: str,
        token: str | None = None,
        tls_ca: Path | None = None,
        spool: Path | None = None,
        room: Room = DEFAULT_ROOM,
    ) -> None:
        """`address` is HOST:PORT; `tls_ca` a PEM file of trusted authorities, None for no TLS."""
        self.address = address
        self.real_time = False
        """Steps wait for the clock. Without that, the learner leaves an actor on its machine a core."""
        self._schema = schema = spec.schema
        self.actor_id = actor_id
        self._metadata = metadata(spec, actor_id, random.SystemRandom().getrandbits(63), token)
        self._tls_ca = tls_ca
        self._max_weights_bytes = room.weights_bytes
        self._outbox = Outbox(
            max(64, room.memory_bytes // step_nbytes(schema)),
            None if spool is None else Spool(spool, schema, room.spool_bytes),
        )
        self._reports = Reports()
        self._inbox = Inbox()
        self._link: Link | None = None
        self._trouble = "not tried yet"
        self._retry_at = 0.0
        self._closing = threading.Event()
        open_channel(address, tls_ca, 1).close()  # a file that cannot be read is told here, not in the thread
        self._thread = threading.Thread(target=self._keep_connected, name="hilt-link", daemon=True)
        self._thread.start()

    # -- for the control loop

    def send(self, transition: Transition) -> None:
        """Keeps `transition` (its arrays must not change afterwards) and has it sent.

        Raises:
            SchemaError: it has the wrong shapes or types, or a number that is not finite.
        """
        self._schema.check(transition)
        self._outbox.put(transition)
        self._wake()

    def report(self, record: Record) -> None:
        """Sends a metric record of at most 16 kB; the newest thousand outlive a broken connection.

        Raises:
            ValueError: it is larger.
        """
        self._reports.put(report_to_message(record))
        self._wake()

    def weights(self) -> Weights | None:
        """The newest weights, unless an earlier call has returned them."""
        with self._inbox.changed:
            newest, self._inbox.weights = self._inbox.weights, None
            return newest

    @property
    def directive(self) -> Directive:
        """The learner's newest word."""
        return self._inbox.directive

    def _wake(self) -> None:
        if (link := self._link) is not None:
            link.wake()

    # -- how it stands

    @property
    def connected(self) -> bool:
        """The learner has taken this actor, and the call stands."""
        link = self._link
        return link is not None and link.welcomed

    @property
    def waiting_for(self) -> str:
        """What this actor waits for, as a sentence without a full stop; empty when it waits for nothing."""
        learner = f"learner at {self.address}"
        link = self._link
        if link is None:
            wait = max(0.0, self._retry_at - time.monotonic())
            return f"{learner} ({self._trouble}; trying again in {wait:.0f} s)"
        if not link.welcomed:
            return f"{learner} (connecting)"
        silent = time.monotonic() - link.heard
        if silent > SILENCE_S / 2:
            return f"{learner} (connected, but silent for {silent:.0f} s)"
        if self._inbox.weights_version == 0 and self._inbox.weights is None:
            return f"weights from the {learner}" + (
                f" (which waits for {self.directive.waiting_for})" if self.directive.waiting_for else ""
            )
        return ""

    @property
    def pending(self) -> int:
        """Transitions that the learner has not acknowledged."""
        return len(self._outbox)

    @property
    def congested(self) -> bool:
        """Transitions go to disk: an actor that can wait, because its time is simulated, should."""
        return self._outbox.is_full

    @property
    def dropped(self) -> int:
        """Transitions lost because memory and disk were full."""
        return self._outbox.dropped

    @property
    def refused(self) -> tuple[int, str]:
        """How many transitions the learner refused, and why it did the last."""
        return self._inbox.refused, self._inbox.refused_because

    def wait_for_weights(self, timeout: float | None = None) -> Weights | None:
        """`weights()`, waiting up to `timeout` seconds for them, or for another word on demonstrations."""
        with self._inbox.changed:
            asked = self.directive.demonstrations
            self._inbox.changed.wait_for(
                lambda: self._inbox.weights is not None or self.directive.demonstrations != asked, timeout
            )
        return self.weights()

    def drain(self, timeout: float) -> int:
        """Waits, up to `timeout` seconds, for everything to be acknowledged, metric records too.

        Returns how many transitions are not.
        """
        with self._inbox.changed:
            self._inbox.changed.wait_for(lambda: not self.pending and not self._reports.waiting, timeout)
        return self.pending

    # -- life

    def close(self) -> None:
        """Leaves the learner. What it has not acknowledged stays in the spool for the next process."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._finish(Link.finish)
        self._thread.join(GOODBYE_S)
        self._finish(Link.abort)
        self._thread.join()
        self._outbox.close()

    def _finish(self, how: Callable[[Link], None]) -> None:
        if (link := self._link) is not None:
            how(link)

    def __enter__(self) -> LearnerClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _keep_connected(self) -> None:
        backoff = FIRST_BACKOFF_S
        while not self._closing.is_set():
            if self._talk():
                backoff = FIRST_BACKOFF_S
            wait = backoff * random.uniform(0.75, 1.25)
            backoff = min(2 * backoff, LONGEST_BACKOFF_S)
            self._retry_at = time.monotonic() + wait
            self._closing.wait(wait)

    def _talk(self) -> bool:
        """One call, from dialling to its end; whether it was of any use."""
        link = Link(
            self._outbox,
            self._reports,
            self._inbox,
            max_batch_steps(self._schema),
            self._max_weights_bytes,
            lambda: self.real_time,
        )
        self._link = link
        if self._closing.is_set():
            link.finish()
        try:
            with open_channel(self.address, self._tls_ca, max_message_bytes(self._schema)) as channel:
                link.run(channel, self._metadata)
            self._trouble = "it ended the call"
        except grpc.RpcError as error:
            self._trouble = _explain(error)
        except (ProtocolError, OSError) as error:
            self._trouble = str(error)
        finally:
            self._link = None
        return link.was_useful
