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
from hilt.operators.habits import PERSONS, Habits
from hilt.operators.registry import NAMES, make_operator
from hilt.operators.scripted import ScriptedOperator

__all__ = [
    "NAMES",
    "NOTHING",
    "PERSONS",
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
