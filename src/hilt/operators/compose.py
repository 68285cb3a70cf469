"""Several operators at one robot: the first named of those in control wins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilt.operators.base import Command, Expert, Operator


class FirstOf:
    """Asks every operator at every step; the first action counts, and the first event."""

    def __init__(self, *operators: Operator) -> None:
        self._operators = operators

    @property
    def interactive(self) -> bool:
        """A person is attached to one of them."""
        return any(operator.interactive for operator in self._operators)

    def reset(self, expert: Expert | None) -> None:
        for operator in self._operators:
            operator.reset(expert)

    def command(self, policy_action: NDArray[np.float32]) -> Command:
        commands = [operator.command(policy_action) for operator in self._operators]
        action = next((command.action for command in commands if command.action is not None), None)
        event = next((command.event for command in commands if command.event is not None), None)
        return Command(action, event)

    def close(self) -> None:
        for operator in self._operators:
            operator.close()
