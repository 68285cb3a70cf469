"""Copies of networks, and copies that follow them."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)


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


class Acting(Generic[M]):
    """The policy that acts: the one that learns or, with a `weight`, the running average of it."""

    def __init__(self, learned: M, backbone: nn.Module | None, weight: float | None) -> None:
        self._learned, self._weight = learned, weight
        self.policy: M = learned if weight is None else copy_of(learned, backbone)
        self.modules: dict[str, nn.Module] = {} if weight is None else {"average": self.policy}
        """What is to be saved besides the policy that learns."""

    def follow(self, *, imitating: bool) -> None:
        """After every update; the average begins as what imitation alone has learned."""
        if self._weight is not None:
            follow_(self.policy, self._learned, 1.0 if imitating else self._weight)
