"""The tanh-squashed diagonal Gaussian of soft actor-critic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class SquashedGaussian:
    """tanh(mean + std * noise): actions in (-1, 1). `mean` and `log_std` are (B, A)."""

    mean: Tensor
    log_std: Tensor

    @property
    def mode(self) -> Tensor:
        """The deterministic action (B, A)."""
        return self.mean.tanh()

    def sample(self, noise: Tensor) -> Tensor:
        """Actions (B, A) for standard normal `noise` (B, A); differentiable."""
        return torch.addcmul(self.mean, self.log_std.exp(), noise).tanh()

    def sample_with_log_prob(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions (B, A) as by `sample`, and their log-density (B,)."""
        raw = torch.addcmul(self.mean, self.log_std.exp(), noise)
        return raw.tanh(), self._log_density(raw, noise)

    def log_prob(self, action: Tensor, limit: float = 0.99) -> Tensor:
        """Log-density (B,) of `action` (B, A), which is first kept within +-`limit`: at 1 it is infinite."""
        raw = action.clamp(-limit, limit).atanh()
        return self._log_density(raw, (raw - self.mean) / self.log_std.exp())

    def _log_density(self, raw: Tensor, noise: Tensor) -> Tensor:
        """log N(raw) - log(1 - tanh(raw)^2), summed over the dimensions; without cancellation at the ends.

        With log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2x)), all constants taken out of the sum.
        """
        half_slope = torch.add(raw, F.softplus(-raw, beta=2), alpha=2)
        density = torch.add(-self.log_std, noise.square(), alpha=-0.5).add(half_slope, alpha=2)
        return density.sum(-1) - raw.shape[-1] * (_LOG_SQRT_2PI + 2 * math.log(2))
