"""Adam, and targets that follow, on flat buffers of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, islice

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


@dataclass(frozen=True, slots=True)
class _Piece:
    """Neighbouring parameters that have had a gradient equally often: views of the flat buffers."""

    values: Tensor
    mean: Tensor
    square: Tensor
    counts: Tensor
    """Steps of each parameter; all the same."""


class Optimizer:
    """Adam over `parameters`; the norm of the whole gradient is clipped to `max_grad_norm`, if given.

    The parameters and the moments live in flat buffers, on the device where the parameters are now. A
    parameter without a gradient is left out of the step: its moments stay, and its bias correction is not
    used up.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, max_grad_norm: float | None = None
    ) -> None:
        self.parameters = list(parameters)
        self.lr, self.max_grad_norm = lr, max_grad_norm
        self.values = flatten_(self.parameters)
        self._mean, self._square = torch.zeros_like(self.values), torch.zeros_like(self.values)
        self._count = torch.zeros(len(self.parameters), device=self.values.device)
        self._has_gradient: list[bool] | None = None
        self._pieces: list[_Piece] = []

    @torch.no_grad()
    def step(self, gradients: Iterable[Tensor | None]) -> Tensor:
        """Applies `gradients`, one for each parameter, in order; returns their norm before clipping."""
        present = list(gradients)
        self._arrange([gradient is not None for gradient in present])
        if not self._pieces:
            return torch.zeros((), device=self.values.device)
        gradient = torch.cat([gradient.flatten() for gradient in present if gradient is not None])
        norm: Tensor = torch.linalg.vector_norm(gradient)
        excess = None if self.max_grad_norm is None else (norm / self.max_grad_norm).clamp_(min=1).float()
        for piece in self._pieces:
            piece.counts.add_(1)
        torch._fused_adam_(
            [piece.values for piece in self._pieces],
            list(torch.split(gradient, [len(piece.values) for piece in self._pieces])),
            [piece.mean for piece in self._pieces],
            [piece.square for piece in self._pieces],
            [],
            [piece.counts[0] for piece in self._pieces],
            lr=self.lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
            grad_scale=excess,
        )  # fmt: skip
        return norm

    def _arrange(self, has_gradient: list[bool]) -> None:
        """Neighbours with a gradient and the same count are stepped as one piece of the flat buffers.

        They keep the same count until the parameters that have a gradient are other ones.
        """
        if has_gradient == self._has_gradient:
            return
        self._has_gradient, self._pieces = has_gradient, []
        kinds = zip(has_gradient, self._count.tolist(), strict=True)
        sizes = [parameter.numel() for parameter in self.parameters]
        first = start = 0
        for (present, _), group in groupby(kinds):
            last = first + len(list(group))
            end = start + sum(sizes[first:last])
            if present:
                flat = slice(start, end)
                counts = self._count[first:last]
                self._pieces.append(_Piece(self.values[flat], self._mean[flat], self._square[flat], counts))
            first, start = last, end

    def state_tensors(self) -> dict[str, Tensor]:
        """Moments, and of each parameter the number of its steps."""
        return {"mean": self._mean, "square": self._square, "count": self._count}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `state_tensors`; raises RuntimeError when the sizes differ.

        Older checkpoints hold one count for all parameters.
        """
        for name, tensor in self.state_tensors().items():
            tensor.copy_(state[name])
        self._has_gradient = None


def minimize(loss: Tensor, *optimizers: Optimizer) -> list[Tensor]:
    """One step of each optimiser down `loss`; returns their gradient norms.

    Only the gradients of these optimisers' parameters are computed: everything else is a constant.
    Parameters on which the loss does not depend take no step.
    """
    parameters = [parameter for optimizer in optimizers for parameter in optimizer.parameters]
    gradients = iter(torch.autograd.grad(loss, parameters, allow_unused=True))
    return [optimizer.step(islice(gradients, len(optimizer.parameters))) for optimizer in optimizers]


class Target:
    """The parameters of a target network, following those that `online` trains, in the same order."""

    def __init__(self, target: Iterable[nn.Parameter], online: Optimizer) -> None:
        self.values, self.online = flatten_(target), online.values

    @torch.no_grad()
    def follow(self, weight: float) -> None:
        """target <- (1 - weight) target + weight online (Polyak averaging)."""
        self.values.lerp_(self.online, weight)
