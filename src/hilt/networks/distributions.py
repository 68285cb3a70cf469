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
        log_normal = -0.5 * noise.square() - self.log_std - _LOG_SQRT_2PI
        return raw.tanh(), (log_normal - _log_tanh_slope(raw)).sum(-1)

    def log_prob(self, action: Tensor, limit: float = 0.99) -> Tensor:
        """Log-density (B,) of `action` (B, A), which is first kept within +-`limit`: at 1 it is infinite."""
        raw = action.clamp(-limit, limit).atanh()
        log_normal = -0.5 * ((raw - self.mean) / self.log_std.exp()).square() - self.log_std - _LOG_SQRT_2PI
        return (log_normal - _log_tanh_slope(raw)).sum(-1)


def _log_tanh_slope(x: Tensor) -> Tensor:
    """log(1 - tanh(x)^2), without the cancellation."""
    return 2 * (math.log(2) - x - F.softplus(-2 * x))
