"""The small things that actor and learner tell each other, as plain values."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from hilt.data.transition import Schema
from hilt.transport import hilt_pb2 as pb

METHOD = "/hilt.Learner/Session"
HEARTBEAT_S = 2.0
"""Each side says something at least this often."""
SILENCE_S = 20.0
"""Silence [s] after which the other side is taken for dead, and the call is given up."""
MAX_REPORT_BYTES = 16 * 1024

Item = TypeVar("Item")
Record = Mapping[str, float | str]
"""A metric record: numbers and texts by name."""


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A test of the policy alone that an actor is to run."""

    version: int
    """Of the weights to test."""
    target: float
    """Success rate that the test is about; 0: none, all `episodes` are played."""
    episodes: int
    number: int
    """Of this test within its run, from 1: the tests of a run share their chance to err."""


@dataclass(frozen=True, slots=True)
class DemonstrationRequest:
    """Demonstrations that are to be given at an actor before training begins."""

    given: int
    wanted: int
    actor_id: str = ""
    """The actor that is to simulate them; "": a person gives them, at any."""


@dataclass(frozen=True, slots=True)
class Directive:
    """The newest word of the learner to all actors."""

    phase: str = ""
    stop: bool = False
    """Training is over: leave."""
    waiting_for: str = ""
    hold: bool = False
    """Simulated actors are to wait for the learner."""
    test: PolicyTest | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    """The learner's figures for the operator's page: update rate and the like."""
    demonstrations: DemonstrationRequest | None = None


def directive_to_message(directive: Directive) -> pb.Directive:
    test, demonstrations = directive.test, directive.demonstrations
    return pb.Directive(
        phase=directive.phase,
        stop=directive.stop,
        waiting_for=directive.waiting_for,
        hold=directive.hold,
        test=None if test is None else pb.PolicyTest(**asdict(test)),
        figures=dict(directive.figures),
        demonstrations=None if demonstrations is None else pb.DemonstrationRequest(**asdict(demonstrations)),
    )


def directive_from_message(message: pb.Directive) -> Directive:
    asked = message.test
    test = PolicyTest(asked.version, asked.target, asked.episodes, asked.number)
    demonstrations = _request_from_message(message.demonstrations)
    return Directive(
        message.phase,
        message.stop,
        message.waiting_for,
        message.hold,
        test if message.HasField("test") else None,
        dict(message.figures),
        demonstrations if message.HasField("demonstrations") else None,
    )


def _request_from_message(message: pb.DemonstrationRequest) -> DemonstrationRequest:
    return DemonstrationRequest(message.given, message.wanted, message.actor_id)


def report_to_message(record: Record) -> pb.Report:
    """Raises ValueError when the record is too large for one."""
    report = pb.Report(
        numbers={name: float(value) for name, value in record.items() if not isinstance(value, str)},
        texts={name: value for name, value in record.items() if isinstance(value, str)},
    )
    if report.ByteSize() > MAX_REPORT_BYTES:
        raise ValueError(f"a metric record of {report.ByteSize()} bytes: at most {MAX_REPORT_BYTES} are sent")
    return report


def report_from_message(message: pb.Report) -> dict[str, float | str]:
    return {**message.numbers, **message.texts}


def step_nbytes(schema: Schema) -> int:
    """Bytes that one transition keeps alive: its next observation and its two actions."""
    features = [*schema.observation.values(), schema.action, schema.action]
    return sum(feature.nbytes for feature in features) + 256


def max_batch_steps(schema: Schema) -> int:
    """Transitions per message: at most 64, and about a megabyte."""
    return max(1, min(64, 2**20 // step_nbytes(schema)))


def max_message_bytes(schema: Schema) -> int:
    """The largest message that either side takes: a full batch, twice over, and room for reports."""
    return 2**20 + 2 * (max_batch_steps(schema) + 1) * step_nbytes(schema)


class Numbered(Generic[Item]):
    """Items numbered 1, 2, 3, ... in the order in which they came, kept until they are acknowledged."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._first = 1

    def __len__(self) -> int:
        return len(self._items)

    @property
    def last(self) -> int:
        """Number of the newest item."""
        return self._first + len(self._items) - 1

    @property
    def acknowledged(self) -> int:
        return self._first - 1

    def append(self, item: Item) -> None:
        self._items.append(item)

    def after(self, number: int, limit: int) -> tuple[int, list[Item]]:
        """Up to `limit` items beyond `number`, and the number of the first of them."""
        start = max(0, number + 1 - self._first)
        return self._first + start, list(islice(self._items, start, start + limit))

    def acknowledge(self, number: int) -> list[Item]:
        """Drops the items up to `number` and hands them out."""
        done = [self._items.popleft() for _ in range(min(len(self._items), number + 1 - self._first))]
        self._first += len(done)
        return done
