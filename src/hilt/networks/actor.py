"""The Gaussian actor."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from hilt.networks.distributions import SquashedGaussian
from hilt.networks.mlp import MLP, Activation, Norm


class GaussianActor(nn.Module):
    """Features (B, L) to a squashed Gaussian over actions (B, A) in (-1, 1).

    The last layer starts within +-`init_final`, so that the first policy is centred, with `init_std` (None:
    like the other layers); the
    standard deviation, before the tanh, stays within `std_range`.
    """

    def __init__(
        self,
        feature_dim: int,
        action_dim: int,
        hidden_dims: Sequence[int],
        *,
        activation: Activation,
        norm: Norm,
        std_range: tuple[float, float],
        init_std: float,
        init_final: float | None,
    ) -> None:
        super().__init__()
        self.trunk = MLP(feature_dim, hidden_dims, activation=activation, norm=norm)
        self.head = nn.Linear(hidden_dims[-1], 2 * action_dim)
        if init_final is not None:
            nn.init.uniform_(self.head.weight, -init_final, init_final)
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.head.bias[action_dim:], math.log(init_std))
        self.log_std_range = math.log(std_range[0]), math.log(std_range[1])

    def forward(self, features: Tensor) -> SquashedGaussian:
        mean, log_std = self.head(self.trunk(features)).chunk(2, dim=-1)
        return SquashedGaussian(mean, log_std.clamp(*self.log_std_range))
