"""`Plan`: what a learner aims at, and how often it does what."""

from __future__ import annotations

from dataclasses import dataclass

from hilt.training.pacing import Pace
from hilt.training.status import Count


@dataclass(frozen=True, slots=True)
class Plan:
    """What the learner aims at. Steps are environment steps, updates optimisation steps."""

    offline_updates: int
    online_steps: int
    pace: Pace
    target_success_rate: float | None = None
    target_cycle_steps: float = float("inf")
    """Median length of successful test episodes at which the target counts as reached."""
    time_limit_s: float = float("inf")
    validation_episodes: int = 200
    tests_alone: bool = True
    """Actors may test the policy unattended; otherwise episodes of training are the test."""
    eval_freq: int = 0
    """Online updates between two validations, whatever the target; 0: none."""
    only_successful_warm_up: bool = False
    """Only steps of successful episodes count for the warm-up."""
    log_freq: int = 200
    save_freq: int = 20_000
    save_every_s: float = 60.0
    publish_every_s: float = 0.1
    save: bool = True

    def count(self, phase: str, updates: int, experience: int, env_steps: int) -> Count:
        """How far `phase` has come."""
        if phase == "offline":
            return Count(updates, self.offline_updates, "updates")
        if phase == "warm-up":
            return Count(experience, self.pace.warm_up, "steps")
        return Count(env_steps, self.online_steps, "steps")

    def seconds_left(self, phase: str, elapsed_s: float, env_steps: int, steps_per_s: float) -> float | None:
        """Until the first of all limits; None: that is not known, or more than a day."""
        if phase in ("done", "stopped"):
            return None
        left = self.time_limit_s - elapsed_s
        if phase != "offline" and steps_per_s > 0:
            left = min(left, (self.online_steps - env_steps) / steps_per_s)
        return max(0.0, left) if left < 24 * 3600 else None

    def reason(self, reached_target: bool, env_steps: int) -> str:
        """Why a training that was not stopped is over."""
        if reached_target:
            return "target reached"
        return "online_steps done" if env_steps >= self.online_steps else "time limit"
