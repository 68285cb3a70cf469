from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from hilt.networks.encoders import EncoderConfig, ObservationEncoder
from hilt.networks.errors import UnsupportedModelError
from hilt.networks.pretrained import PretrainedEncoder, load_pretrained
from hilt.networks.resnet import ResNet, ResNetConfig
from hilt.processors.normalization import Normalizer

SMALL = ResNetConfig(embedding_size=8, hidden_sizes=(8, 16), depths=(1, 2))
NAME = "observation.images.front"


def write(folder: Path, config: dict[str, Any], prefix: str = "") -> ResNet:
    resnet = ResNet(SMALL)
    for module in resnet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    tensors = {prefix + name: value for name, value in resnet.state_dict().items()}
    save_file({**tensors, "classifier.1.weight": torch.zeros(2, 2)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return resnet


@pytest.mark.parametrize("prefix", ["", "resnet."])
def test_a_local_folder_loads_bit_for_bit(tmp_path: Path, prefix: str) -> None:
    written = write(tmp_path, SMALL.to_json(), prefix)
    encoder = load_pretrained(str(tmp_path))
    assert written.state_dict().keys() == encoder.resnet.state_dict().keys()
    assert all(torch.equal(v, encoder.resnet.state_dict()[k]) for k, v in written.state_dict().items())


def test_parameters_are_named_as_hugging_face_names_them() -> None:
    names = ResNet(SMALL).state_dict().keys()
    assert {
        "embedder.embedder.convolution.weight",
        "embedder.embedder.normalization.running_mean",
        "encoder.stages.0.layers.0.layer.0.convolution.weight",
        "encoder.stages.1.layers.0.shortcut.normalization.bias",
        "encoder.stages.1.layers.1.layer.1.normalization.weight",
    } <= names


def test_resnet18_has_the_parameters_that_it_should() -> None:
    """11.69 million with the classifier of 513,000."""
    with torch.device("meta"):
        resnet = ResNet(ResNetConfig(depths=(2, 2, 2, 2)))
    assert sum(parameter.numel() for parameter in resnet.parameters()) == 11_176_512


def test_features_stand_in_for_the_picture(tmp_path: Path) -> None:
    write(tmp_path, SMALL.to_json())
    backbone = load_pretrained(str(tmp_path))
    encoder = ObservationEncoder({}, {NAME: (3, 64, 64)}, Normalizer({}, {}), EncoderConfig(), backbone)
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    features = backbone.features(images)
    assert features.dtype == torch.float16
    assert features.shape[1:] == backbone.feature_shape((3, 64, 64)) == (16, 8, 8)
    torch.testing.assert_close(encoder({NAME: features}), encoder({NAME: images}))


@pytest.mark.parametrize("trainable", [False, True])
def test_only_what_is_trainable_gets_a_gradient(trainable: bool) -> None:
    backbone = PretrainedEncoder(SMALL, trainable=trainable)
    encoder = ObservationEncoder({}, {NAME: (3, 64, 64)}, Normalizer({}, {}), EncoderConfig(), backbone)
    before = backbone.resnet.embedder["embedder"].normalization.running_mean.clone()
    encoder.train()
    encoder({NAME: torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)}).square().sum().backward()
    assert all((p.grad is not None) == trainable for p in backbone.parameters())
    assert encoder.cameras[0].pooling.kernel.grad is not None
    assert torch.equal(before, backbone.resnet.embedder["embedder"].normalization.running_mean)


def test_rebuilt_from_json_without_files() -> None:
    encoder = PretrainedEncoder(SMALL)
    other = PretrainedEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    other.load_state_dict(encoder.state_dict())
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(encoder.features(images), other.features(images))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"auto_map": {"AutoModel": "modeling.X"}}, "code from its repository"),
        ({"model_type": "vit"}, "model_type = 'vit'"),
        ({"layer_type": "bottleneck"}, "layer_type = 'bottleneck'"),
        ({"hidden_sizes": [8, 32]}, "does not fit"),
    ],
)
def test_other_models_are_refused_with_the_way_out(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    write(tmp_path, SMALL.to_json() | change)
    with pytest.raises(UnsupportedModelError, match=reason) as error:
        load_pretrained(str(tmp_path))
    assert "--policy.vision_encoder_name=null" in str(error.value)


def test_absent_and_offline_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("helper2424/resnet10", "no such folder!"):
        with pytest.raises(UnsupportedModelError, match="no such folder"):
            load_pretrained(name)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_incomplete_folder_is_named(tmp_path: Path, missing: str) -> None:
    write(tmp_path, SMALL.to_json())
    (tmp_path / missing).unlink()
    with pytest.raises(UnsupportedModelError, match=f"{missing} missing"):
        load_pretrained(str(tmp_path))


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    write(tmp_path, SMALL.to_json())
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(UnsupportedModelError, match="does not fit"):
        load_pretrained(str(tmp_path))
