"""`TransitionServer`: where a learner meets its actors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator
from types import TracebackType

import grpc

from hilt.data.env_spec import EnvSpec
from hilt.transport import hilt_pb2 as pb
from hilt.transport.handshake import RefusalError, check_hello, check_same, is_local
from hilt.transport.learner_call import Desk, Limits, Session
from hilt.transport.listening import LOOPBACK_ONLY, Security, start_server
from hilt.transport.messages import Directive, directive_to_message, max_message_bytes
from hilt.transport.streams import ActorInfo, OnInterrupted, Seen, Sink, Streams
from hilt.transport.weights import Publication, Weights

logger = logging.getLogger(__name__)

SPARE_CALLS = 4
"""Calls beyond the limit on actors, for telling those that come too many."""


def _nothing_seen(_episode_id: int, _step: int) -> bool:
    return False


def _ignore_interruption(_actor_id: str, _episode_id: int) -> None:
    return


class TransitionServer:
    """Takes transitions from any number of actors of one environment, gives them weights and directives.

    `sink(actor_id, transitions)` puts them into the durable log; what it has taken is acknowledged.
    `seen(episode_id, step)` tells whether the log holds a transition, from before a restart or from another
    process of the same actor; such a transition is acknowledged and dropped.
    `on_interrupted(actor_id, episode_id)` is told of an episode that will not go on: its actor is gone, or
    has begun another. (Should the actor come back with steps that it had kept, they still arrive at the
    sink.) No two of these calls overlap.

    Raises:
        ValueError: `bind` would leave the learner open to strangers.
    """

    def __init__(
        self,
        bind: str,
        spec: EnvSpec,
        sink: Sink,
        *,
        seen: Seen = _nothing_seen,
        on_interrupted: OnInterrupted = _ignore_interruption,
        security: Security = LOOPBACK_ONLY,
        limits: Limits | None = None,
    ) -> None:
        security.check(bind)
        self._bind, self._spec, self._security = bind, spec, security
        self._limits = limits or Limits()
        self._streams = Streams(sink, seen, on_interrupted, self._limits.gone_after_s)
        self._desk = Desk(
            spec.schema, self._limits, self._newest, self._streams.store, self._streams.keep_reports
        )
        self._publication: Publication | None = None
        self._directive = pb.Directive()
        self._sessions: set[Session] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.refusals = 0
        """Calls refused since the start."""
        self.port = 0

    # -- life

    def start(self) -> None:
        """Begins to listen. Raises OSError when the address is taken or a TLS file cannot be read."""
        self._grpc, self.port = start_server(
            self._bind,
            self._security,
            self._serve,
            calls=self._limits.max_actors + SPARE_CALLS,
            max_message=max_message_bytes(self._spec.schema),
        )
        threading.Thread(target=self._watch_absent, name="hilt-absent", daemon=True).start()

    @property
    def address(self) -> str:
        return f"{self._bind.rpartition(':')[0]}:{self.port}"

    def stop(self, grace: float = 1.0) -> None:
        """Ends all calls, within `grace` seconds. When this returns, nothing is called back any more.

        What was stored in the last moment may not have been acknowledged: it comes again, and is `seen`.
        """
        self._stopping.set()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.end(grpc.StatusCode.UNAVAILABLE, "the learner has stopped")
        self._streams.close()
        self._grpc.stop(grace).wait()

    def __enter__(self) -> TransitionServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # -- what the learner says

    def publish(self, weights: Weights, frozen: Collection[str] = ()) -> None:
        """Replaces the newest weights; the tensors are copied.

        `frozen` names those that stay the same as long as their names do: each call carries them once.
        """
        self._publication = Publication(weights, frozen, self._publication)
        self._wake_all()

    @property
    def weights_wanted(self) -> bool:
        """Some actor would get weights at once if they were published now."""
        now = time.monotonic()
        with self._lock:
            return any(session.wants_weights(now) for session in self._sessions)

    def direct(self, directive: Directive) -> None:
        """Replaces the newest word to all actors, those to come included."""
        self._directive = directive_to_message(directive)
        self._wake_all()

    def _wake_all(self) -> None:
        with self._lock:
            for session in self._sessions:
                session.wake()

    def _newest(self) -> tuple[Publication | None, pb.Directive]:
        return self._publication, self._directive

    # -- what the learner hears

    @property
    def actors(self) -> list[ActorInfo]:
        """Actors that are connected, or may come back in a moment."""
        return self._streams.actors()

    @property
    def local_actors(self) -> int:
        """Connected actors that take a core of this machine: here, and not waiting for the clock."""
        with self._lock:
            return sum(not each.real_time and is_local(each.address) for each in self._sessions)

    def reports(self) -> list[tuple[str, dict[str, float | str]]]:
        """The metric records that have come since the last call, with their actors' ids."""
        return self._streams.reports()

    # -- calls

    def _serve(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[pb.FromLearner]:
        try:
            session = self._admit(context)
        except RefusalError as refusal:
            self.refusals += 1
            logger.debug("%s is refused: %s", context.peer(), refusal)
            context.abort(refusal.code, str(refusal))
        try:
            if context.add_callback(session.cut):
                threading.Thread(target=session.read, args=(requests,), name="hilt-read", daemon=True).start()
                yield from session.write()
        finally:
            self._dismiss(session)
        if session.verdict is not None and not session.left:
            context.abort(*session.verdict)

    def _admit(self, context: grpc.ServicerContext) -> Session:
        hello = check_hello(context.invocation_metadata(), self._security.token)
        check_same(self._spec, hello.spec)
        session = Session(self._desk, hello.stream, hello.actor_id, context.peer())
        with self._lock:
            if self._stopping.is_set():
                raise RefusalError(grpc.StatusCode.UNAVAILABLE, "the learner has stopped")
            if len(self._sessions) >= self._limits.max_actors:
                raise RefusalError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"the learner has {self._limits.max_actors} actors already",
                )
            self._sessions.add(session)
        self._streams.enter(session)
        return session

    def _dismiss(self, session: Session) -> None:
        with self._lock:
            self._sessions.discard(session)
        self._streams.leave(session)

    def _watch_absent(self) -> None:
        while not self._stopping.wait(0.5):
            self._streams.sweep()
