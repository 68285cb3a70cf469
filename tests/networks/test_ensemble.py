"""An ensemble computes what its members would compute one by one."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hilt.networks.ensemble import EnsembleLayerNorm, EnsembleLinear, EnsembleMLP
from hilt.networks.mlp import MLP, Activation, Norm


def member_output(ensemble: EnsembleMLP, member: int, x: Tensor) -> Tensor:
    """The same layers applied to one member's slice of the parameters, the plain way."""
    for layer in ensemble:
        if isinstance(layer, EnsembleLinear):
            x = x @ layer.weight[member] + layer.bias[member]
        elif isinstance(layer, EnsembleLayerNorm):
            x = F.layer_norm(x, x.shape[-1:], layer.weight[member, 0], layer.bias[member, 0], layer.eps)
        else:
            x = layer(x)
    return x


@pytest.mark.parametrize("norm", get_args(Norm))
@pytest.mark.parametrize("activation", get_args(Activation))
def test_members_are_independent_networks(activation: Activation, norm: Norm) -> None:
    ensemble = EnsembleMLP(3, 5, (8, 6), 2, activation=activation, norm=norm).double()
    for parameter in ensemble.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(7, 5, dtype=torch.float64)
    expected = torch.stack([member_output(ensemble, member, x) for member in range(3)])
    torch.testing.assert_close(ensemble(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ensemble(x.expand(3, -1, -1)), expected, rtol=1e-12, atol=1e-12)


def test_members_start_differently() -> None:
    values = EnsembleMLP(4, 3, (16,), 1)(torch.ones(1, 3))
    assert len(set(values.flatten().tolist())) == 4


@pytest.mark.parametrize(
    ("norm", "kinds"),
    [
        ("before_activation", ["Linear", "LayerNorm", "Tanh", "Linear"]),
        ("after_activation", ["Linear", "Tanh", "LayerNorm", "Linear"]),
        ("none", ["Linear", "Tanh", "Linear"]),
    ],
)
def test_layer_norm_stands_where_it_is_told(norm: Norm, kinds: list[str]) -> None:
    assert [type(layer).__name__ for layer in MLP(3, (4,), 2, activation="tanh", norm=norm)] == kinds
