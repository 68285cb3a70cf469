"""The state-wise constraint on SAC's actor: its saddle point in closed form, and its losses term by term."""

from __future__ import annotations

import pytest
import torch

from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.lagrangian import (
    Person,
    bounds,
    constrained_loss,
    distances,
    multiplier_loss,
    person_loss,
)
from hilt.algorithms.sac.sac import SAC
from tests.algorithms.toy import make_batch, make_spec, small


def test_descent_and_ascent_reach_the_saddle_point() -> None:
    """Two states with Q(a) = -(a - 1)^2 and a person at 0. Sure of themselves (0.2), they hold the policy at
    0.2, where lambda = (1 - a) / a = 4; where they scatter (1.5), the bound is wide, lambda 0 and a = 1.
    """
    person = Person(torch.zeros(2, 1, dtype=torch.float64), torch.tensor([[0.2], [1.5]]).double())
    action = torch.zeros(2, 1, dtype=torch.float64, requires_grad=True)
    multiplier = torch.ones(2, dtype=torch.float64, requires_grad=True)
    everywhere = torch.ones(2, dtype=torch.bool)
    for _ in range(20_000):
        distance = distances(action, person)
        loss = constrained_loss((action[:, 0] - 1).square(), distance, multiplier)
        ascent = multiplier_loss(multiplier, distance, bounds(person, 1.0), everywhere)
        (step,) = torch.autograd.grad(loss, action)
        (climb,) = torch.autograd.grad(ascent, multiplier)
        with torch.no_grad():
            action -= 0.1 * step
            multiplier -= 0.1 * climb
            multiplier.clamp_(min=0)
    torch.testing.assert_close(action[:, 0].detach(), torch.tensor([0.2, 1.0]).double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(multiplier.detach(), torch.tensor([4.0, 0.0]).double(), atol=0.02, rtol=0)


def test_the_losses_are_their_formulas() -> None:
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    person, mode, action = Person(rand(4, 3), 0.1 + rand(4, 3)), rand(4, 3), rand(4, 3)
    multiplier, objective, imitate = rand(4), rand(4), torch.tensor([True, False, True, True])
    density = torch.distributions.Normal(person.mean, person.std).log_prob(action).sum(-1)
    constant = 1.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))
    torch.testing.assert_close(person_loss(person, action, imitate), -density[imitate].mean() - constant)
    distance, bound = distances(mode, person), bounds(person, 0.5)
    for b in range(4):
        assert distance[b] == pytest.approx(float(((mode[b] - person.mean[b]) ** 2).sum()))
        assert bound[b] == pytest.approx(float((0.25 * person.std[b] ** 2).sum()))
    terms = [(objective[b] + multiplier[b] * distance[b]) / (1 + multiplier[b]) for b in range(4)]
    torch.testing.assert_close(constrained_loss(objective, distance, multiplier), sum(terms) / 4)
    ascent = -sum(multiplier[b] * (distance[b] - bound[b]) for b in (0, 2, 3)) / 3
    torch.testing.assert_close(multiplier_loss(multiplier, distance, bound, imitate), ascent)


def test_where_nobody_acted_nothing_holds_the_policy() -> None:
    objective = torch.tensor([1.0, 3.0])
    loss = constrained_loss(objective, torch.tensor([50.0, 50.0]), torch.zeros(2))
    assert loss == objective.mean()


def test_sac_learns_the_person_and_its_multipliers_and_resumes_exactly() -> None:
    config = small(SACConfig(), imitation="lagrangian", pretrain_updates=3, critic_warmup_updates=1)
    spec = make_spec()

    def sampler() -> object:
        generator = torch.Generator().manual_seed(3)
        return lambda: make_batch(spec, generator)

    straight = SAC(config, spec, seed=5)
    assert straight.networks.constraint is not None
    before = {name: value.clone() for name, value in straight.networks.constraint.state_dict().items()}
    sample = sampler()
    for _ in range(4):
        straight.update(sample)  # type: ignore[arg-type]
    resumed = SAC(config, spec, seed=6)
    resumed.load_state_tensors(straight.state_tensors())
    metrics = [algorithm.update(sampler()) for algorithm in (straight, resumed)]  # type: ignore[arg-type]
    assert metrics[0]["multiplier"] > 0
    assert metrics[0] == metrics[1]
    after = straight.networks.constraint.state_dict()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert any(name.startswith("human") for name in changed)
    assert any(name.startswith("multiplier") for name in changed)
