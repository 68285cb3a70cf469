"""What the learner has not acknowledged yet: in memory, and on disk when memory is full."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import NamedTuple

from hilt.data.transition import Transition
from hilt.transport.messages import Numbered
from hilt.transport.spool import Spool

logger = logging.getLogger(__name__)


class _Entry(NamedTuple):
    transition: Transition
    completes: Path | None = None
    """The segment on disk of which this is the last transition."""


class Outbox:
    """Transitions in order, numbered when they enter memory. Safe for several threads."""

    def __init__(self, capacity: int, spool: Spool | None) -> None:
        """`capacity` transitions are kept in memory; `spool` takes what comes beyond."""
        self.dropped = 0
        self.trouble = ""
        """Why the last transition was dropped."""
        self._capacity = capacity
        self._spool = spool
        self._memory: Numbered[_Entry] = Numbered()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def _on_disk(self) -> int:
        return 0 if self._spool is None else len(self._spool)

    def __len__(self) -> int:
        with self._lock:
            return len(self._memory) + self._on_disk()

    @property
    def is_full(self) -> bool:
        """Memory is full: what comes now goes to disk."""
        with self._lock:
            return len(self._memory) >= self._capacity or self._on_disk() > 0

    @property
    def acknowledged(self) -> int:
        """Number of the newest acknowledged transition."""
        return self._memory.acknowledged

    def put(self, transition: Transition) -> None:
        """Keeps `transition`; drops and counts it when memory and disk are full."""
        with self._lock:
            if len(self._memory) < self._capacity and not self._on_disk():
                self._memory.append(_Entry(transition))
            elif self._spool is None:
                self._drop(
                    f"{self._capacity} transitions wait for the learner, and there is no spool on disk"
                )
            else:
                try:
                    self._spool.append(transition)
                except OSError as error:
                    self._drop(str(error))

    def _drop(self, trouble: str) -> None:
        self.dropped += 1
        self.trouble = trouble

    def after(self, number: int, limit: int) -> tuple[int, list[Transition]]:
        """Up to `limit` transitions beyond `number`, and the number of the first."""
        if number >= self._memory.last and self._spool is not None:
            with self._loading:
                self._load_segment(self._spool)
        with self._lock:
            first, entries = self._memory.after(number, limit)
        return first, [entry.transition for entry in entries]

    def _load_segment(self, spool: Spool) -> None:
        with self._lock:
            segment = spool.oldest() if len(self._memory) < self._capacity else None
        if segment is None:
            return
        transitions = spool.read(segment)  # without the lock: the control loop must not wait for a disk
        with self._lock:
            spool.take()
            for transition in transitions[:-1]:
                self._memory.append(_Entry(transition))
            if transitions:
                self._memory.append(_Entry(transitions[-1], completes=segment))
            else:
                spool.discard(segment)

    def acknowledge(self, number: int) -> None:
        """Everything up to `number` is in the learner's log."""
        with self._lock:
            for entry in self._memory.acknowledge(number):
                if entry.completes is not None and self._spool is not None:
                    self._spool.discard(entry.completes)

    def close(self) -> None:
        """Puts what is not acknowledged on disk, for the next process that is given the same folder."""
        if self._spool is None:
            return
        with self._lock:
            _, entries = self._memory.after(0, len(self._memory))
            try:
                self._spill(self._spool, entries)
            except OSError as error:
                logger.error("%d transitions may be lost: %s", len(entries), error)
            self._spool.close()

    def _spill(self, spool: Spool, entries: list[_Entry]) -> None:
        if entries:
            spool.put_in_front(entry.transition for entry in entries)
        for entry in entries:
            if entry.completes is not None:
                spool.discard(entry.completes)
