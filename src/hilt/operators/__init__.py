"""Who may take the controls from the policy."""

from hilt.operators.base import (
    NOTHING,
    Command,
    Event,
    Expert,
    NoOperator,
    Operator,
    OperatorUnavailableError,
)
from hilt.operators.registry import NAMES, make_operator
from hilt.operators.scripted import Habits, ScriptedOperator

__all__ = [
    "NAMES",
    "NOTHING",
    "Command",
    "Event",
    "Expert",
    "Habits",
    "NoOperator",
    "Operator",
    "OperatorUnavailableError",
    "ScriptedOperator",
    "make_operator",
]
