"""Pretrained image encoders: from a local folder or the hub, by our own code, never by the repository's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hilt.networks.encoders import Backbone, Shape
from hilt.networks.errors import UnsupportedModelError
from hilt.networks.hub import WAY_OUT, find_model
from hilt.networks.resnet import ResNet, ResNetConfig
from hilt.networks.resnet10 import ResNet10, ResNet10Config, is_resnet10, unwrap

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Architecture = ResNetConfig | ResNet10Config


class PretrainedEncoder(Backbone):
    """uint8 pictures (B, 3, H, W) -> features (B, C', h, w).

    Unless it is `trainable` its features are constants, in float16, which can stand in for the picture.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, architecture: Architecture, *, trainable: bool = False) -> None:
        super().__init__()
        self.architecture, self.trainable = architecture, trainable
        resnet = ResNet(architecture) if isinstance(architecture, ResNetConfig) else ResNet10(architecture)
        self.resnet = resnet.requires_grad_(trainable)
        self.register_buffer("mean", 255 * torch.tensor(_IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(_IMAGENET_STD).view(3, 1, 1))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> PretrainedEncoder:
        """The encoder that `to_json` describes, its weights still to be loaded."""
        kind = ResNet10Config if data["resnet"]["model_type"] == "resnet10" else ResNetConfig
        return PretrainedEncoder(kind.from_json(data["resnet"]), trainable=bool(data["trainable"]))

    def to_json(self) -> dict[str, Any]:
        """What a saved policy's configuration must hold, so that nothing else is needed to rebuild it."""
        return {"resnet": self.architecture.to_json(), "trainable": self.trainable}

    def forward(self, images: Tensor) -> Tensor:
        if self.trainable:
            return self._features(images)
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return self._features(images).half()

    def features(self, images: Tensor) -> Tensor:
        """What the buffer stores in place of frames, computed once per frame: (B, C', h, w) float16."""
        with torch.inference_mode():
            return self.forward(images).half()

    def _features(self, images: Tensor) -> Tensor:
        features: Tensor = self.resnet((images - self.mean) / self.std)
        return features

    def feature_shape(self, image_shape: Shape) -> Shape:
        with torch.no_grad():
            return tuple(self.forward(torch.zeros(1, *image_shape, dtype=torch.uint8)).shape[1:])


def load_pretrained(name: str, *, trainable: bool = False) -> PretrainedEncoder:
    """The encoder in the folder, or of the hub id, `name`: `config.json` and `model.safetensors`.

    Raises:
        UnsupportedModelError: it is absent, damaged, or of another kind than hilt's own code builds.
    """
    folder = find_model(name)
    try:
        return _build(folder, trainable)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"vision encoder {name!r}: {error}; {WAY_OUT}") from error


def _build(folder: Path, trainable: bool) -> PretrainedEncoder:
    config, tensors = _read_config(folder), _read_tensors(folder)
    architecture: Architecture
    if is_resnet10(tensors):
        architecture = ResNet10Config.from_file(config, tensors)
        tensors = unwrap(tensors)
    elif "auto_map" in config:
        raise UnsupportedModelError("it needs code from its repository, which hilt does not run")
    else:
        architecture = ResNetConfig.from_json(config)
    encoder = PretrainedEncoder(architecture, trainable=trainable)
    needed = encoder.resnet.state_dict().keys()
    try:  # what a file holds besides is the head of a classifier
        encoder.resnet.load_state_dict({name: tensors[name] for name in needed if name in tensors})
    except RuntimeError as error:
        raise UnsupportedModelError(f"its model.safetensors does not fit: {error}") from error
    return encoder


def _read_config(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnsupportedModelError(f"its config.json is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise UnsupportedModelError("its config.json is not a JSON object")
    return config


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    """Classifiers keep the network below `resnet.`."""
    try:
        tensors = load_file(folder / "model.safetensors")
    except (SafetensorError, OSError) as error:
        raise UnsupportedModelError(f"its model.safetensors does not fit: {error}") from error
    return {name.removeprefix("resnet."): value for name, value in tensors.items()}
