"""Child processes of `hilt train`: started, watched, restarted, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from hilt.errors import UserError

PARENT = "HILT_PARENT_PID"
_MAX_RESTARTS = 5
_MAX_ERRORS = 2
_WINDOW_S = 60.0
_DEATH_S = 5.0


class ChildFailedError(UserError, RuntimeError):
    """A child ended in a way that starting it again cannot mend. `exit_code` is what to exit with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Child:
    """One `hilt VERB ...` process, in a session of its own so that Ctrl-C reaches only the supervisor."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: Path | None = None,
    ) -> None:
        """What it says goes to the end of the file `output`, if that is given."""
        self.name, self._output = name, output
        self._arguments = [sys.executable, "-m", "hilt", *arguments]
        self._environment = {**os.environ, **import_path(), **environment, PARENT: str(os.getpid())}
        self._starts: list[float] = []
        self._errors = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        self._starts.append(time.monotonic())
        with ExitStack() as opened:
            file = None if self._output is None else opened.enter_context(self._output.open("ab"))
            self._process = subprocess.Popen(
                self._arguments,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        return self._process.poll() if self._process is not None else None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def revive(self, tell: Callable[[str], None]) -> None:
        """Start it again after it died.

        Raises:
            ChildFailedError: it has said why it cannot go on (exit 2), it keeps ending with errors of its
                own, or it died too often in a short time.
        """
        code = self.exit_code
        if code == 2:
            raise ChildFailedError(f"the {self.name} cannot go on; it has said why", 2)
        self._errors += code is not None and code > 0
        if self._errors > _MAX_ERRORS:
            raise ChildFailedError(f"the {self.name} ended with an error {self._errors} times; giving up", 1)
        recent = [start for start in self._starts if time.monotonic() - start < _WINDOW_S]
        if len(recent) > _MAX_RESTARTS:
            raise ChildFailedError(f"the {self.name} died {len(recent)} times within a minute; giving up", 1)
        tell(f"the {self.name} died ({_cause(code)}); starting it again")
        self.start()

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, grace_s: float) -> None:
        """Return when it has ended; after `grace_s` seconds make it."""
        if self._process is None:
            return
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it at once; safe in a signal handler."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Return when it, killed, is gone, which takes a busy machine a moment; safe in a signal handler,
        where `wait` is not: it might have interrupted another."""
        deadline = time.monotonic() + _DEATH_S
        with suppress(ChildProcessError):
            while self._process is not None and time.monotonic() < deadline:
                if os.waitpid(self._process.pid, os.WNOHANG)[0]:
                    return
                time.sleep(0.01)


class StopRequest:
    """A wish to end, as a question the loops ask. `install`ed, SIGINT and SIGTERM are such a wish; the second
    one ends the process at once."""

    def __init__(self, on_second: Callable[[], None] = lambda: None) -> None:
        self.signal: int | None = None
        self._event = threading.Event()
        self.on_second = on_second

    def install(self) -> StopRequest:
        """Catch the signals from now on, and the death of the supervisor that started this process."""
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)
        if PARENT in os.environ:
            threading.Thread(target=self._watch_parent, daemon=True, name="parent-watch").start()
        return self

    def __call__(self) -> bool:
        return self._event.is_set()

    def request(self, number: int = signal.SIGTERM) -> None:
        """Ask the command to end, as the signal `number` does."""
        self.signal = number
        self._event.set()

    @property
    def exit_code(self) -> int:
        """128 + the signal: 130 after Ctrl-C."""
        return 0 if self.signal is None else 128 + self.signal

    def _handle(self, number: int, frame: object) -> None:
        if self._event.is_set():
            self.on_second()
            os._exit(128 + number)
        self.request(number)

    def _watch_parent(self) -> None:
        parent = int(os.environ[PARENT])
        while os.getppid() == parent:
            time.sleep(0.5)
        self.request()


def import_path() -> dict[str, str]:
    """A child finds the modules that its parent finds: environments and operators beside a script."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
