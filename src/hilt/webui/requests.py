"""What the people at the pages want of the run, kept for the rollout to poll."""

from __future__ import annotations

import enum
import threading

from hilt.webui.watch import Watch


class Decision(enum.Enum):
    """About the episode that is over, the next that is asked for, or what a real arm does next."""

    KEEP = "keep"
    DISCARD = "discard"
    ENOUGH = "enough"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    READY = "ready"


class Requests:
    """Thread-safe: the server's thread writes, the rollout reads. Nothing here waits."""

    def __init__(self) -> None:
        self.watch = Watch()
        self._lock = threading.Lock()
        self._pause_reason: str | None = None
        self._resumes_by_taking_over = False
        self._stopped = False
        self._decision: Decision | None = None

    @property
    def paused(self) -> bool:
        """The run should take no further step until this is False."""
        return self._pause_reason is not None

    @property
    def pause_reason(self) -> str | None:
        """Why the run is paused, in words."""
        return self._pause_reason

    @property
    def stopped(self) -> bool:
        """The run should end, as it does at Ctrl-C."""
        return self._stopped

    def pause(self, reason: str = "Paused", *, until_taken_over: bool = False) -> None:
        """Pause until `resume`, or until a person takes over, if that is enough. A first reason stands."""
        with self._lock:
            if self._pause_reason is None:
                self._pause_reason, self._resumes_by_taking_over = reason, until_taken_over

    def resume(self) -> None:
        with self._lock:
            self._pause_reason = None

    def taken_over(self) -> None:
        """A person is at the controls: a pause that waited for them is over."""
        with self._lock:
            if self._resumes_by_taking_over:
                self._pause_reason = None

    def stop(self) -> None:
        self._stopped = True

    def decide(self, decision: Decision) -> None:
        with self._lock:
            self._decision = decision

    def take_decision(self) -> Decision | None:
        """What was decided since the last time; once told, it is used up."""
        with self._lock:
            decision, self._decision = self._decision, None
            return decision
