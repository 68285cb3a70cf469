"""How many threads an update may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class UpdateThreads:
    """Leaves cores to actors on the learner's machine.

    Threads wait for each other at the end of every operation. When an actor displaces one of them, the others
    wait for a time slice of the scheduler, hundreds of times per update: on two cores, two threads beside an
    actor that never rests are several times slower than a single one.
    """

    def __init__(self) -> None:
        self._all = torch.get_num_threads()

    def leave(self, cores: int) -> None:
        """From now on use all threads but `cores`, at least one."""
        count = max(1, self._all - cores)
        if count != torch.get_num_threads():
            torch.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes in one thread: sums come out the same whatever else the machine has to do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
