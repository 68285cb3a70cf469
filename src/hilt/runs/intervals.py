"""Means over seeds with their 95 % intervals, by Student's t: a run is one draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

_Z = 1.959964
_FEW = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645}
"""The quantile for few degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of `n` values; `low` to `high` is its 95 % interval, NaN for a single value."""

    n: int
    value: float
    low: float
    high: float


def mean_of(values: Sequence[float], least: float = -math.inf, most: float = math.inf) -> Mean:
    """Mean and interval of `values`, of which there is one at least, cut where none can be: [least, most]."""
    mean = fmean(values)
    if len(values) < 2:
        return Mean(len(values), mean, math.nan, math.nan)
    half = t95(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Mean(len(values), mean, max(least, mean - half), min(most, mean + half))


def t95(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with `freedom` degrees, to 1e-2 (Fisher and Cornish, 1960)."""
    if freedom in _FEW:
        return _FEW[freedom]
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(freedom**power) for power, term in enumerate(terms, 1))
