"""What the people at a page are told about a run: who did what, how it went, and what it cost a person."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hilt.rollout.rollout import Episode
from hilt.runs.history import History
from hilt.webui import Outcome, Telemetry

RATE_S = 1.0
"""Time over which the rate of steps is taken [s]."""


def outcome_of(episode: Episode) -> Outcome:
    """How `episode` ended, in a word."""
    if not episode.is_complete:
        return "discarded"
    if episode.is_success:
        return "success"
    return "timeout" if episode.truncated else "failure"


@dataclass(slots=True)
class StepRate:
    """Steps per second."""

    hz: float | None = None
    _steps: int = 0
    _since: float = field(default_factory=time.monotonic)

    def count(self) -> None:
        """One more step, now."""
        self._steps += 1
        passed = time.monotonic() - self._since
        if passed >= RATE_S:
            self.hz = self._steps / passed
            self._steps, self._since = 0, time.monotonic()


def telemetry(history: History, episode: Episode, actor_hz: float | None, **more: object) -> Telemetry:
    """The figures as pages show them, of `history` and the `episode` under way; `more` win over them."""
    intervened = bool(episode.control[-1:] == [True])
    fps, cost = history.fps, history.cost()
    figures: dict[str, object] = {
        "controller": "nobody" if not episode.length else "operator" if intervened else "policy",
        "episode": history.episodes + 1,
        "step": max(episode.length - 1, 0),
        "time_s": episode.length / fps,
        **(history.rates() if history.recent else {}),
        "actor_hz": actor_hz,
        "human_seconds": cost["human_s"] + episode.intervention_steps / fps,
        "human_seconds_episode": episode.intervention_steps / fps,
        "watching_seconds": cost["watching_s"] + episode.watched_steps / fps,
        "takeovers": history.takeovers + episode.takeovers,
        "takeovers_episode": episode.takeovers,
    }
    return Telemetry(**{**figures, **more})  # type: ignore[arg-type]
