"""Files as `helper2424/resnet10` has them, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

SIZES = (8, 16, 24, 32)
CONFIG = {
    "auto_map": {"AutoModel": "modeling_resnet.ResNet10"},
    "num_channels": 3,
    "embedding_size": 8,
    "hidden_sizes": list(SIZES),
    "depths": [1, 1, 1, 1],
    "hidden_act": "relu",
}
FIRST, SECOND, SHORT = "encoder.stages.{}.conv{}", "encoder.stages.{}.conv{}.conv", "encoder.{}.conv{}.conv"


def weights(convolution: str) -> dict[str, Tensor]:
    """Random weights under the names of a generation; `convolution` names those of the blocks."""
    torch.manual_seed(0)
    rest = convolution.split("{}")[0] + "{}"
    tensors = {"embedder.0.weight": 0.1 * torch.randn(8, 3, 7, 7)}
    tensors |= {"embedder.1.weight": torch.rand(8) + 0.5, "embedder.1.bias": torch.randn(8)}
    in_dim = 8
    for i, dim in enumerate(SIZES):
        block = rest.format(i)
        for k, width in ((1, in_dim), (2, dim)):
            tensors[convolution.format(i, k) + ".weight"] = 0.1 * torch.randn(dim, width, 3, 3)
            tensors |= {
                f"{block}.norm{k}.weight": torch.rand(dim) + 0.5,
                f"{block}.norm{k}.bias": torch.randn(dim),
            }
        if in_dim != dim:
            tensors[f"{block}.shortcut.0.weight"] = torch.randn(dim, in_dim, 1, 1)
            tensors |= {
                f"{block}.shortcut.1.weight": torch.ones(dim),
                f"{block}.shortcut.1.bias": torch.zeros(dim),
            }
        in_dim = dim
    return tensors


def write(folder: Path, tensors: dict[str, Tensor], **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    return folder
