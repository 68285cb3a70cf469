"""Between the environment's action units and the (-1, 1) in which a policy computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ActionScaling(nn.Module):
    """The affine map between [low, high], environment units, and [-1, 1]; saved with the policy."""

    center: Tensor
    half_range: Tensor

    def __init__(self, low: Sequence[float], high: Sequence[float]) -> None:
        super().__init__()
        if len(low) != len(high) or any(a >= b for a, b in zip(low, high, strict=True)):
            raise ValueError(f"action bounds {list(low)}, {list(high)}: every low must be below its high")
        bounds = torch.tensor([low, high], dtype=torch.float32)
        self.register_buffer("center", bounds.mean(0))
        self.register_buffer("half_range", (bounds[1] - bounds[0]) / 2)

    def to_unit(self, action: Tensor) -> Tensor:
        """Environment units (..., A) to [-1, 1]; clipped to the bounds, as the robot does."""
        return ((action - self.center) / self.half_range).clamp(-1, 1)

    def to_env(self, unit: Tensor) -> Tensor:
        """[-1, 1] (..., A) to environment units; what lies outside is clipped."""
        return torch.addcmul(self.center, unit.clamp(-1, 1), self.half_range)


class DiscreteScaling:
    """Between the commands of one action dimension, evenly spaced over [low, high], and their indices."""

    def __init__(self, low: float, high: float, num_values: int) -> None:
        self.low, self.num_values = low, num_values
        self.step = (high - low) / (num_values - 1)

    def to_index(self, command: Tensor) -> Tensor:
        """The nearest index (B,), int64, of commands (B,) in environment units."""
        return ((command - self.low) / self.step).round().long().clamp(0, self.num_values - 1)

    def to_env(self, index: Tensor) -> Tensor:
        """Commands (B,) in environment units."""
        return self.low + self.step * index
