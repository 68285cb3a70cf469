"""`scripted`: a simulated human, so that human-in-the-loop training can be tested and compared.

A task's `Expert` knows what to do; `Habits` say when a person would notice, take over, how well their hand
follows and their eye sees, and when they let go or lose interest. Everything is counted in control steps and
drawn from generators seeded by (seed, episode): the same seed and the same episodes give the same commands.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.base import (
    NOTHING,
    Command,
    Deceivable,
    Event,
    Expert,
    OperatorUnavailableError,
)
from hilt.operators.habits import Habits
from hilt.operators.motor import Eye, Hand


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
        self._episodes = self._steps = 0
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
        weariness = 1 + self.habits.fatigue * self._steps / (3600 * self._fps)
        hand = Hand(self.habits, *self._bounds, rng, weariness)
        eye = Eye(self.habits, self._fps, rng.spawn(1)[0], weariness)
        self._now = _Attendance(self.habits, expert, hand, eye, watching, self._fps, rng)

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """Nothing, or the human's action; `Event.SUCCESS` when the person declares success by hand."""
        if self._now is None:
            raise RuntimeError("command() before reset(): no episode has begun")
        self._steps += 1
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
        eye: Eye,
        watching: bool,
        fps: float,
        rng: np.random.Generator,
    ) -> None:
        self.saw_need = False
        self._habits, self._expert, self._watching = habits, expert, watching
        self._hand, self._eye, self._fps, self._rng = hand, eye, fps, rng
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
            return Command(self._hand.follow(self._wanted()), event)
        return Command(event=event) if event else NOTHING

    def _wanted(self) -> NDArray[np.float32]:
        """What the expert would do if things were where this person sees them."""
        error = self._eye.error()
        if not (isinstance(self._expert, Deceivable) and error.any()):
            return self._expert.action()
        self._expert.seen_with_error(error)
        action = self._expert.action()
        self._expert.seen_with_error(np.zeros(3))
        return action

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
