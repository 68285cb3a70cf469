"""A bound on how far the policy may be from the person, state by state: after SiLRI (Zhao et al., Real-world
Reinforcement Learning from Suboptimal Interventions, ICML 2026).

SAC maximises its objective subject to D(s) <= epsilon(s) wherever a person acted. D is the squared distance
of the policy's mode from the mean of a Gaussian that is fitted to the person's actions; epsilon comes from
the spread of that Gaussian: where the person acts now so, now so, the policy is free. The multiplier
lambda(s) >= 0 is a network, and climbs while the policy is outside the bound (a saddle point, by gradient
descent and ascent). The public descriptions do not give the exact distance and bound: those here are ours.

Pure functions; actions and distances are of actions in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.networks.actor import GaussianActor
from hilt.networks.mlp import MLP


@dataclass(frozen=True, slots=True)
class Person:
    """How the person acts: Gaussians of `mean` and `std`, (B, C) each, not squashed."""

    mean: Tensor
    std: Tensor


class Constraint(nn.Module):
    """The model of the person, and the multipliers."""

    def __init__(self, human: GaussianActor, multiplier: MLP) -> None:
        super().__init__()
        self.human, self.multiplier = human, multiplier

    def person(self, features: Tensor) -> Person:
        """Of the states with `features` (B, L)."""
        gaussian = self.human(features)
        return Person(gaussian.mean, gaussian.log_std.exp())

    def multipliers(self, features: Tensor) -> Tensor:
        """lambda(s), (B,), above 0."""
        values: Tensor = self.multiplier(features)
        return F.softplus(values.squeeze(-1))


def person_loss(person: Person, action: Tensor, imitate: Tensor) -> Tensor:
    """Mean negative log-likelihood of `action` (B, C), but for a constant, over those to `imitate` (B,)."""
    errors = 0.5 * ((action - person.mean) / person.std).square() + person.std.log()
    return _mean(errors.sum(-1), imitate)


def distances(mode: Tensor, person: Person) -> Tensor:
    """D(s) = |mode - mean|^2, (B,), of the policy's `mode` (B, C); the person's mean is a constant."""
    return (mode - person.mean.detach()).square().sum(-1)


def bounds(person: Person, tolerance: float) -> Tensor:
    """epsilon(s) = tolerance^2 * sum of the variances, (B,), a constant."""
    return tolerance**2 * person.std.detach().square().sum(-1)


def constrained_loss(objective: Tensor, distance: Tensor, multiplier: Tensor) -> Tensor:
    """mean_b (`objective` + lambda D) / (1 + lambda), all (B,), lambda a constant and 0 where nobody acted.

    `objective` is minimised, too. The divisor keeps gradients of one size, however large lambda becomes.
    """
    weight = multiplier.detach()
    return ((objective + weight * distance) / (1 + weight)).mean()


def multiplier_loss(multiplier: Tensor, distance: Tensor, bound: Tensor, imitate: Tensor) -> Tensor:
    """- lambda(s) (D(s) - epsilon(s)), its mean over the samples to `imitate` (B,): descent is the ascent."""
    return -_mean(multiplier * (distance - bound).detach(), imitate)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return (values * chosen).sum() / torch.clamp(chosen.sum(), min=1)
