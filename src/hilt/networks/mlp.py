"""Multi-layer perceptrons, built the same way for one network and for an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from torch import nn

from hilt.networks.activations import GELUTanh, SiLU

Activation = Literal["tanh", "relu", "silu", "gelu", "gelu_tanh"]
Norm = Literal["none", "before_activation", "after_activation"]
"""Where the LayerNorm of a hidden layer stands, if it has one."""


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "silu": SiLU,
    "gelu": nn.GELU,
    "gelu_tanh": GELUTanh,
}


class LayerFactory(Protocol):
    """Makes the two kinds of layers that hold parameters."""

    def linear(self, in_dim: int, out_dim: int) -> nn.Module: ...

    def norm(self, dim: int, eps: float) -> nn.Module: ...


class SingleLayers:
    """Layers of one network: (B, in) -> (B, out)."""

    def linear(self, in_dim: int, out_dim: int) -> nn.Module:
        return nn.Linear(in_dim, out_dim)

    def norm(self, dim: int, eps: float) -> nn.Module:
        return nn.LayerNorm(dim, eps)


def mlp_layers(
    in_dim: int,
    hidden_dims: Sequence[int],
    out_dim: int | None,
    *,
    activation: Activation = "tanh",
    norm: Norm = "before_activation",
    norm_eps: float = 1e-6,
    dropout: float = 0.0,
    layers: LayerFactory,
) -> list[nn.Module]:
    """Hidden layers with LayerNorm, activation and dropout, then a linear output if `out_dim` is given."""
    stack: list[nn.Module] = []
    for dim in hidden_dims:
        stack.append(layers.linear(in_dim, dim))
        if norm == "before_activation":
            stack.append(layers.norm(dim, norm_eps))
        stack.append(ACTIVATIONS[activation]())
        if norm == "after_activation":
            stack.append(layers.norm(dim, norm_eps))
        if dropout > 0:
            stack.append(nn.Dropout(dropout))
        in_dim = dim
    if out_dim is not None:
        stack.append(layers.linear(in_dim, out_dim))
    return stack


class MLP(nn.Sequential):
    """(..., in_dim) -> (..., out_dim); without `out_dim` the last hidden layer is the output."""

    def __init__(
        self,
        in_dim: int,
        hidden_dims: Sequence[int],
        out_dim: int | None = None,
        *,
        activation: Activation = "tanh",
        norm: Norm = "before_activation",
        norm_eps: float = 1e-6,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            *mlp_layers(
                in_dim,
                hidden_dims,
                out_dim,
                activation=activation,
                norm=norm,
                norm_eps=norm_eps,
                dropout=dropout,
                layers=SingleLayers(),
            )
        )
