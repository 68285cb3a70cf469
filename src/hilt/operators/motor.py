"""The hand of the simulated human, and its eye: what a person does where an expert knows what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.operators.habits import Habits


class Hand:
    """Turns what the expert would do into what a person's hand does, one step after the other.

    Axes whose range is symmetric about zero are motions: they shake and have a speed; another (the gripper,
    0..2) is a trigger, pressed or not. `weariness` is what fatigue multiplies errors by.
    """

    def __init__(
        self,
        habits: Habits,
        low: NDArray[np.float32],
        high: NDArray[np.float32],
        rng: np.random.Generator,
        weariness: float = 1.0,
    ) -> None:
        self._low, self._high, self._rng = low, high, rng
        self._looks = rng.spawn(1)[0]
        self._motion = low == -high
        self._full = np.where(self._motion & (high > 0), high, 1.0)
        clumsiness = 1 - habits.skill
        self._spread = habits.noise * (1 + clumsiness) * weariness * (high - low) * self._motion
        self._signal_noise = habits.signal_noise * weariness
        self._speed = habits.speed / weariness
        self._correlation = habits.noise_correlation
        self._lapse_probability = 0.15 * clumsiness
        self._stop_probability = min(1.0, habits.hesitation * weariness)
        self._lapse: NDArray[np.floating[Any]] | None = None
        self._lapse_steps = self._stop_steps = 0
        self._error = rng.standard_normal(len(low))

    def follow(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """The executed action [A], within the bounds, where the expert wanted `action`."""
        self._shake()
        self._maybe_lapse()
        wanted = action if self._lapse is None else np.where(self._motion, self._lapse, action)
        wanted = np.where(self._motion, 0.0, action) if self._stops() else self._slowed(wanted)
        spread = self._spread + self._signal_noise * self._size(wanted) * self._full * self._motion
        return np.asarray(np.clip(wanted + self._error * spread, self._low, self._high), np.float32)

    def _size(self, action: NDArray[Any]) -> float:
        """Of the motion, as a share of the full stick: its largest axis."""
        return float(np.abs(action / self._full)[self._motion].max(initial=0.0))

    def _slowed(self, action: NDArray[Any]) -> NDArray[Any]:
        """The same direction, no axis beyond the speed of this hand."""
        size = self._size(action)
        return (
            action if size <= self._speed else np.where(self._motion, action * (self._speed / size), action)
        )

    def _stops(self) -> bool:
        """Whether the person has stopped to look."""
        if self._stop_steps > 0:
            self._stop_steps -= 1
        elif self._looks.random() < self._stop_probability:
            self._stop_steps = int(self._looks.integers(2, 6, endpoint=True))
        return self._stop_steps > 0

    def _shake(self) -> None:
        """A first-order autoregression of unit variance."""
        fresh = self._rng.standard_normal(len(self._error))
        self._error = self._correlation * self._error + np.sqrt(1 - self._correlation**2) * fresh

    def _maybe_lapse(self) -> None:
        """Now and then an unskilled person hesitates, or moves the wrong way, for two to six steps."""
        if self._lapse_steps > 0:
            self._lapse_steps -= 1
            return
        self._lapse = None
        if self._rng.random() < self._lapse_probability:
            self._lapse_steps = int(self._rng.integers(1, 6))
            hesitates = self._rng.random() < 0.5
            middle = (self._low + self._high) / 2
            self._lapse = middle if hesitates else self._rng.uniform(self._low, self._high)


class Eye:
    """Where things seem to be: an error that wanders slowly, larger along the view than across it."""

    def __init__(self, habits: Habits, fps: float, rng: np.random.Generator, weariness: float = 1.0) -> None:
        self._rng = rng
        across = habits.perception * weariness
        self._spread = np.array((across, across, habits.perception_depth * across))
        self._kept = float(np.exp(-1.0 / (habits.perception_s * fps)))
        self._error = rng.standard_normal(3)

    def error(self) -> NDArray[np.float64]:
        """How far from their places things seem at this step, `[3]` m: right, up, towards the viewer.

        An Ornstein-Uhlenbeck process, sampled at every control step.
        """
        fresh = self._rng.standard_normal(3)
        self._error = self._kept * self._error + np.sqrt(1 - self._kept**2) * fresh
        return self._spread * self._error
