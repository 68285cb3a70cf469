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
from hilt.networks.resnet import ResNet, ResNetConfig, UnsupportedModelError

WAY_OUT = "use --policy.vision_encoder_name=null, a small convolution trained from scratch"
_NEEDS_REMOTE_CODE = frozenset({"helper2424/resnet10", "lerobot/resnet10"})
_FILES = ("config.json", "model.safetensors")
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PretrainedEncoder(Backbone):
    """uint8 pictures (B, 3, H, W) -> features (B, C', h, w).

    Unless it is `trainable` its features are constants, in float16, which can stand in for the picture.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ResNetConfig, *, trainable: bool = False) -> None:
        super().__init__()
        self.resnet_config, self.trainable = config, trainable
        self.resnet = ResNet(config).requires_grad_(trainable)
        self.register_buffer("mean", 255 * torch.tensor(_IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(_IMAGENET_STD).view(3, 1, 1))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> PretrainedEncoder:
        """The encoder that `to_json` describes, its weights still to be loaded."""
        return PretrainedEncoder(ResNetConfig.from_json(data["resnet"]), trainable=bool(data["trainable"]))

    def to_json(self) -> dict[str, Any]:
        """What a saved policy's configuration must hold, so that nothing else is needed to rebuild it."""
        return {"resnet": self.resnet_config.to_json(), "trainable": self.trainable}

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
        UnsupportedModelError: it is absent, damaged, of another kind, or needs code of its own.
    """
    try:
        folder = _folder(name)
        encoder = PretrainedEncoder(ResNetConfig.from_json(_read_config(folder)), trainable=trainable)
        _load_weights(encoder.resnet, folder / "model.safetensors")
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"vision encoder {name!r}: {error}; {WAY_OUT}") from error
    return encoder


def _folder(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if name in _NEEDS_REMOTE_CODE:
        raise UnsupportedModelError("it needs code from its repository, which hilt does not run")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise UnsupportedModelError(
            "no such folder, and a hub id needs the extra `pip install 'hilt[hub]'`"
        ) from error
    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except HFValidationError as error:
        raise UnsupportedModelError("no such folder, and not a hub id") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise UnsupportedModelError("no such folder, and the hub does not give it (offline?)") from error


def _read_config(folder: Path) -> Mapping[str, Any]:
    missing = [file for file in _FILES if not (folder / file).is_file()]
    if missing:
        raise UnsupportedModelError(f"{' and '.join(missing)} missing in it")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnsupportedModelError(f"its config.json is not JSON: {error}") from error
    if not isinstance(config, dict) or "auto_map" in config:
        raise UnsupportedModelError("it needs code from its repository, which hilt does not run")
    return config


def _load_weights(resnet: ResNet, file: Path) -> None:
    """Classifiers keep the network below `resnet.`, and a head that is not needed here."""
    try:
        tensors = load_file(file)
        weights = {name.removeprefix("resnet."): value for name, value in tensors.items()}
        needed = resnet.state_dict().keys()
        resnet.load_state_dict({name: weights[name] for name in needed if name in weights})
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UnsupportedModelError(f"its model.safetensors does not fit: {error}") from error
