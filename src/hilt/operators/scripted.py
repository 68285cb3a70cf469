"""`scripted`: a simulated human, so that human-in-the-loop training can be tested and compared.

A task's `Expert` knows what to do; `Habits` say when a person would notice, take over, how well their hand
follows, and when they let go or lose interest. Everything is counted in control steps and drawn from
generators seeded by (seed, episode): the same seed and the same episodes give the same commands.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.base import NOTHING, Command, Event, Expert, OperatorUnavailableError


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
    noise: float = 0.04
    """Standard deviation of the hand, as a fraction of each motion axis' range."""
    noise_correlation: float = 0.6
    """Of the hand's error between successive steps, 0..1 (exclusive)."""
    skill: float = 1.0
    """1: as good as the expert and hand above. Towards 0: a shakier hand, hesitation, wrong moves."""
    success_delay_s: tuple[float, float] | None = None
    """Seconds between success and the press that declares it, such as (0.3, 1.0). None: presses nothing."""

    def __post_init__(self) -> None:
        for name in ("attention", "skill"):
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
        if min(self.patience, self.trust_window) < 1 or self.noise < 0:
            raise ValueError(
                "habits.patience and habits.trust_window must be at least 1, habits.noise at least 0"
            )


class Hand:
    """Turns what the expert would do into what a person's hand does, one step after the other.

    Axes whose range is symmetric about zero are motions and shake; another (the gripper, 0..2) is a trigger,
    pressed or not, and does not.
    """

    def __init__(
        self, habits: Habits, low: NDArray[np.float32], high: NDArray[np.float32], rng: np.random.Generator
    ) -> None:
        self._low, self._high, self._rng = low, high, rng
        self._motion = low == -high
        clumsiness = 1 - habits.skill
        self._spread = habits.noise * (1 + clumsiness) * (high - low) * self._motion
        self._correlation = habits.noise_correlation
        self._lapse_probability = 0.15 * clumsiness
        self._lapse: NDArray[np.floating[Any]] | None = None
        self._lapse_steps = 0
        self._error = rng.standard_normal(len(low))

    def follow(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """The executed action [A], within the bounds, where the expert wanted `action`."""
        self._shake()
        self._maybe_lapse()
        wanted = action if self._lapse is None else np.where(self._motion, self._lapse, action)
        executed = np.clip(wanted + self._error * self._spread, self._low, self._high)
        return np.asarray(executed, np.float32)

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


class ScriptedOperator:
    """The simulated human. `action_low` and `action_high` are the bounds [A] of the environment's actions."""

    interactive = False

    def __init__(
        self,
        *,
        seed: int,
        fps: float,
        action_low: ArrayLike,
        action_high: ArrayLike,
        habits: Habits | None = None,
    ) -> None:
        self.habits = habits or Habits()
        self._seed = seed
        self._fps = fps
        self._bounds = np.asarray(action_low, np.float32), np.asarray(action_high, np.float32)
        self._episodes = 0
        self._fared_well: deque[bool] = deque(maxlen=self.habits.trust_window)
        self._now: _Attendance | None = None

    def reset(self, expert: Expert | None) -> None:
        """A new episode begins. Raises OperatorUnavailableError where the environment offers no expert."""
        if expert is None:
            raise OperatorUnavailableError(
                "operator 'scripted' needs an environment with an expert (env.unwrapped.expert); this one "
                "has none: give it one, or choose another operator, such as --operator=none"
            )
        if self._now is not None:
            self._fared_well.append(not self._now.saw_need)
        rng = np.random.default_rng((self._seed, self._episodes))
        self._episodes += 1
        watching = rng.random() < self.habits.attention and not self._trusts()
        hand = Hand(self.habits, *self._bounds, rng)
        self._now = _Attendance(self.habits, expert, hand, watching, self._fps, rng)

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """Nothing, or the human's action; `Event.SUCCESS` when the person declares success by hand."""
        if self._now is None:
            raise RuntimeError("command() before reset(): no episode has begun")
        return self._now.command()

    def close(self) -> None:
        """Nothing to let go of."""

    def _trusts(self) -> bool:
        """Recent episodes, watched or not, mostly needed no help."""
        recent = self._fared_well
        return len(recent) == recent.maxlen and sum(recent) >= self.habits.trust * len(recent)


class _Attendance:
    """What the person sees and does in one episode."""

    def __init__(
        self,
        habits: Habits,
        expert: Expert,
        hand: Hand,
        watching: bool,
        fps: float,
        rng: np.random.Generator,
    ) -> None:
        self.saw_need = False
        self._habits, self._expert, self._hand, self._watching = habits, expert, hand, watching
        self._fps, self._rng = fps, rng
        self._progress = self._best = expert.progress()
        self._stalled = 0
        self._until_takeover: int | None = None
        self._until_press: int | None = None
        self._held = 0
        """Steps of the takeover that goes on, this one included; 0: the policy has the controls."""
        self._held_from = 0.0

    def command(self) -> Command:
        self._progress = self._expert.progress()
        event = Event.SUCCESS if self._presses_success() else None
        if self._habits.always or self._holds():
            return Command(self._hand.follow(self._expert.action()), event)
        return Command(event=event) if event else NOTHING

    def _holds(self) -> bool:
        """Whether the person holds the controls at this step."""
        if self._held and self._lets_go():
            self._held, self._best, self._stalled = 0, self._progress, 0
            return False
        if self._held or self._takes_over():
            self._held += 1
        return self._held > 0

    def _lets_go(self) -> bool:
        shortest, longest = self._habits.hold
        goal = min(1.0, self._held_from + self._habits.recovery)
        recovered = self._progress >= goal and not self._expert.in_danger()
        return self._held >= longest or (self._held >= shortest and recovered)

    def _takes_over(self) -> bool:
        """Once help is needed, and the person is watching, a reaction time later."""
        if self._until_takeover is None and self._sees_need():
            self.saw_need = True
            if self._watching:
                self._until_takeover = int(self._rng.integers(*self._habits.reaction, endpoint=True))
        if self._until_takeover is None:
            return False
        self._until_takeover -= 1
        if self._until_takeover >= 0:
            return False
        self._until_takeover, self._held_from = None, self._progress
        return True

    def _sees_need(self) -> bool:
        """Something is about to go wrong, or nothing has moved on for as long as patience lasts."""
        if self._progress >= self._best + self._habits.least_progress:
            self._best, self._stalled = self._progress, 0
        else:
            self._stalled += 1
        stuck = self._stalled >= self._habits.patience and self._progress < 1
        return stuck or self._expert.in_danger()

    def _presses_success(self) -> bool:
        """True on one step of an episode: the chosen time after success was first seen."""
        if self._habits.success_delay_s is None:
            return False
        if self._until_press is None:
            if self._progress < 1:
                return False
            self._until_press = round(self._rng.uniform(*self._habits.success_delay_s) * self._fps)
        self._until_press -= 1
        return self._until_press == -1
