"""ACFQL: updates per second beside what the GEMM rate of the same run allows, time to plan a chunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.allocation import keep_freed_memory
from hilt.algorithms.spec import PolicySpec
from hilt.benchmarks.learner import calls_per_second
from hilt.data.batch import Batch
from hilt.data.transition import STATE, Feature, Schema

GFLOP_PER_UPDATE = 12.5
"""4 layers of 512, batch 256, chunk 5, ten Euler steps, two critics: the matrix products alone."""
TARGET_SHARE, TARGET_PLANNING_MS = 0.85, 2.0
BATCH, STATE_DIM, ACTION_DIM, WIDTH = 256, 18, 4, 512
_GEMMS_PER_UPDATE = 30


def measure(seconds: float = 5.0, peer: bool = False) -> dict[str, Any]:
    """All figures of ACFQL and what they are to reach. There is no peer to measure: LeRobot has no ACFQL."""
    return {
        "reference": measure_acfql(seconds) | {"target_share": TARGET_SHARE},
        "hilt_updates_per_s": calls_per_second(make_update(ACFQLConfig()), seconds),
        "planning_ms": 1000 * measure_planning(seconds),
        "target_planning_ms": TARGET_PLANNING_MS,
        "threads": torch.get_num_threads(),
    }


def measure_acfql(seconds: float) -> dict[str, float]:
    """`updates_per_s`, `gemm_gflop_per_s`, the `bound_per_s` that follows, and `share` of it: medians.

    Updates and products of a layer's own size take turns, so that both see the same machine.
    """
    keep_freed_memory()
    update, product = make_update(), make_product()
    for _ in range(3):
        update(), product()
    updates, products, end = [], [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        updates.append(_duration(update))
        products += [_duration(product) for _ in range(_GEMMS_PER_UPDATE)]
    rate = 2e-9 * BATCH * WIDTH**2 / _median(products)
    per_s, bound = 1 / _median(updates), rate / GFLOP_PER_UPDATE
    return {"updates_per_s": per_s, "gemm_gflop_per_s": rate, "bound_per_s": bound, "share": per_s / bound}


def measure_planning(seconds: float, config: ACFQLConfig | None = None) -> float:
    """Median time [s] in which the policy plans one chunk from a state, on one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    policy = ACFQL(config or ACFQLConfig(), make_spec()).policy
    observation = {STATE: torch.rand(1, STATE_DIM)}
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(_duration(lambda: policy.plan(observation)))
    torch.set_num_threads(threads)
    return _median(times)


def make_update(config: ACFQLConfig | None = None) -> Callable[[], object]:
    """One optimisation step on a batch that is already drawn; by default of the reference preset."""
    config = config or ACFQLConfig(preset="reference")
    algorithm, batch = ACFQL(config, make_spec()), make_batch(config.chunk_size)
    return lambda: algorithm.update(lambda: batch)


def make_product() -> Callable[[], object]:
    """One product of activations (B, 512) and weights (512, 512)."""
    x, weight, out = torch.randn(BATCH, WIDTH), torch.randn(WIDTH, WIDTH), torch.empty(BATCH, WIDTH)
    return lambda: torch.mm(x, weight, out=out)


def make_spec() -> PolicySpec:
    schema = Schema({STATE: Feature((STATE_DIM,))}, Feature((ACTION_DIM,)))
    low, high = (-1.0,) * ACTION_DIM, (1.0,) * ACTION_DIM
    return PolicySpec(schema, low, high, {STATE: "IDENTITY"}, {})


def make_batch(chunk_size: int) -> Batch:
    """Random chunks that their episodes do not cut short."""
    nothing = torch.zeros(BATCH)
    return Batch(
        observation={STATE: torch.randn(BATCH, STATE_DIM)},
        action=2 * torch.rand(BATCH, chunk_size, ACTION_DIM) - 1,
        reward=torch.rand(BATCH),
        bootstrap=torch.full((BATCH,), 0.99**chunk_size),
        next_observation={STATE: torch.randn(BATCH, STATE_DIM)},
        discrete_penalty=nothing,
        is_intervention=torch.zeros(BATCH, chunk_size, dtype=torch.bool),
        is_demonstration=torch.ones(BATCH, chunk_size, dtype=torch.bool),
        valid=torch.ones(BATCH, chunk_size),
        success=nothing.bool(),
    )


def _duration(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
