"""What a training takes of a machine, and what this machine has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hilt.config.learning import LearningPolicy
from hilt.config.run import RunConfig

GIB = 2**30
_PROGRAMS = int(1.0 * GIB)
"""Of memory: the learner with its libraries, its networks and its small buffers."""
_ACTOR = int(0.5 * GIB)
_SPINS = "20000"


@dataclass(frozen=True, slots=True)
class Needs:
    """Of one training: processor cores, memory [bytes], GPUs."""

    cores: int
    memory: int
    gpus: int = 0


def needs_of(config: RunConfig) -> Needs:
    """A core for the learner and one for each actor; memory for them and the pictures that it may remember.

    Each picture is kept once, in one of two buffers.
    """
    policy, actors = config.policy, config.num_actors
    gpus = int(config.device_name.startswith("cuda"))
    memory = _PROGRAMS + actors * _ACTOR
    if isinstance(policy, LearningPolicy) and config.env.obs_type == "pixels":
        steps = min(policy.online_buffer_capacity + policy.offline_buffer_capacity, 2 * policy.online_steps)
        memory += steps * sum(3 * height * width for height, width in config.env.cameras.values())
    return Needs(1 + actors, memory, gpus)


def largest(needs: Iterable[Needs]) -> Needs:
    """What is enough for any of them."""
    each = list(needs)
    return Needs(max(n.cores for n in each), max(n.memory for n in each), max(n.gpus for n in each))


def at_a_time(needs: Needs) -> int:
    """How many trainings like that this machine can hold, at least one."""
    return max(1, min(cores() // needs.cores, free_memory() // needs.memory))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def computing_threads(count: int) -> dict[str, str]:
    """The environment of a process that computes in `count` threads.

    Threads that wait must soon sleep: one that spins at a barrier for another, which an actor has displaced,
    costs a scheduler's time slice, hundreds of times per update. But going to sleep and waking up takes
    longer than most waits: without some microseconds of spinning, updates take up to twice as long.
    """
    return {"OMP_NUM_THREADS": str(count), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": _SPINS}


def shares(count: int) -> list[set[int]]:
    """The cores of this process in `count` equal parts; empty sets where they cannot be told apart."""
    if not hasattr(os, "sched_getaffinity"):
        return [set() for _ in range(count)]
    mine = sorted(os.sched_getaffinity(0))
    each = max(1, len(mine) // count)
    return [{mine[(part * each + i) % len(mine)] for i in range(each)} for part in range(count)]


def free_memory() -> int:
    """Memory that is free, or easily made so [bytes], within what this process may have."""
    known = [_system_memory(), _allowed_memory()]
    return min(value for value in known if value is not None)


def _system_memory() -> int:
    lines = Path("/proc/meminfo")
    if lines.is_file():
        for line in lines.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _allowed_memory() -> int | None:
    """What the control group leaves; None: it sets no limit."""
    group = Path("/sys/fs/cgroup")
    try:
        return int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None
