"""The encoder that HIL-SERL users' files name loads into hilt's own code, both generations of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hilt.networks.errors import UnsupportedModelError
from hilt.networks.hub import find_model
from hilt.networks.pretrained import PretrainedEncoder, load_pretrained
from tests.networks.resnet10_files import FIRST, SECOND, SHORT, SIZES, weights, write


def plain(tensors: dict[str, Tensor], convolution: str, images: Tensor, same: bool) -> Tensor:
    """The network written out, without a module."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images.float() / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    x = F.conv2d(x, tensors["embedder.0.weight"], stride=2, padding=3)
    x = F.relu(F.group_norm(x, 4, tensors["embedder.1.weight"], tensors["embedder.1.bias"], 1e-5))
    x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)
    for i in range(4):
        block = convolution.split("{}")[0] + str(i)
        stride = 1 if i == 0 else 2
        padding = (0, 1, 0, 1) if same and stride == 2 else (1, 1, 1, 1)
        y = F.conv2d(F.pad(x, padding), tensors[convolution.format(i, 1) + ".weight"], stride=stride)
        y = F.relu(F.group_norm(y, 4, tensors[f"{block}.norm1.weight"], tensors[f"{block}.norm1.bias"], 1e-5))
        y = F.conv2d(y, tensors[convolution.format(i, 2) + ".weight"], padding=1)
        y = F.group_norm(y, 4, tensors[f"{block}.norm2.weight"], tensors[f"{block}.norm2.bias"], 1e-5)
        if f"{block}.shortcut.0.weight" in tensors:
            x = F.conv2d(x, tensors[f"{block}.shortcut.0.weight"], stride=stride)
            x = F.group_norm(
                x, 4, tensors[f"{block}.shortcut.1.weight"], tensors[f"{block}.shortcut.1.bias"], 1e-5
            )
        x = F.relu(x + y)
    return x


@pytest.mark.parametrize(("convolution", "same"), [(FIRST, False), (SECOND, True), (SHORT, True)])
def test_both_generations_give_what_a_plain_computation_gives(
    tmp_path: Path, convolution: str, same: bool
) -> None:
    tensors = weights(convolution)
    encoder = load_pretrained(str(write(tmp_path, tensors)), trainable=True)
    images = torch.randint(0, 256, (2, 3, 128, 128), dtype=torch.uint8)
    expected = plain(tensors, convolution, images, same)
    assert expected.shape == (2, SIZES[-1], 4, 4)
    torch.testing.assert_close(encoder(images), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(expected, plain(tensors, convolution, images, not same), atol=1e-2)


def test_a_saved_policy_rebuilds_it_without_the_file(tmp_path: Path) -> None:
    encoder = load_pretrained(str(write(tmp_path, weights(SECOND))))
    other = PretrainedEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    other.load_state_dict(encoder.state_dict())
    images = torch.randint(0, 256, (1, 3, 128, 128), dtype=torch.uint8)
    assert torch.equal(encoder.features(images), other.features(images))


def test_it_is_found_in_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    model = tmp_path / "models--helper2424--resnet10"
    write(model / "snapshots" / "abc", weights(FIRST))
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert find_model("helper2424/resnet10").name == "abc"
    load_pretrained("helper2424/resnet10")


@pytest.mark.parametrize(
    "changes", [{"depths": [2, 1, 1, 1]}, {"hidden_act": "gelu"}, {"hidden_sizes": [8, 8, 8, 8]}]
)
def test_another_network_under_these_names_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(UnsupportedModelError, match="vision_encoder_name=null"):
        load_pretrained(str(write(tmp_path, weights(FIRST), **changes)))
