"""Normalisation of features by saved statistics: MIN_MAX to [-1, 1], MEAN_STD to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilt.data.transition import IMAGES
from hilt.errors import UserError

Mode = Literal["MIN_MAX", "MEAN_STD", "IDENTITY"]
Statistics = Mapping[str, Any]
"""Of one feature: `min` and `max`, or `mean` and `std`, or all four; array-like."""

_NEEDED = {"MIN_MAX": ("min", "max"), "MEAN_STD": ("mean", "std"), "IDENTITY": ()}
_SMALLEST_SCALE = 1e-6


class StatisticsError(UserError, ValueError):
    """Statistics are missing, incomplete or of another shape than the feature."""


def statistics_of(values: NDArray[Any]) -> dict[str, list[float]]:
    """`min`, `max`, `mean` and `std` of `values` (N, D), as plain lists."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or len(array) == 0:
        raise StatisticsError(f"statistics of an array of shape {array.shape}: expected (N, D) with N > 0")
    return {name: getattr(array, name)(axis=0).tolist() for name in ("min", "max", "mean", "std")}


class Normalizer(nn.Module):
    """normalised = (value - offset) / scale, per feature; a feature without a mode passes unchanged.

    Works on any leading (batch) dimensions. uint8 pictures count as 0..1, as their statistics do, and come
    out as floating point. Offsets and scales are buffers, saved with the policy. What is constant in the
    statistics is only centred: a value that never varied must not be blown up.
    """

    def __init__(self, statistics: Mapping[str, Statistics], modes: Mapping[str, Mode]) -> None:
        super().__init__()
        self._names = [name for name, mode in modes.items() if mode != "IDENTITY"]
        for name in self._names:
            offset, scale = _affine(name, modes[name], statistics.get(name, {}))
            self.register_buffer(_key(name, "offset"), offset)
            self.register_buffer(_key(name, "scale"), scale)

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Name -> normalised values."""
        return {name: self.normalize(name, value) for name, value in features.items()}

    def normalize(self, name: str, value: Tensor) -> Tensor:
        """Physical units (..., D) to normalised values in the same dtype (uint8: that of the buffers)."""
        is_picture = value.dtype == torch.uint8
        if name not in self._names:
            return value / 255 if is_picture else value
        offset, scale = self._buffers_for(name, value)
        if is_picture:
            offset, scale = 255 * offset, 255 * scale
        return (value - offset) / scale

    def unnormalize(self, name: str, value: Tensor) -> Tensor:
        """The inverse of `normalize` for floating point."""
        if name not in self._names:
            return value
        offset, scale = self._buffers_for(name, value)
        return value * scale + offset

    def _buffers_for(self, name: str, value: Tensor) -> tuple[Tensor, Tensor]:
        offset, scale = self.get_buffer(_key(name, "offset")), self.get_buffer(_key(name, "scale"))
        if offset.ndim == 1 and value.shape[-1:] != offset.shape:
            raise StatisticsError(
                f"{name} is {tuple(value.shape)}, its statistics are of {len(offset)} values"
            )
        dtype = value.dtype if value.is_floating_point() else offset.dtype
        return offset.to(dtype), scale.to(dtype)


def _key(name: str, part: str) -> str:
    return f"{name.replace('.', '_')}_{part}"


def _affine(name: str, mode: Mode, statistics: Statistics) -> tuple[Tensor, Tensor]:
    if mode not in _NEEDED:
        raise StatisticsError(f"{name}: normalisation mode {mode!r}; one of {', '.join(_NEEDED)}")
    missing = [key for key in _NEEDED[mode] if key not in statistics]
    if missing:
        raise StatisticsError(f"{name} is to be normalised by {mode}, but has no {' and no '.join(missing)}")
    first, second = (_tensor(name, statistics[key]) for key in _NEEDED[mode])
    offset, scale = ((first + second) / 2, (second - first) / 2) if mode == "MIN_MAX" else (first, second)
    return offset, torch.where(scale < _SMALLEST_SCALE, torch.ones_like(scale), scale)


def _tensor(name: str, values: object) -> Tensor:
    """One value per entry; pictures' statistics, one per channel, in the shape (3, 1, 1) or (3,)."""
    tensor = torch.as_tensor(np.asarray(values, dtype=np.float32))
    if not torch.isfinite(tensor).all():
        raise StatisticsError(f"{name} has statistics that are not finite")
    return tensor.reshape(-1, 1, 1) if name.startswith(IMAGES) else tensor
