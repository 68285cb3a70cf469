"""Adam, and targets that follow, on flat buffers of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

import torch
from torch import Tensor, nn


def flatten_(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Moves `parameters` into one flat tensor, of which they become views; returns it."""
    parameters = list(parameters)
    flat = torch.cat([parameter.detach().flatten() for parameter in parameters])
    pieces = torch.split(flat, [parameter.numel() for parameter in parameters])
    for parameter, piece in zip(parameters, pieces, strict=True):
        parameter.data = piece.view_as(parameter)
    return flat


def trainable(*modules: nn.Module | None) -> list[nn.Parameter]:
    """The parameters of `modules` that are not frozen."""
    present = [module for module in modules if module is not None]
    return [parameter for module in present for parameter in module.parameters() if parameter.requires_grad]


class Optimizer:
    """Adam over `parameters`; the norm of the whole gradient is clipped to `max_grad_norm`, if given.

    The parameters and the moments live in flat buffers, on the device where the parameters are now.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, max_grad_norm: float | None = None
    ) -> None:
        self.parameters = list(parameters)
        self.lr, self.max_grad_norm = lr, max_grad_norm
        self.values = flatten_(self.parameters)
        self._mean, self._square = torch.zeros_like(self.values), torch.zeros_like(self.values)
        self._count = torch.zeros((), device=self.values.device)

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor]) -> Tensor:
        """Applies `gradients`, one for each parameter, in order; returns their norm before clipping."""
        gradient = torch.cat([gradient.flatten() for gradient in gradients])
        norm: Tensor = torch.linalg.vector_norm(gradient)
        excess = None if self.max_grad_norm is None else (norm / self.max_grad_norm).clamp_(min=1).float()
        self._count += 1
        torch._fused_adam_(
            [self.values], [gradient], [self._mean], [self._square], [], [self._count],
            lr=self.lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
            grad_scale=excess,
        )  # fmt: skip
        return norm

    def state_tensors(self) -> dict[str, Tensor]:
        """Moments and step count."""
        return {"mean": self._mean, "square": self._square, "count": self._count}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `state_tensors`; raises RuntimeError when the sizes differ."""
        for name, tensor in self.state_tensors().items():
            tensor.copy_(state[name])


def minimize(loss: Tensor, *optimizers: Optimizer) -> list[Tensor]:
    """One step of each optimiser down `loss`; returns their gradient norms.

    Only the gradients of these optimisers' parameters are computed: everything else is a constant.
    """
    parameters = [parameter for optimizer in optimizers for parameter in optimizer.parameters]
    gradients = iter(torch.autograd.grad(loss, parameters, materialize_grads=True))
    return [optimizer.step(islice(gradients, len(optimizer.parameters))) for optimizer in optimizers]


class Target:
    """The parameters of a target network, following those that `online` trains, in the same order."""

    def __init__(self, target: Iterable[nn.Parameter], online: Optimizer) -> None:
        self.values, self.online = flatten_(target), online.values

    @torch.no_grad()
    def follow(self, weight: float) -> None:
        """target <- (1 - weight) target + weight online (Polyak averaging)."""
        self.values.lerp_(self.online, weight)
