"""Real processes of hilt, watched from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hilt.data.episode_log import read_log
from hilt.data.routing import Source
from hilt.training.processes import PARENT

NETWORK = {"hidden_dims": [32, 32]}
TINY: dict[str, Any] = {
    "job_name": "tiny",
    "env": {"task": "hilt/PickCube-v0"},
    "operator": "scripted",
    "ui": {"enable": False},
    "seed": 3,
    "batch_size": 32,
    "log_freq": 20,
    "save_every_s": 0.5,
    "max_env_steps_per_update": 1.0,
    "demonstrations": {"num_episodes": 3},
    "eval": {"n_episodes": 2, "videos": 1},
    "policy": {
        "type": "sac",
        "online_steps": 300,
        "pretrain_updates": 20,
        "critic_network_kwargs": NETWORK,
        "actor_network_kwargs": NETWORK,
    },
}
"""A training that takes seconds. One update per step keeps actors from being done before anybody looks."""

Steps = list[tuple[int, int]]
"""(episode, step) each."""
PATIENCE_S = 300.0
"""A machine may be busy with other work. Whatever is still there when the tests end, ends with them."""


def write_config(folder: Path, config: Mapping[str, Any] = TINY) -> Path:
    path = folder / "train.json"
    path.write_text(json.dumps(config))
    return path


class Hilt:
    """One `hilt ...` process, started in `folder`; what it says goes into a file there."""

    def __init__(
        self, folder: Path, *arguments: object, python: Path | str = sys.executable, **environment: str
    ) -> None:
        self.output = folder / f"said-{arguments[0]}-{time.monotonic_ns()}.txt"
        with self.output.open("w") as output:
            self._process = subprocess.Popen(
                [python, "-m", "hilt", *map(str, arguments)],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", PARENT: str(os.getpid()), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"did not end:\n{self.said}") from None

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    def children(self) -> dict[str, int]:
        """ "learner", "actor 0", ... -> process id."""
        return {name: pid for name, pid, parent in hilt_processes() if parent == self.pid}

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Waits for `holds`, as long as this process runs."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert self.exit_code is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"never: {what}\n{self.said}"
            time.sleep(0.02)


def hilt_processes() -> list[tuple[str, int, int]]:
    """(name, process id, parent's) of every learner and actor that a `hilt train` has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, UnicodeDecodeError):
            continue  # it has ended meanwhile
        verb = words[3] if words[1:3] == ["-m", "hilt"] and len(words) > 3 else ""
        index = next((w.partition("=")[2] for w in environment if w.startswith("HILT_ACTOR_INDEX=")), "")
        if verb in ("learner", "actor"):
            found.append((f"{verb} {index}".strip(), int(folder.name), parent))
    return found


def processes_of(run: Path) -> list[int]:
    """Learners and actors of `run`, whoever their parent is."""
    found = []
    for _, pid, _ in hilt_processes():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"--output_dir={run}" in words:
            found.append(pid)
    return found


def logged(run: Path, source: Source = Source.ONLINE) -> Steps:
    """(episode, step) of everything in the run's log, in order."""
    log = run / "replay"
    return [(t.episode_id, t.step) for t, kept in read_log(log) if kept is source] if log.is_dir() else []


def ended(run: Path) -> set[int]:
    """Episodes whose last step is in the run's log."""
    return {t.episode_id for t, source in read_log(run / "replay") if t.done and source is Source.ONLINE}


def doubled(steps: Steps) -> Steps:
    return [step for step, count in Counter(steps).items() if count > 1]


def holes(steps: Steps) -> Steps:
    """Steps that are missing before others of their episode."""
    there, last = set(steps), dict(sorted(steps))
    return [(episode, n) for episode in last for n in range(last[episode]) if (episode, n) not in there]


def assert_each_once_and_no_gaps(steps: Steps) -> None:
    """What is missing can only be the ends of episodes, which were never sent."""
    assert not doubled(steps)
    assert not holes(steps)


def checkpoint_step(run: Path) -> int:
    """Update of the checkpoint that `last` names; 0 when there is none."""
    last = run / "checkpoints" / "last"
    return int(last.resolve().name) if last.exists() else 0


def resident_mib(pid: int) -> float:
    """Memory of a process [MiB]."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))
