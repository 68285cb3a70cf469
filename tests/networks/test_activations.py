"""Faster than PyTorch's, and the same functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hilt.networks.activations import GELUTanh, SiLU

X = torch.linspace(-12, 12, 4001, dtype=torch.float64)
Pair = tuple[nn.Module, Callable[[Tensor], Tensor]]


@pytest.fixture(params=["gelu_tanh", "silu"])
def pair(request: pytest.FixtureRequest) -> Pair:
    """Ours, and PyTorch's."""
    return {"gelu_tanh": (GELUTanh(), partial(F.gelu, approximate="tanh")), "silu": (SiLU(), F.silu)}[
        request.param
    ]


def test_is_the_same_function(pair: Pair) -> None:
    ours, theirs = pair
    torch.testing.assert_close(ours(X), theirs(X), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(ours(X.float()), theirs(X.float()))


def test_with_and_without_gradient_are_the_same_function(pair: Pair) -> None:
    ours, _ = pair
    torch.testing.assert_close(ours(X.clone().requires_grad_()), ours(X), rtol=1e-14, atol=0)


def test_the_derivative_is_the_same(pair: Pair) -> None:
    ours, theirs = pair
    x, y = X.clone().requires_grad_(), X.clone().requires_grad_()
    weight = torch.rand_like(X)
    (ours(x) * weight).sum().backward()
    (theirs(y) * weight).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-9, atol=1e-12)
    assert torch.autograd.gradcheck(ours, (torch.randn(20, dtype=torch.float64, requires_grad=True),))


@pytest.mark.parametrize("grad", [False, True])
def test_the_input_is_left_alone(pair: Pair, grad: bool) -> None:
    x = X.clone().requires_grad_(grad)
    pair[0](x)
    assert torch.equal(x.detach(), X)
