"""How the simulated human of `scripted.py` behaves, and three of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the simulated human behaves. Ranges are (lowest, highest), both included, drawn anew each time."""

    always: bool = False
    """Holds the controls at every step: a demonstration."""
    attention: float = 0.5
    """Probability, drawn once per episode, of watching it; what is not watched gets no help."""
    patience: int = 20
    """Steps without progress after which the person thinks that the policy is stuck."""
    least_progress: float = 0.01
    """Growth of `Expert.progress()` above its best so far that counts as progress."""
    reaction: tuple[int, int] = (2, 4)
    """Steps between seeing that help is needed and holding the controls."""
    hold: tuple[int, int] = (5, 40)
    """Fewest and most steps of one takeover. Between them, `recovery` decides."""
    recovery: float = 0.25
    """Progress gained since the takeover at which the person lets go; 1 holds on to the end."""
    trust: float = 0.95
    """The person helps no more while this share of recent episodes needed no help; above 1: always helps."""
    trust_window: int = 20
    """How many recent episodes that is."""
    speed: float = 1.0
    """Share of the full stick, 0 (exclusive) to 1, that the hand uses at most."""
    noise: float = 0.04
    """Standard deviation of the hand at rest, as a fraction of each motion axis' range."""
    signal_noise: float = 0.0
    """Standard deviation of the hand per size of its command (signal-dependent: Harris & Wolpert, 1998).
    Near a contact, where commands are small, the hand is steady."""
    noise_correlation: float = 0.6
    """Of the hand's error between successive steps, 0..1 (exclusive)."""
    perception: float = 0.0
    """Standard deviation of the error with which the person sees where things are [m], across the view."""
    perception_depth: float = 2.0
    """How many times as large it is along the view."""
    perception_s: float = 2.0
    """Time in which that error is forgotten and another has come [s]."""
    hesitation: float = 0.0
    """Probability per step of stopping to look, for two to six steps."""
    fatigue: float = 0.0
    """Growth of noise, error of perception and hesitation, and loss of speed, per hour of the session."""
    skill: float = 1.0
    """1: as good as the other habits say. Towards 0: a shakier hand, hesitation, wrong moves."""
    success_delay_s: tuple[float, float] | None = None
    """Seconds between success and the press that declares it, such as (0.3, 1.0). None: presses nothing."""

    def __post_init__(self) -> None:
        for name in ("attention", "skill", "hesitation"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"habits.{name} is {getattr(self, name)}: must lie in 0..1")
        if not 0 <= self.noise_correlation < 1:
            raise ValueError(
                f"habits.noise_correlation is {self.noise_correlation}: must be at least 0 and below 1"
            )
        for name in ("reaction", "hold", "success_delay_s"):
            span = getattr(self, name)
            if span is not None and not 0 <= span[0] <= span[1]:
                raise ValueError(
                    f"habits.{name} is {span}: must be (lowest, highest) with 0 <= lowest <= highest"
                )
        if min(self.patience, self.trust_window) < 1:
            raise ValueError("habits.patience and habits.trust_window must be at least 1")
        for name in ("noise", "signal_noise", "perception", "perception_depth", "fatigue"):
            if getattr(self, name) < 0:
                raise ValueError(f"habits.{name} is {getattr(self, name)}: must be at least 0")
        if not 0 < self.speed <= 1 or self.perception_s <= 0:
            raise ValueError("habits.speed must lie in 0..1, above 0, habits.perception_s above 0")


PERSONS: Mapping[str, Mapping[str, Any]] = {
    "expert": {
        "noise": 0.005,
        "signal_noise": 0.05,
        "perception": 0.0005,
        "fatigue": 0.1,
    },
    "average": {
        "speed": 0.5,
        "noise": 0.01,
        "signal_noise": 0.15,
        "perception": 0.0015,
        "hesitation": 0.02,
        "reaction": (3, 6),
        "fatigue": 0.2,
    },
    "novice": {
        "speed": 0.3,
        "noise": 0.02,
        "signal_noise": 0.3,
        "perception": 0.003,
        "hesitation": 0.05,
        "reaction": (4, 10),
        "fatigue": 0.4,
    },
}
"""Name -> what this person has otherwise than `Habits`. What they achieve: docs/tasks.md."""

OPTIONS = ("person", *(field.name for field in fields(Habits)))
"""What may be said of the scripted operator."""


def habits_of(options: Mapping[str, Any]) -> Habits:
    """The habits of `options["person"]`, one of `PERSONS`, changed by the other `OPTIONS`.

    Raises ValueError for a person that there is not, or a value that is impossible.
    """
    person = options.get("person")
    if person is not None and person not in PERSONS:
        raise ValueError(f"person {person!r} is unknown: one of {', '.join(PERSONS)}")
    habits: dict[str, Any] = {**(PERSONS[person] if person else {}), **options}
    habits.pop("person", None)
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in habits.items()
    }
    return Habits(**plain)
