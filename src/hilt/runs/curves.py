"""Learning curves of runs as step functions, and their mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.runs.comparison import Run
from hilt.runs.intervals import mean_of

AXES = {
    "step": "environment steps",
    "time_s": "wall clock [s]",
    "person_s": "a person's seconds: demonstrations and at the controls",
}
"""Name of an axis -> what it says."""
MEASURES = {
    "training": "success without help, last 20 episodes of training",
    "alone": "success alone: tests and, at the end, evaluation",
}
_POINTS = 200
Line = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Values [N] over a growing axis [N]: each holds until the next; 0 before the first."""

    x: Line
    y: Line

    def at(self, x: Line) -> Line:
        """The values at `x` [M]."""
        index = np.searchsorted(self.x, x, side="right")
        values: Line = np.concatenate([[0.0], self.y])[index]
        return values


@dataclass(frozen=True, slots=True)
class MeanCurve:
    """The mean [N] of several curves and its 95 % interval by Student's t over them (NaN of a single one)."""

    x: Line
    mean: Line
    low: Line
    high: Line


def curve(run: Run, measure: str, axis: str) -> Curve:
    """`measure` of `run` over `axis`; empty where it was never taken."""
    points = _trained(run) if measure == "training" else _judged(run)
    x = [point[axis] for point, _ in points]
    return Curve(np.maximum.accumulate(np.array(x, float)), np.array([y for _, y in points], float))


def mean_curve(curves: Sequence[Curve]) -> MeanCurve | None:
    """Of those that have a point, up to where the longest ends; None when none has."""
    known = [each for each in curves if each.x.size]
    if not known:
        return None
    x = np.linspace(0.0, max(float(each.x[-1]) for each in known), _POINTS)
    values = np.stack([each.at(x) for each in known])
    means = [mean_of(column.tolist(), 0.0, 1.0) for column in values.T]
    columns = [np.array([getattr(mean, name) for mean in means]) for name in ("value", "low", "high")]
    return MeanCurve(x, *columns)


def person_seconds(record: dict[str, Any]) -> float:
    """Demonstrations and time at the controls so far [s], of a record of an episode; NaN of another."""
    if "Human seconds" not in record:
        return math.nan
    return float(record["Human seconds"]) + float(record.get("Demonstration seconds", 0.0))


def _trained(run: Run) -> list[tuple[dict[str, float], float]]:
    name = "Success rate without help"
    return [(point, record[name]) for point, record in _points(run) if record.get(name) is not None]


def _judged(run: Run) -> list[tuple[dict[str, float], float]]:
    name, points = "Validation success rate", _points(run)
    judged = [(point, record[name]) for point, record in points if record.get(name) is not None]
    if run.evaluation is not None and points:
        judged.append((points[-1][0], float(run.evaluation["success_rate"])))
    return judged


def _points(run: Run) -> list[tuple[dict[str, float], Any]]:
    """(where each axis is, record), the person's seconds as the last episode before it said."""
    points, person_s = [], 0.0
    for record in run.records:
        seconds = person_seconds(dict(record))
        person_s = person_s if math.isnan(seconds) else seconds
        where = {"step": float(record["step"]), "time_s": float(record["time_s"]), "person_s": person_s}
        points.append((where, record))
    return points
