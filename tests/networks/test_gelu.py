from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from hilt.networks.gelu import GELUTanh

X = torch.linspace(-12, 12, 4001, dtype=torch.float64)


def test_is_the_tanh_form_of_gelu() -> None:
    torch.testing.assert_close(GELUTanh()(X), F.gelu(X, approximate="tanh"), rtol=1e-12, atol=1e-15)
    single = X.float()
    torch.testing.assert_close(GELUTanh()(single), F.gelu(single, approximate="tanh"))


def test_with_and_without_gradient_are_the_same_function() -> None:
    x = X.clone().requires_grad_()
    torch.testing.assert_close(GELUTanh()(x), GELUTanh()(X), rtol=1e-14, atol=0)


def test_the_derivative_is_that_of_gelu() -> None:
    x, y = X.clone().requires_grad_(), X.clone().requires_grad_()
    weight = torch.rand_like(X)
    (GELUTanh()(x) * weight).sum().backward()
    (F.gelu(y, approximate="tanh") * weight).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-9, atol=1e-12)
    assert torch.autograd.gradcheck(GELUTanh(), (torch.randn(20, dtype=torch.float64, requires_grad=True),))


@pytest.mark.parametrize("grad", [False, True])
def test_the_input_is_left_alone(grad: bool) -> None:
    x = X.clone().requires_grad_(grad)
    GELUTanh()(x)
    assert torch.equal(x.detach(), X)
