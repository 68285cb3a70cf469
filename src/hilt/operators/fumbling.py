"""A person who fails, `--operator=hilt.operators.fumbling:Fumbler`: what a classifier must see, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.operators.base import Command, Expert, OperatorUnavailableError

_LONGEST_PATIENCE = 10
_HOLD = 6


class Fumbler:
    """Begins as the task's expert would, loses patience, and waves about.

    A classifier that has only ever seen a raised gripper with the cube in it rewards a raised gripper; most
    of these movements therefore rise. `action_low` and `action_high` are the bounds [A] of the actions, whose
    third number is the way up.
    """

    interactive = False

    def __init__(self, *, seed: int, fps: float, action_low: ArrayLike, action_high: ArrayLike) -> None:
        self._rng = np.random.default_rng(seed)
        self._low, self._high = np.asarray(action_low), np.asarray(action_high)

    def reset(self, expert: Expert | None) -> None:
        """A new episode begins. Raises OperatorUnavailableError where the environment offers no expert."""
        if expert is None:
            raise OperatorUnavailableError("the fumbler needs an environment with an expert")
        self._expert = expert
        self._patience, self._steps = int(self._rng.integers(_LONGEST_PATIENCE)), 0

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """The expert's action while patience lasts, then a random one, held for a while."""
        self._steps += 1
        if self._steps <= self._patience:
            return Command(self._expert.action())
        if (self._steps - self._patience) % _HOLD == 1:
            self._action = self._rng.uniform(self._low, self._high).astype(np.float32)
            self._action[2] = self._rng.uniform(self._low[2] / 2, self._high[2])
        return Command(self._action)

    def close(self) -> None:
        """There is nothing to let go of."""
