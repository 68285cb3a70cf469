"""Copies of networks, and copies that follow them."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


def copy_of(modules: T, backbone: nn.Module | None) -> T:
    """A deep copy of `modules` that shares `backbone` with them if that is frozen."""
    learned = backbone is not None and any(parameter.requires_grad for parameter in backbone.parameters())
    shared = {} if backbone is None or learned else {id(backbone): backbone}
    return copy.deepcopy(modules, shared)


@torch.no_grad()
def follow_(average: nn.Module, newest: nn.Module, weight: float) -> None:
    """average <- (1 - weight) average + weight newest, for every parameter of two modules of one shape."""
    averaged: list[Tensor] = list(average.parameters())
    torch._foreach_lerp_(averaged, list(newest.parameters()), weight)
