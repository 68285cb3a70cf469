"""The ResNet-10 with group normalisation of HIL-SERL, its parameters named as in `helper2424/resnet10`.

He et al. (2016); Wu and He, Group Normalization (2018). The file's own code is never run: the network is
small and fixed. Two generations of the file exist. The later one pads each block's convolution as JAX's
"SAME" does, the odd pixel below and to the right; its names tell which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from hilt.networks.errors import UnsupportedModelError

_GROUPS = 4


@dataclass(frozen=True, slots=True)
class ResNet10Config:
    """What `config.json` of such a model says, and its file's generation."""

    num_channels: int = 3
    embedding_size: int = 64
    hidden_sizes: tuple[int, ...] = (64, 128, 256, 512)
    same_padding: bool = False
    """Pad each block's convolution as "SAME" does; otherwise by 1 on every side."""

    @staticmethod
    def from_file(data: Mapping[str, Any], names: Collection[str]) -> ResNet10Config:
        """From `config.json` and the names of the tensors.

        Raises:
            UnsupportedModelError: another depth or activation.
        """
        if any(depth != 1 for depth in data.get("depths", ())) or data.get("hidden_act", "relu") != "relu":
            raise UnsupportedModelError(
                "its config.json is not that of a ResNet-10 (depths 1, hidden_act relu)"
            )
        known = {name: data[name] for name in ("num_channels", "embedding_size") if name in data}
        sizes = tuple(data.get("hidden_sizes", ResNet10Config().hidden_sizes))
        return ResNet10Config(**known, hidden_sizes=sizes, same_padding=_is_wrapped(names))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ResNet10Config:
        """The inverse of `to_json`."""
        known = {name: data[name] for name in ResNet10Config.__dataclass_fields__}
        return ResNet10Config(**{**known, "hidden_sizes": tuple(data["hidden_sizes"])})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"model_type": "resnet10", **asdict(self)}


def is_resnet10(names: Collection[str]) -> bool:
    """Whether tensors of these names are those of such a network."""
    return any(re.fullmatch(r"encoder\.(stages\.)?0\.norm1\.weight", name) for name in names)


def unwrap(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of either generation under the names of the first."""
    return {
        re.sub(
            r"\.conv(\d)\.conv\.", r".conv\1.", re.sub(r"^encoder\.(\d)", r"encoder.stages.\1", name)
        ): value
        for name, value in tensors.items()
    }


def _is_wrapped(names: Collection[str]) -> bool:
    return any(re.search(r"\.conv\d\.conv\.weight$", name) for name in names)


class _PadMaxPool(nn.Module):
    """Max pool 3x3, stride 2, padded by one row below and one column to the right."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)


class _Block(nn.Module):
    def __init__(self, in_dim: int, out_dim: int, stride: int, same_padding: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, stride, bias=False)
        self.norm1 = nn.GroupNorm(_GROUPS, out_dim)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, bias=False)
        self.norm2 = nn.GroupNorm(_GROUPS, out_dim)
        self.shortcut: nn.Module = nn.Identity()
        if in_dim != out_dim:
            convolution = nn.Conv2d(in_dim, out_dim, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.GroupNorm(_GROUPS, out_dim))
        self._same_padding = same_padding

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.conv1(self._pad(x, self.conv1.stride[0]))).relu()
        y = self.norm2(self.conv2(self._pad(y, 1))) + self.shortcut(x)
        return cast(Tensor, y.relu())

    def _pad(self, x: Tensor, stride: int) -> Tensor:
        if not self._same_padding:
            return F.pad(x, (1, 1, 1, 1))
        height, width = (_same(size, stride) for size in x.shape[-2:])
        return F.pad(x, (*width, *height))


def _same(size: int, stride: int) -> tuple[int, int]:
    """(before, after) for a kernel of 3: such that the result has ceil(size / stride) pixels."""
    total = max((-(-size // stride) - 1) * stride + 3 - size, 0)
    return total // 2, total - total // 2


class ResNet10(nn.Module):
    """Normalised pictures (B, 3, H, W) -> features (B, hidden_sizes[-1], H / 32, W / 32)."""

    def __init__(self, config: ResNet10Config) -> None:
        super().__init__()
        dim = config.embedding_size
        self.embedder = nn.Sequential(
            nn.Conv2d(config.num_channels, dim, 7, 2, 3, bias=False),
            nn.GroupNorm(_GROUPS, dim),
            nn.ReLU(),
            _PadMaxPool(),
        )
        in_dims = (dim, *config.hidden_sizes)
        blocks = [
            _Block(in_dim, out_dim, 1 if index == 0 else 2, config.same_padding)
            for index, (in_dim, out_dim) in enumerate(zip(in_dims, config.hidden_sizes, strict=False))
        ]
        self.encoder = nn.ModuleDict({"stages": nn.Sequential(*blocks)})

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.encoder["stages"](self.embedder(x)))
