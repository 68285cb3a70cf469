"""Flow matching: integrators of a velocity field, and the networks that turn noise into chunks of actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.networks.ensemble import EnsembleLinear
from hilt.networks.mlp import MLP, Activation, Norm

Velocity = Callable[[Tensor, float], Tensor]
"""v(x, tau): the velocity (B, D) at the points x (B, D) and the time tau in [0, 1]."""

Integrator = Literal["euler", "midpoint"]


def euler(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """x (B, D) carried from time 0 to 1, first order: `steps` evaluations of the velocity."""
    for step in range(steps):
        x = x + velocity(x, step / steps) / steps
    return x


def midpoint(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """x (B, D) carried from time 0 to 1, second order: 2 * `steps` evaluations of the velocity."""
    for step in range(steps):
        halfway = x + velocity(x, step / steps) / (2 * steps)
        x = x + velocity(halfway, (step + 0.5) / steps) / steps
    return x


INTEGRATORS: dict[Integrator, Callable[[Velocity, Tensor, int], Tensor]] = {
    "euler": euler,
    "midpoint": midpoint,
}


def xavier_(network: nn.Module, init_final: float | None = None) -> None:
    """Xavier-uniform weights, zero biases in all linear layers; the last within +-`init_final` if given."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | EnsembleLinear)]
    for layer in layers:
        bound = math.sqrt(6 / sum(layer.weight.shape[-2:]))
        if init_final is not None and layer is layers[-1]:
            bound = init_final
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(layer.bias)


class OneStepActor(nn.Module):
    """mu(s, z): features (B, L) and noise (B, D) to flattened chunks (B, D), not yet clipped."""

    def __init__(
        self,
        feature_dim: int,
        chunk_dim: int,
        hidden_dims: Sequence[int],
        *,
        activation: Activation,
        norm: Norm,
        init_final: float | None,
    ) -> None:
        super().__init__()
        self.network = MLP(feature_dim + chunk_dim, hidden_dims, chunk_dim, activation=activation, norm=norm)
        xavier_(self.network, init_final)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        chunk: Tensor = self.network(torch.cat([features, noise], dim=-1))
        return chunk


class FlowActor(nn.Module):
    """A velocity field over chunks, and the flow along it from noise at time 0 to chunks at time 1."""

    def __init__(
        self,
        feature_dim: int,
        chunk_dim: int,
        hidden_dims: Sequence[int],
        *,
        activation: Activation,
        norm: Norm,
        init_final: float | None,
        steps: int,
        integrator: Integrator,
    ) -> None:
        super().__init__()
        self.steps, self.integrate = steps, INTEGRATORS[integrator]
        self.network = MLP(
            feature_dim + chunk_dim + 1, hidden_dims, chunk_dim, activation=activation, norm=norm
        )
        xavier_(self.network, init_final)

    def velocity(self, features: Tensor, x: Tensor, time: Tensor) -> Tensor:
        """v(s, x, tau), (B, D), of features (B, L), x (B, D) and tau (B, 1)."""
        velocity: Tensor = self.network(torch.cat([features, x, time], dim=-1))
        return velocity

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        """ODE(v; z): noise (B, D) to flattened chunks (B, D), not yet clipped.

        What the first layer makes of the features is the same at all times, and computed once.
        """
        first, *others = self.network
        sizes = [features.shape[-1], noise.shape[-1], 1]
        of_features, of_chunk, of_time = torch.split(cast(nn.Linear, first).weight, sizes, dim=1)
        constant = F.linear(features, of_features, cast(nn.Linear, first).bias)
        of_time = of_time.flatten().contiguous()

        def velocity(x: Tensor, time: float) -> Tensor:
            x = torch.addmm(torch.add(constant, of_time, alpha=time), x, of_chunk.T)
            for layer in others:
                x = layer(x)
            return x

        return self.integrate(velocity, noise, self.steps)
