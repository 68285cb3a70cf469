"""The last episodes, who was in control when, and how the run's rates developed."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from hilt.webui.view import Outcome, Telemetry

EPISODES = 40
"""How many episodes the timeline shows."""
POINTS = 400
"""How many points a curve has at most; a longer run keeps every second, fourth, ... of them."""


@dataclass(slots=True)
class _Episode:
    number: int
    steps: int = 0
    spans: list[list[int]] = field(default_factory=list)
    """[first step, one past the last step] of each intervention."""
    outcome: Outcome | None = None

    def add(self, step: int, intervened: bool) -> None:
        """A step may be told again."""
        self.steps = step + 1
        if not intervened:
            return
        if self.spans and self.spans[-1][1] >= step:
            self.spans[-1][1] = step + 1
        else:
            self.spans.append([step, step + 1])

    def to_json(self) -> list[object]:
        return [self.number, self.steps, [list(span) for span in self.spans], self.outcome]


class History:
    """Told of every control step by the rollout's thread, read by the server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._episodes: deque[_Episode] = deque(maxlen=EPISODES)
        self._curve: list[list[float | None]] = []
        self._stride = 1
        self.version = 0
        """Grows whenever an episode ends."""

    def add(self, telemetry: Telemetry) -> None:
        """Account for one control step, if a person made it, and for the end of its episode."""
        if telemetry.controller == "nobody":
            return
        self.count(telemetry.episode, telemetry.step, telemetry.controller == "operator")
        with self._lock:
            current = self._current(telemetry.episode)
            if telemetry.outcome is not None and current.outcome is None:
                current.outcome = telemetry.outcome
                self._add_point(telemetry)
                self.version += 1

    def count(self, episode: int, step: int, intervened: bool) -> None:
        """Account for one control step."""
        with self._lock:
            self._current(episode).add(step, intervened)

    def _current(self, number: int) -> _Episode:
        if (
            not self._episodes
            or self._episodes[-1].number != number
            or self._episodes[-1].outcome is not None
        ):
            self._episodes.append(_Episode(number))
        return self._episodes[-1]

    def _add_point(self, telemetry: Telemetry) -> None:
        if self.version % self._stride == 0:
            self._curve.append([telemetry.episode, telemetry.success_rate, telemetry.intervention_rate])
        if len(self._curve) > POINTS:
            self._curve = self._curve[::2]
            self._stride *= 2

    def finished(self) -> dict[str, object]:
        """`episodes`: [number, steps, spans, outcome]; `curve`: [episode, success, interventions]."""
        with self._lock:
            episodes = [episode.to_json() for episode in self._episodes if episode.outcome is not None]
            return {"episodes": episodes, "curve": [list(point) for point in self._curve]}

    def current(self) -> list[object] | None:
        """The episode that is under way, as in `finished`."""
        with self._lock:
            if not self._episodes or self._episodes[-1].outcome is not None:
                return None
            return self._episodes[-1].to_json()
