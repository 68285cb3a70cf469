"""Frozen pretrained encoders: each frame seen once, nothing needed but the checkpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hilt.build.envs import make_environment
from hilt.build.policies import load_policy
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.networks.pretrained import PretrainedEncoder
from hilt.networks.resnet import ResNet, ResNetConfig
from hilt.runs.checkpoints import Checkpoint, write_model
from hilt.training.learner_parts import Builder, learning_policy
from hilt.training.vision import load_backbone
from hilt.transport.weights import FrozenTensors, Publication, Weights
from tests.training.parts import episode, small_config

TINY = ResNetConfig(embedding_size=4, hidden_sizes=(4, 6), depths=(1, 1))
FRONT = "observation.images.front"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A folder in the layout of Hugging Face."""
    folder = tmp_path / "resnet"
    folder.mkdir()
    torch.manual_seed(0)
    save_file(ResNet(TINY).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TINY.to_json()))
    return folder


def configure(encoder: Path, policy: str = "sac", **keys: Any) -> RunConfig:
    said = {"vision_encoder_name": str(encoder), "image_embedding_pooling_dim": 2, **keys}
    overrides = [f"policy.{key}={json.dumps(value)}" for key, value in said.items()]
    return load_config(to_dict(small_config(policy, "pixels")), overrides)


def build(config: RunConfig, checkpoint: Checkpoint | None = None) -> Builder:
    env = make_environment(config)
    backbone = load_backbone(learning_policy(config), env.schema, checkpoint, "cpu")
    return Builder(config, env.spec, "cpu", backbone)


def count_calls(backbone: PretrainedEncoder) -> list[torch.Size]:
    """The shapes of what `backbone` sees from now on."""
    seen: list[torch.Size] = []
    backbone.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    return seen


def test_buffers_hold_what_the_encoder_made_of_each_frame(encoder: Path, tmp_path: Path) -> None:
    builder = build(configure(encoder))
    assert builder.backbone is not None
    seen, steps = count_calls(builder.backbone), episode(1, 5, schema=builder.env.schema)
    memory = builder.memory(tmp_path)
    seen.clear()  # one look at an empty frame tells the shape
    memory.demonstrate(steps)
    assert len(seen) == len(builder.env.schema.images) * (len(steps) + 1)
    frames = memory.demonstrations.frames[FRONT]
    assert frames.dtype == np.float16
    picture = torch.from_numpy(steps[2].observation[FRONT]).unsqueeze(0)
    np.testing.assert_array_equal(frames[2], builder.backbone(picture)[0].numpy())
    seen.clear()
    builder.algorithm(memory, None).update(builder.draw(builder.sampler(memory)))
    assert not [shape for shape in seen if shape[0] > 1], "an update encodes no picture again"
    memory.close()


@pytest.mark.parametrize(
    ("policy", "keys"),
    [("sac", {}), ("sac", {"freeze_vision_encoder": False}), ("acfql", {"shared_encoder": False})],
)
def test_the_checkpoint_alone_rebuilds_everything(
    encoder: Path, tmp_path: Path, policy: str, keys: dict[str, Any]
) -> None:
    builder = build(configure(encoder, policy, **keys))
    schema, memory = builder.env.schema, builder.memory(tmp_path)
    memory.demonstrate(episode(1, 8, schema=schema))
    algorithm = builder.algorithm(memory, None)
    algorithm.update(builder.draw(builder.sampler(memory)))
    model = {name: tensor.clone() for name, tensor in algorithm.policy.state_dict().items()}
    saved = Checkpoint(1, algorithm.policy.config, model, {}, {}, {})
    write_model(tmp_path / "model", saved.config, saved.model, {})
    shutil.rmtree(encoder)

    again = build(builder.config, saved)
    assert_equal_weights(builder, again)
    again.algorithm(memory, saved.config).load_state_tensors(algorithm.state_tensors())
    observation = episode(2, 1, schema=schema)[0].observation
    seen = count_calls(algorithm.policy.encoder.backbone)
    expected = algorithm.policy.act(
        {name: torch.from_numpy(array).unsqueeze(0) for name, array in observation.items()},
        deterministic=True,
        generator=torch.Generator().manual_seed(0),
    )
    if not keys:
        assert len(seen) == len(schema.images), "an actor looks at each picture once per step"
    np.testing.assert_array_equal(load_policy(tmp_path / "model")(observation), expected[0])
    memory.close()


def assert_equal_weights(first: Builder, second: Builder) -> None:
    assert first.backbone is not None
    assert second.backbone is not None
    if not first.backbone.trainable:
        ours, theirs = first.backbone.state_dict(), second.backbone.state_dict()
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_actors_get_a_frozen_encoder_once(encoder: Path, tmp_path: Path) -> None:
    builder = build(configure(encoder))
    memory = builder.memory(tmp_path)
    policy = builder.algorithm(memory, None).policy
    first = Publication(Weights(1, policy.state_dict(), policy.config), policy.frozen, None)
    second = Publication(Weights(2, policy.state_dict(), policy.config), policy.frozen, first)
    sizes = [
        sum(len(m.chunk) for m in p.messages(known)) for p, known in ((first, None), (second, first.frozen))
    ]
    assert builder.backbone is not None
    weights = sum(tensor.nbytes for tensor in builder.backbone.state_dict().values())
    assert sizes[0] - sizes[1] > weights
    memory.close()


def nbytes(publication: Publication, known: FrozenTensors | None) -> int:
    return sum(len(message.chunk) for message in publication.messages(known))


def test_features_are_not_shifted(encoder: Path, tmp_path: Path) -> None:
    builder = build(configure(encoder, shift_pixels=8))
    memory = builder.memory(tmp_path)
    memory.demonstrate(episode(1, 8, schema=builder.env.schema))
    policy = builder.algorithm(memory, None).policy
    batch = builder.draw(builder.sampler(memory))().observation
    noise = policy.encoder.draw_noise(len(batch[FRONT]), torch.Generator().manual_seed(0))
    still = type(noise)(torch.full_like(noise.shift, 8), noise.dropout)
    torch.testing.assert_close(policy.encoder(batch, noise), policy.encoder(batch, still), rtol=0, atol=0)
    memory.close()
