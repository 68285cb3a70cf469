"""ResNet with basic blocks, its parameters named as in Hugging Face's `ResNetModel`, so that its files load.

He et al. (2016). ResNet-10 and ResNet-18 are such networks, with one and two blocks per stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from torch import Tensor, nn

from hilt.networks.errors import UnsupportedModelError


@dataclass(frozen=True, slots=True)
class ResNetConfig:
    """What `config.json` of such a model says."""

    num_channels: int = 3
    embedding_size: int = 64
    hidden_sizes: tuple[int, ...] = (64, 128, 256, 512)
    depths: tuple[int, ...] = (1, 1, 1, 1)
    downsample_in_first_stage: bool = False

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ResNetConfig:
        """Raises UnsupportedModelError when the file describes anything but such a network."""
        kinds = {"model_type": "resnet", "layer_type": "basic", "hidden_act": "relu"}
        defaults = {"layer_type": "bottleneck", "hidden_act": "relu"}
        for key, expected in kinds.items():
            value = data.get(key, defaults.get(key))
            if value != expected:
                raise UnsupportedModelError(
                    f"its config.json says {key} = {value!r}; hilt builds ResNets with {key} = {expected!r}"
                )
        known: dict[str, Any] = {
            name: tuple(data[name]) if isinstance(data[name], list) else data[name]
            for name in ResNetConfig.__dataclass_fields__
            if name in data
        }
        return ResNetConfig(**known)

    def to_json(self) -> dict[str, Any]:
        """As a `config.json` of such a model says it."""
        return {"model_type": "resnet", "layer_type": "basic", "hidden_act": "relu", **asdict(self)}


class _ConvNorm(nn.Module):
    def __init__(self, in_dim: int, out_dim: int, kernel: int, stride: int, *, activate: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_dim, out_dim, kernel, stride, kernel // 2, bias=False)
        self.normalization = nn.BatchNorm2d(out_dim)
        self.activation: nn.Module = nn.ReLU() if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.normalization(self.convolution(x)))
        return y


class _BasicBlock(nn.Module):
    def __init__(self, in_dim: int, out_dim: int, stride: int) -> None:
        super().__init__()
        changes = in_dim != out_dim or stride != 1
        self.shortcut: nn.Module = (
            _ConvNorm(in_dim, out_dim, 1, stride, activate=False) if changes else nn.Identity()
        )
        self.layer = nn.Sequential(
            _ConvNorm(in_dim, out_dim, 3, stride, activate=True),
            _ConvNorm(out_dim, out_dim, 3, 1, activate=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) + self.shortcut(x)
        return y.relu()


class _Stage(nn.Module):
    def __init__(self, in_dim: int, out_dim: int, depth: int, stride: int) -> None:
        super().__init__()
        first = _BasicBlock(in_dim, out_dim, stride)
        self.layers = nn.Sequential(first, *(_BasicBlock(out_dim, out_dim, 1) for _ in range(depth - 1)))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x))


class ResNet(nn.Module):
    """Normalised pictures (B, 3, H, W) -> features (B, hidden_sizes[-1], H / 32, W / 32).

    Batch normalisation always uses its stored statistics: there is no training mode to forget about.
    """

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.embedder = nn.ModuleDict(
            {"embedder": _ConvNorm(config.num_channels, config.embedding_size, 7, 2, activate=True)}
        )
        self.pooler = nn.MaxPool2d(3, 2, 1)
        in_dims = (config.embedding_size, *config.hidden_sizes)
        strides = [2 if i > 0 or config.downsample_in_first_stage else 1 for i in range(len(config.depths))]
        stages = zip(in_dims, config.hidden_sizes, config.depths, strides, strict=False)
        self.encoder = nn.ModuleDict({"stages": nn.Sequential(*(_Stage(*stage) for stage in stages))})
        self.eval()

    def train(self, mode: bool = True) -> ResNet:
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pooler(self.embedder["embedder"](x))
        return cast(Tensor, self.encoder["stages"](x))
