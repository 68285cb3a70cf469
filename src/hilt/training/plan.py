"""`Plan`: what a learner aims at, and how often it does what."""

from __future__ import annotations

from dataclasses import dataclass

from hilt.training.pacing import Pace


@dataclass(frozen=True, slots=True)
class Plan:
    """What the learner aims at. Steps are environment steps, updates optimisation steps."""

    offline_updates: int
    online_steps: int
    pace: Pace
    target_success_rate: float | None = None
    time_limit_s: float = float("inf")
    validation_episodes: int = 200
    tests_alone: bool = True
    """Actors may test the policy with nobody there; otherwise episodes of training are the test."""
    eval_freq: int = 0
    """Online updates between two validations, whatever the target; 0: none."""
    only_successful_warm_up: bool = False
    """Only steps of successful episodes count for the warm-up."""
    log_freq: int = 200
    save_freq: int = 20_000
    save_every_s: float = 60.0
    publish_every_s: float = 0.1
    save: bool = True
