"""Adam with gradient clipping, whose whole state is a flat dict of tensors; target networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class Optimizer:
    """Adam over `parameters`; the gradient's norm is clipped to `max_grad_norm` before each step.

    Parameters without a gradient are left alone, moments and step count included.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, max_grad_norm: float = float("inf")
    ) -> None:
        self.parameters = list(parameters)
        self.max_grad_norm = max_grad_norm
        self._adam = torch.optim.Adam(self.parameters, lr=lr, fused=True)

    def step(self) -> Tensor:
        """Applies and clears the gradients; returns their norm before clipping."""
        norm = nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm, foreach=True)
        self._adam.step()
        self._adam.zero_grad()
        return norm

    def state_tensors(self) -> dict[str, Tensor]:
        """Moments and step counts by the position of their parameter."""
        return {
            f"{index}.{name}": tensor
            for index, parameter in enumerate(self.parameters)
            for name, tensor in self._adam.state[parameter].items()
        }

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `state_tensors`; a parameter that is missing there has never been stepped."""
        self._adam.state.clear()
        for key, tensor in state.items():
            index, name = key.split(".")
            parameter = self.parameters[int(index)]
            self._adam.state[parameter][name] = tensor.to(parameter.device, copy=True)


def minimize(loss: Tensor, *optimizers: Optimizer) -> list[Tensor]:
    """One step of each optimiser down `loss`; returns their gradient norms.

    Only the gradients of these optimisers' parameters are computed: everything else is a constant.
    """
    torch.autograd.backward(
        loss, inputs=[parameter for optimizer in optimizers for parameter in optimizer.parameters]
    )
    return [optimizer.step() for optimizer in optimizers]


@torch.no_grad()
def polyak_update(target: nn.Module, online: nn.Module, weight: float) -> None:
    """target <- (1 - weight) target + weight online, for all parameters."""
    targets = list(target.parameters())
    if targets:
        torch._foreach_lerp_(targets, list(online.parameters()), weight)
