"""Integrators against what theory says of them, and a flow that is trained to a known distribution."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hilt.algorithms.acfql.losses import flow_loss
from hilt.networks.ensemble import EnsembleLinear, EnsembleMLP
from hilt.networks.flow import INTEGRATORS, FlowActor, Integrator, OneStepActor, euler, midpoint, xavier_
from hilt.networks.mlp import MLP

MEAN, STD = 0.3, 0.25


def slope(time: float) -> float:
    """dv/dx of the exact velocity field from N(0, 1) to N(MEAN, STD^2)."""
    return (time * STD**2 - (1 - time)) / ((1 - time) ** 2 + time**2 * STD**2)


def exact_velocity(x: Tensor, time: float) -> Tensor:
    """E[A - x0 | x_tau = x]."""
    return MEAN + slope(time) * (x - time * MEAN)


def spread(integrator: Integrator, steps: int) -> float:
    """Standard deviation of the samples that the integrator makes of N(0, 1) in the exact field."""
    factors = []
    for step in range(steps):
        start, half = slope(step / steps), slope((step + 0.5) / steps)
        slope_of_step = start if integrator == "euler" else half * (1 + start / (2 * steps))
        factors.append(1 + slope_of_step / steps)
    return math.prod(factors)


def make_flow(integrator: Integrator = "midpoint", steps: int = 3) -> FlowActor:
    return FlowActor(
        1, 2, (64, 64), activation="relu", norm="none", init_final=None, steps=steps, integrator=integrator
    )


@pytest.mark.parametrize(("integrator", "order"), [("euler", 1), ("midpoint", 2)])
def test_the_error_falls_by_the_order_of_the_integrator(integrator: Integrator, order: int) -> None:
    """dx/dt = x + t from 1: x(1) = 3e - 2 - ... = 2e - 2."""
    exact, start = 2 * math.e - 2, torch.ones(1, 1, dtype=torch.float64)
    errors = [
        abs(float(INTEGRATORS[integrator](lambda x, time: x + time, start, steps)) - exact)
        for steps in (20, 40)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)


@pytest.mark.parametrize(("integrator", "steps"), [("euler", 10), ("midpoint", 2), ("midpoint", 3)])
def test_samples_of_a_gaussian_are_as_wide_as_theory_says(integrator: Integrator, steps: int) -> None:
    x = torch.linspace(-3, 3, 7, dtype=torch.float64).unsqueeze(-1)
    carried = INTEGRATORS[integrator](exact_velocity, x, steps)
    torch.testing.assert_close(carried, MEAN + spread(integrator, steps) * x)


def test_three_midpoint_steps_shrink_the_spread_less_than_ten_of_euler() -> None:
    assert spread("euler", 10) < 0.85 * STD
    assert abs(spread("midpoint", 3) - STD) < abs(spread("euler", 10) - STD)


def test_a_trained_flow_has_the_mean_and_spread_of_its_data() -> None:
    torch.manual_seed(0)
    flow, features = make_flow(), torch.zeros(512, 1)
    optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    for _ in range(500):
        data = MEAN + STD * torch.randn(512, 2)
        loss, _ = flow_loss(flow, features, data, torch.ones(512, 1), torch.randn(512, 2), torch.rand(512, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    noise, many = torch.randn(20_000, 2), torch.zeros(20_000, 1)
    with torch.no_grad():
        for integrator, steps in (("euler", 10), ("midpoint", 3)):
            flow.integrate, flow.steps = INTEGRATORS[integrator], steps
            sample = flow(many, noise)
            torch.testing.assert_close(sample.mean(0), torch.full((2,), MEAN), atol=0.03, rtol=0)
            torch.testing.assert_close(
                sample.std(0), torch.full((2,), spread(integrator, steps)), atol=0.03, rtol=0
            )


@pytest.mark.parametrize("integrate", [euler, midpoint])
def test_the_flow_integrates_its_own_velocity(integrate: object) -> None:
    flow = make_flow("euler" if integrate is euler else "midpoint")
    features, noise = torch.randn(5, 1), torch.randn(5, 2)

    def velocity(x: Tensor, time: float) -> Tensor:
        return flow.network(torch.cat([features, x, torch.full((5, 1), time)], dim=-1))

    torch.testing.assert_close(flow(features, noise), integrate(velocity, noise, 3))


def test_weights_start_as_xavier_says() -> None:
    torch.manual_seed(0)
    networks = [MLP(40, (512,), 20), EnsembleMLP(3, 40, (512,), 20)]
    for network in networks:
        xavier_(network)
        first, last = [m for m in network.modules() if isinstance(m, nn.Linear | EnsembleLinear)]
        for layer, dims in ((first, 40 + 512), (last, 512 + 20)):
            bound = math.sqrt(6 / dims)
            assert 0.99 * bound < layer.weight.abs().max() <= bound
            assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
            assert layer.bias.abs().max() == 0


def test_the_last_layer_can_start_small() -> None:
    actor = OneStepActor(
        3, 4, (32,), activation="gelu_tanh", norm="after_activation", init_final=1e-3
    )  # fmt: skip
    assert actor(torch.randn(100, 3), torch.randn(100, 4)).abs().max() < 0.1
