"""How far the learner may run ahead of the data, and when it is due for what."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SLACK_STEPS = 100
"""Experience that actors may always be ahead."""


class Pace:
    """Bounds updates by experience, so that a learner without data waits instead of spinning, and simulated
    experience by updates, so that actors do not take the processor from the learner for stale data.

    `max_updates_per_env_step` counts optimisation steps per environment step received since learning began,
    `max_env_steps_per_update` the other way round; None bounds nothing.
    """

    def __init__(
        self,
        max_updates_per_env_step: float | None,
        warm_up_steps: int,
        max_env_steps_per_update: float | None = None,
    ) -> None:
        self._ratio = max_updates_per_env_step
        self.warm_up = warm_up_steps
        """Steps of experience before online learning."""
        self._steps_ratio = max_env_steps_per_update

    def warming_up(self, env_steps: int) -> bool:
        """Online learning has to wait for more experience."""
        return env_steps < self.warm_up

    def may_update(self, env_steps: int, updates: int) -> bool:
        """One more update is allowed after `updates` online updates."""
        if self.warming_up(env_steps):
            return False
        return self._ratio is None or updates < self._ratio * max(env_steps, 1)

    def actors_hold(self, env_steps: int, updates: int) -> bool:
        """Actors that do not keep real time should wait for the learner, unless it waits for them."""
        if self._steps_ratio is None or not self.may_update(env_steps, updates):
            return False
        return env_steps > self.warm_up + self._steps_ratio * updates + _SLACK_STEPS


class Every:
    """True at most once per `seconds` [s]."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Wait `seconds` from now."""
        self._next = time.monotonic() + self._seconds

    def due(self) -> bool:
        """Whether it is time; asking restarts the wait."""
        if time.monotonic() < self._next:
            return False
        self.restart()
        return True


class Rate:
    """Events per second over the last `window_s` seconds; over less while that has not passed yet."""

    def __init__(self, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_s, self._clock = window_s, clock
        self._seen: deque[tuple[float, int]] = deque()

    def per_second(self, count: int) -> float:
        """Rate [1/s] at which `count`, a running total, has grown in the window. To be asked often."""
        now = self._clock()
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now - self._window_s:
            self._seen.popleft()
        since, before = self._seen[0]
        return (count - before) / (now - since) if now > since else 0.0
