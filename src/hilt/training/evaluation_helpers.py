"""Processes that play episodes of an evaluation beside the one that evaluates.

A helper gets seeds, a line each, and answers each with the result of its episode, a line of JSON. What an
episode is depends on its seed alone, so that it does not matter who plays it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.session.console import say
from hilt.training.processes import import_path

if TYPE_CHECKING:  # helpers are started before torch is imported here: both load at the same time
    from hilt.rollout.evaluation import EpisodeResult

_POLL_S = 0.05
_AHEAD = 2
"""Seeds that a helper has at a time: it need not wait for this process, which plays, too, to be asked."""


class Episodes:
    """Those of an evaluation: taken one by one, from several threads, until each has its result.

    `on_result` hears of each result, one at a time.
    """

    def __init__(self, seeds: Sequence[int], on_result: Callable[[EpisodeResult], None]) -> None:
        self._seeds, self._on_result = seeds, on_result
        self._waiting = deque(range(len(seeds)))
        self._results: dict[int, EpisodeResult] = {}
        self._lock = threading.Lock()
        self._here = 0

    def take(self) -> int | None:
        """Index of an episode that nobody plays yet; None: there is none."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def give_back(self, indices: Iterable[int]) -> None:
        """They were taken, and not played."""
        with self._lock:
            self._waiting.extendleft(indices)

    def seed(self, index: int) -> int:
        """Of episode `index`."""
        return self._seeds[index]

    def finish(self, index: int, result: EpisodeResult) -> None:
        """Episode `index` was played."""
        with self._lock:
            self._results[index] = result
            self._on_result(result)

    def here(self, wait: Callable[[], bool]) -> Iterator[int]:
        """Seeds that this thread plays, each followed by `finish_here`. Once none is left, until the helpers
        have theirs, `wait()` is called again and again; False from it is the end."""
        while len(self._results) < len(self._seeds):
            index = self.take()
            if index is not None:
                self._here = index
                yield self._seeds[index]
            elif not wait():
                return
            else:
                time.sleep(_POLL_S)

    def finish_here(self, result: EpisodeResult) -> None:
        """The episode of the seed that `here` gave last was played."""
        self.finish(self._here, result)

    @property
    def results(self) -> list[EpisodeResult]:
        """Those that there are, in the order of the seeds."""
        with self._lock:
            return [self._results[index] for index in sorted(self._results)]


class Helpers:
    """`count` processes that play `episodes` with the policy in `folder`, from `play` on until `close`.

    They begin to load at once. One that dies gives its episode back, for others to play.
    """

    def __init__(self, config: RunConfig, folder: Path, count: int) -> None:
        order = json.dumps({"config": to_dict(config), "folder": str(folder)})
        self._processes = [_start(order) for _ in range(count)]
        self._closed = False

    def play(self, episodes: Episodes) -> None:
        """Play from now on, in the background."""
        for process in self._processes:
            threading.Thread(target=self._serve, args=(process, episodes), daemon=True).start()

    def close(self) -> None:
        """End them at once."""
        self._closed = True
        for process in self._processes:
            process.kill()
            process.wait()

    def __enter__(self) -> Helpers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, process: subprocess.Popen[str], episodes: Episodes) -> None:
        taken: deque[int] = deque()
        while not self._closed:
            while len(taken) < _AHEAD and (index := episodes.take()) is not None:
                _write(process, str(episodes.seed(index)))
                taken.append(index)
            if not taken:
                return
            result = _read(process)
            if result is None:
                break
            episodes.finish(taken.popleft(), result)
        episodes.give_back(taken)
        if not self._closed:
            say("a process of this evaluation died; the others play its episodes")


def to_line(result: EpisodeResult) -> str:
    """`result` as a line of JSON."""
    return json.dumps(asdict(result))


def from_line(line: str) -> EpisodeResult:
    """The result of a `to_line`, every number as it was."""
    from hilt.data.transition import Judge
    from hilt.rollout.evaluation import EpisodeResult

    data = json.loads(line)
    return EpisodeResult(**{**data, "judge": Judge(data["judge"])})


def _start(order: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hilt.training.evaluation_process"],
        env={**os.environ, **import_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the command alone
    )
    _write(process, order)
    return process


def _write(process: subprocess.Popen[str], line: str) -> None:
    """To a process that may be dead: reading from it tells."""
    assert process.stdin is not None
    with suppress(OSError, ValueError):
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _read(process: subprocess.Popen[str]) -> EpisodeResult | None:
    """The next result; None: the process is dead."""
    assert process.stdout is not None
    with suppress(OSError, ValueError):
        line = process.stdout.readline()
        return from_line(line) if line.endswith("\n") else None
    return None
