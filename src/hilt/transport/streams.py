"""What the learner remembers of every actor process: what it has had from it, and what is under way."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import grpc

from hilt.data.transition import Transition
from hilt.transport.hilt_pb2 import Report
from hilt.transport.learner_call import Received, Session
from hilt.transport.messages import report_from_message

Sink = Callable[[str, list[Transition]], None]
"""Called with an actor's id and its new transitions; returns when all of them are in the durable log, or
raises OSError with none of them there: that actor's call ends, and it will send them again. Calls never
overlap."""
Seen = Callable[[int, int], bool]
"""Whether the log holds (episode_id, step) now."""
OnInterrupted = Callable[[str, int], None]
"""Called with an actor's id and an episode_id."""

MAX_STREAMS = 4096
"""Actor processes that are remembered."""
MAX_WAITING_REPORTS = 4096


@dataclass(frozen=True, slots=True)
class ActorInfo:
    """An actor, as the learner sees it."""

    actor_id: str
    address: str
    connected: bool
    transitions: int
    """Put into the log since the learner started."""
    weights_version: int
    """Newest weights that have reached it, 0 for none."""


@dataclass
class _Stream:
    """One actor process, connected or not."""

    actor_id: str
    address: str
    session: Session | None = None
    """Its call, while it has one."""
    absent_since: float | None = None
    """When it was cut off; None when it is here, has left in order, or is given up."""
    received: int = 0
    reports_received: int = 0
    transitions: int = 0
    episode: int | None = None
    """The episode that is under way."""


@dataclass
class Streams:
    """Sorts out what actors send: duplicates, gaps, episodes that will not go on."""

    sink: Sink
    seen: Seen
    on_interrupted: OnInterrupted
    gone_after_s: float
    _streams: OrderedDict[int, _Stream] = field(default_factory=OrderedDict)
    _reports: deque[tuple[str, dict[str, float | str]]] = field(
        default_factory=lambda: deque(maxlen=MAX_WAITING_REPORTS)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards the two above."""
    _storing: threading.Lock = field(default_factory=threading.Lock)
    """Held around everything that calls back."""
    _closed: bool = False

    def close(self) -> None:
        """Nothing is called back any more when this returns."""
        with self._storing:
            self._closed = True

    def enter(self, session: Session) -> None:
        """A call begins. It replaces an older one of the same process."""
        with self._storing:
            with self._lock:
                stream = self._streams.setdefault(session.stream, _Stream(session.actor_id, session.address))
                self._streams.move_to_end(session.stream)
                others = [other for other in self._streams.values() if other is not stream]
            if stream.session is not None:
                stream.session.end(grpc.StatusCode.ABORTED, "the actor has opened another call")
            stream.session, stream.address, stream.absent_since = session, session.address, None
            session.acknowledged = stream.received
            session.acknowledged_reports = stream.reports_received
            for other in others:
                if other.actor_id == session.actor_id and other.absent_since is not None:
                    self._give_up(other)
            self._forget_oldest()

    def _current(self, session: Session) -> _Stream | None:
        """The stream of which `session` is the newest call."""
        with self._lock:
            stream = self._streams.get(session.stream)
        return stream if stream is not None and stream.session is session else None

    def leave(self, session: Session) -> None:
        """A call has ended; unless the actor meant it to, it may come back."""
        with self._storing:
            stream = self._current(session)
            if stream is None:
                return
            stream.session = None
            if session.left:
                self._give_up(stream)
            else:
                stream.absent_since = time.monotonic()

    def sweep(self) -> None:
        """Gives up those that have been away for too long."""
        long_ago = time.monotonic() - self.gone_after_s
        with self._storing:
            with self._lock:
                streams = list(self._streams.values())
            for stream in streams:
                if stream.absent_since is not None and stream.absent_since < long_ago:
                    self._give_up(stream)

    def _give_up(self, stream: _Stream) -> None:
        stream.absent_since = None
        if stream.episode is not None and not self._closed:
            self.on_interrupted(stream.actor_id, stream.episode)
        stream.episode = None

    def _forget_oldest(self) -> None:
        with self._lock:
            idle = [key for key, stream in self._streams.items() if stream.session is None]
            for key in idle[: max(0, len(self._streams) - MAX_STREAMS)]:
                del self._streams[key]

    def store(self, session: Session, items: list[Received], first: int, last: int) -> None:
        """Hands what is new among steps `first` to `last` of `session` to the sink."""
        with self._storing:
            stream = self._current(session)
            if stream is None or self._closed:
                return
            if 0 < stream.received < first - 1:
                reason = f"step {first} came after step {stream.received}"
                session.end(grpc.StatusCode.INVALID_ARGUMENT, reason)
                return
            fresh = [transition for number, transition in items if number > stream.received]
            new = [item for item in fresh if not self.seen(item.episode_id, item.step)]
            if new:
                self.sink(session.actor_id, new)
            stream.transitions += len(new)
            stream.received = session.acknowledged = max(stream.received, last)
            for transition in fresh:
                self._follow(stream, transition)

    def _follow(self, stream: _Stream, transition: Transition) -> None:
        if stream.episode not in (None, transition.episode_id):
            self._give_up(stream)
        stream.episode = None if transition.done else transition.episode_id

    def keep_reports(self, session: Session, first: int, reports: Iterable[Report]) -> None:
        """Keeps those of `reports`, numbered from `first`, that are new."""
        stream = self._current(session)
        if stream is None:
            return
        with self._lock:
            for number, report in enumerate(reports, first):
                if number > stream.reports_received:
                    stream.reports_received = number
                    self._reports.append((session.actor_id, report_from_message(report)))
            session.acknowledged_reports = stream.reports_received

    def reports(self) -> list[tuple[str, dict[str, float | str]]]:
        """What has come since the last call."""
        with self._lock:
            waiting = list(self._reports)
            self._reports.clear()
        return waiting

    def actors(self) -> list[ActorInfo]:
        """Actors that are connected, or may come back in a moment."""
        with self._lock:
            streams = list(self._streams.values())
        return [
            ActorInfo(
                stream.actor_id,
                stream.address,
                stream.session is not None,
                stream.transitions,
                stream.session.weights_version if stream.session else 0,
            )
            for stream in streams
            if stream.session is not None or stream.absent_since is not None
        ]
