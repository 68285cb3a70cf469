"""Processes: signals as questions, children that are watched and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hilt.training.processes import PARENT, Child, ChildFailedError

WAITS = """
import sys, time
from hilt.training.processes import StopRequest
stop = StopRequest().install()
print("ready", flush=True)
while not stop():
    time.sleep(0.01)
print("stopping", flush=True)
time.sleep(float(sys.argv[1]))
raise SystemExit(stop.exit_code)
"""


def waiting(delay_s: float = 0.0, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WAITS, str(delay_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_a_request_that_the_exit_code_tells_of(number: signal.Signals, code: int) -> None:
    process = waiting()
    process.send_signal(number)
    assert process.wait(20) == code


def test_the_second_signal_ends_it_at_once() -> None:
    process = waiting(delay_s=60)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


def test_a_child_whose_parent_is_gone_ends_by_itself() -> None:
    process = waiting(**{PARENT: str(os.getpid() + 1)})
    assert process.wait(20) == 143


class Sleeper(Child):
    """A child that runs other code than hilt."""

    def __init__(self, code: str) -> None:
        super().__init__("sleeper", [], {})
        self._arguments = [sys.executable, "-c", code]


def ended(child: Child) -> int:
    while child.exit_code is None:
        time.sleep(0.01)
    return child.exit_code


def test_a_child_that_was_killed_and_buried_is_gone() -> None:
    child = Sleeper("import time; ballast = bytearray(300_000_000); time.sleep(60)")
    child.bury()
    child.start()
    time.sleep(0.5)
    child.kill()
    child.bury()
    assert child.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
    child.bury()


def test_a_child_that_was_killed_is_started_again_and_the_user_is_told() -> None:
    told: list[str] = []
    child = Sleeper("import time; time.sleep(60)")
    child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    child.revive(told.append)
    assert child.pid != first
    assert "SIGKILL" in told[0]
    child.terminate()
    child.wait(20)
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_cannot_go_on_is_not_started_again() -> None:
    child = Sleeper("raise SystemExit(2)")
    child.start()
    ended(child)
    with pytest.raises(ChildFailedError) as failure:
        child.revive(print)
    assert failure.value.exit_code == 2


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "import os; os.kill(os.getpid(), 9)"])
def test_a_child_that_dies_again_and_again_is_given_up(code: str) -> None:
    child = Sleeper(code)
    child.start()

    def revive_for_ever() -> None:
        while ended(child):
            child.revive(lambda text: None)

    with pytest.raises(ChildFailedError) as failure:
        revive_for_ever()
    assert failure.value.exit_code == 1


def test_a_child_that_does_not_listen_is_made_to_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child = Sleeper(
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    child.start()
    while not ready.exists():
        time.sleep(0.01)
    child.terminate()
    child.wait(0.2)
    assert child.exit_code == -signal.SIGKILL
