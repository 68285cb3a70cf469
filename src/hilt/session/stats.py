"""What the people at a page are told about a run: who did what, how it went, and what it cost a person."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from hilt.data.transition import Transition
from hilt.rollout.rollout import Episode
from hilt.webui import Outcome, Telemetry

RECENT = 20
"""Episodes over which rates are taken."""
RATE_S = 1.0
"""Time over which the rate of steps is taken [s]."""


def outcome_of(episode: Episode) -> Outcome:
    """How `episode` ended, in a word."""
    if not (episode.terminated or episode.truncated):
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


@dataclass(slots=True)
class Account:
    """Counts the steps and episodes of this process; a step is `1 / fps` seconds of a person's time."""

    fps: float
    episodes: int = 0
    """Those that are over."""
    step: int = -1
    """Of the episode that is under way."""
    human_steps: int = 0
    human_steps_episode: int = 0
    takeovers: int = 0
    takeovers_episode: int = 0
    intervened: bool = False
    rate: StepRate = field(default_factory=StepRate)
    _recent: deque[tuple[int, int, bool]] = field(default_factory=lambda: deque(maxlen=RECENT))
    """(steps, the operator's among them, success) of an episode."""

    def add_step(self, transition: Transition) -> None:
        """One more control step."""
        takeover = transition.is_intervention and not self.intervened
        self.step, self.intervened = transition.step, transition.is_intervention
        self.human_steps += self.intervened
        self.human_steps_episode += self.intervened
        self.takeovers += takeover
        self.takeovers_episode += takeover
        self.rate.count()

    def add_episode(self, episode: Episode) -> None:
        """The episode counts for the rates; one that was broken off does not."""
        outcome = outcome_of(episode)
        if outcome != "discarded":
            self._recent.append((episode.length, episode.intervention_steps, outcome == "success"))

    def next_episode(self) -> None:
        """The steps that follow are another episode's."""
        self.episodes += 1
        self.step, self.human_steps_episode, self.takeovers_episode = -1, 0, 0
        self.intervened = False

    @property
    def success_rate(self) -> float | None:
        """Of recent episodes."""
        return sum(success for *_, success in self._recent) / len(self._recent) if self._recent else None

    @property
    def intervention_rate(self) -> float | None:
        """Of the steps of recent episodes."""
        steps = sum(steps for steps, *_ in self._recent)
        return sum(human for _, human, _ in self._recent) / steps if steps else None

    def telemetry(self, **more: object) -> Telemetry:
        """The figures as pages show them; `more` are others, and win."""
        figures: dict[str, object] = {
            "controller": "nobody" if self.step < 0 else "operator" if self.intervened else "policy",
            "episode": self.episodes + 1,
            "step": max(self.step, 0),
            "time_s": (self.step + 1) / self.fps,
            "success_rate": self.success_rate,
            "intervention_rate": self.intervention_rate,
            "actor_hz": self.rate.hz,
            "human_seconds": self.human_steps / self.fps,
            "human_seconds_episode": self.human_steps_episode / self.fps,
            "takeovers": self.takeovers,
            "takeovers_episode": self.takeovers_episode,
        }
        return Telemetry(**{**figures, **more})  # type: ignore[arg-type]
