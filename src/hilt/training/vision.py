"""Pretrained image encoders in training: where they come from, and their features in place of frames."""

from __future__ import annotations

import torch

from hilt.config.learning import LearningPolicy
from hilt.data.replay_buffer import FrameTransform
from hilt.data.transition import Feature, Observation, Schema
from hilt.networks.pretrained import PretrainedEncoder, load_pretrained
from hilt.processors.observation import to_batch
from hilt.runs.checkpoints import Checkpoint

_PREFIX = "encoder.backbone."
"""Of its tensors in a saved policy."""


def load_backbone(
    policy: LearningPolicy, schema: Schema, checkpoint: Checkpoint | None, device: str
) -> PretrainedEncoder | None:
    """The encoder of the run that `checkpoint` is of, else the one that `policy` names, or None.

    Raises:
        UnsupportedModelError: it is absent, damaged, of another kind, or needs code of its own.
    """
    if checkpoint is not None:
        return _saved_backbone(checkpoint, device)
    if policy.vision_encoder_name is None or not schema.images:
        return None
    return load_pretrained(policy.vision_encoder_name, trainable=not policy.freeze_vision_encoder).to(device)


def _saved_backbone(checkpoint: Checkpoint, device: str) -> PretrainedEncoder | None:
    saved = checkpoint.config["backbone"]
    if saved is None:
        return None
    backbone = PretrainedEncoder.from_json(saved)
    tensors = checkpoint.model.items()
    backbone.load_state_dict(
        {name.removeprefix(_PREFIX): value for name, value in tensors if name.startswith(_PREFIX)}
    )
    return backbone.to(device)


def frozen_features(backbone: PretrainedEncoder | None, schema: Schema, device: str) -> FrameTransform | None:
    """Each picture becomes its features, once, when it is stored; None where pictures have to stay."""
    if backbone is None or backbone.trainable:
        return None
    features = {
        name: Feature(backbone.feature_shape(feature.shape), "float16") if feature.is_image else feature
        for name, feature in schema.observation.items()
    }

    @torch.inference_mode()
    def apply(observation: Observation) -> Observation:
        pictures = to_batch({name: observation[name] for name in schema.images}, device)
        seen = {name: backbone(picture)[0].cpu().numpy() for name, picture in pictures.items()}
        return {**observation, **seen}

    return FrameTransform(features, apply)
