"""Ensembles of networks whose members are computed together: one batched matrix product per layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.networks.mlp import Activation, Norm, mlp_layers


class EnsembleLinear(nn.Module):
    """E linear layers: (B, in), shared by all members, or (E, B, in) -> (E, B, out).

    `weight` is (E, in, out), transposed against `nn.Linear`, and `bias` (E, 1, out).
    """

    def __init__(self, num_members: int, in_dim: int, out_dim: int) -> None:
        super().__init__()
        bound = in_dim**-0.5
        self.weight = nn.Parameter(torch.empty(num_members, in_dim, out_dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_members, 1, out_dim).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.shape[-1] == 1:  # a product with a single column is where BLAS is five times too slow
            products: Tensor = torch.linalg.vecdot(x, self.weight.mT)
            return products.unsqueeze(-1) + self.bias
        return torch.baddbmm(self.bias, x.expand(len(self.weight), -1, -1), self.weight)


class EnsembleLayerNorm(nn.Module):
    """LayerNorm over the last axis of (E, B, dim), each member with its own scale and shift."""

    _ones: Tensor
    _zeros: Tensor

    def __init__(self, num_members: int, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_members, 1, dim))
        self.bias = nn.Parameter(torch.zeros(num_members, 1, dim))
        # With a scale and a shift that change nothing, PyTorch's kernel takes half as long as without.
        self.register_buffer("_ones", torch.ones(dim), persistent=False)
        self.register_buffer("_zeros", torch.zeros(dim), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        normed = F.layer_norm(x, x.shape[-1:], self._ones, self._zeros, eps=self.eps)
        return torch.addcmul(self.bias, normed, self.weight)


@dataclass(frozen=True)
class EnsembleLayers:
    """Layers of `num_members` networks: (E, B, in) -> (E, B, out)."""

    num_members: int

    def linear(self, in_dim: int, out_dim: int) -> nn.Module:
        return EnsembleLinear(self.num_members, in_dim, out_dim)

    def norm(self, dim: int, eps: float) -> nn.Module:
        return EnsembleLayerNorm(self.num_members, dim, eps)


class EnsembleMLP(nn.Sequential):
    """E independent MLPs: (B, in), shared, or (E, B, in) -> (E, B, out)."""

    def __init__(
        self,
        num_members: int,
        in_dim: int,
        hidden_dims: Sequence[int],
        out_dim: int | None = None,
        *,
        activation: Activation = "tanh",
        norm: Norm = "before_activation",
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__(
            *mlp_layers(
                in_dim,
                hidden_dims,
                out_dim,
                activation=activation,
                norm=norm,
                norm_eps=norm_eps,
                layers=EnsembleLayers(num_members),
            )
        )
