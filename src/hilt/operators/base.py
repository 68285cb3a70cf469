"""The operator protocol: who may take the controls from the policy, and how they say so."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hilt.errors import UserError


class Event(enum.Enum):
    """What an operator may declare besides an action."""

    SUCCESS = "success"
    FAILURE = "failure"
    RERECORD = "rerecord"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's answer at one control step: nothing, an action, an event, or both.

    `action` is float32 [A] in environment units; None leaves the policy in control of this very step.
    """

    action: NDArray[np.float32] | None = None
    event: Event | None = None


NOTHING = Command()


class OperatorUnavailableError(UserError, RuntimeError):
    """The device is not there. The message names it and the way out."""


class Expert(Protocol):
    """Privileged knowledge of a task, as its environment offers it to a simulated human.

    `env.unwrapped.expert` of every hilt environment is one.
    """

    def action(self) -> NDArray[np.float32]:
        """The action [A], environment units, that a skilled person would give now."""
        ...

    def progress(self) -> float:
        """How far the task has come, 0..1, 1 on success; compared over time, not across tasks."""
        ...

    def in_danger(self) -> bool:
        """Something is about to go wrong: an object near the edge, a lost grasp."""
        ...


@runtime_checkable
class Deceivable(Protocol):
    """An expert that can be shown things where they are not; any other sees them truly."""

    def seen_with_error(self, error: NDArray[np.float64]) -> None:
        """From now on things seem to be `error` `[3]` m from their places: right, up, towards the viewer."""
        ...


class Operator(Protocol):
    """Asked exactly once per control step."""

    @property
    def interactive(self) -> bool:
        """A person is attached: the rollout keeps real time."""
        ...

    def reset(self, expert: Expert | None) -> None:
        """A new episode begins; presses made before now count for nothing."""
        ...

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        """The answer for this step; `policy_action` [A] is what the policy proposes."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


class NoOperator:
    """`none`: the policy alone."""

    interactive = False

    def reset(self, expert: Expert | None) -> None:
        """Nothing to prepare."""

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        return NOTHING

    def close(self) -> None:
        """Nothing to let go of."""
