"""From a configuration and a dataset to an untrained classifier and the frames that it sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from hilt.build.datasets import dataset_folder, open_dataset, recorded_schema
from hilt.config.classifier import ClassifierConfig
from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.data.transition import Feature, Schema
from hilt.networks.encoders import EncoderConfig
from hilt.networks.pretrained import PretrainedEncoder, load_pretrained
from hilt.rewards.frames import LabelledFrames
from hilt.rewards.labels import read_labels
from hilt.rewards.model import ClassifierSpec, RewardClassifier

_SHIFT_SHARE = 10
_CHUNK = 64


def classifier_policy(config: RunConfig) -> ClassifierConfig:
    """The `policy` section of a reward classifier. Raises ConfigError when it is of another type."""
    if not isinstance(config.policy, ClassifierConfig):
        raise ConfigError("policy.type", 'must be "reward_classifier"')
    if config.policy.model_type != "cnn":
        raise ConfigError(
            "policy.model_type", f"{config.policy.model_type!r}: hilt's encoders are of type cnn"
        )
    return config.policy


def open_frames(config: RunConfig, should_stop: Callable[[], bool] = lambda: False) -> DatasetReader:
    """The dataset, read as far as the classifier looks at it.

    That is `policy.input_features`, or else the first `policy.num_cameras` cameras that were recorded.

    Raises:
        DatasetError: it has too few cameras, or not the features that were asked for.
    """
    policy, recorded = classifier_policy(config), recorded_schema(config)
    wanted = {
        name: Feature(tuple(feature.shape), "uint8" if feature.type == "VISUAL" else "float32")
        for name, feature in policy.input_features.items()
    }
    if not wanted:
        cameras = recorded.images[: policy.num_cameras]
        is_said = "num_cameras" in policy.model_fields_set
        if not cameras or (is_said and len(cameras) < policy.num_cameras):
            raise DatasetError(
                f"{dataset_folder(config)} has {len(cameras)} cameras, "
                f"policy.num_cameras asks for {policy.num_cameras}"
            )
        wanted = {name: recorded.observation[name] for name in cameras}
    return open_dataset(config, Schema(wanted, recorded.action), should_stop=should_stop)


def check_dataset(config: RunConfig, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Whether the dataset has what the classifier looks at, and the labels that it is to tell apart.

    Raises:
        DatasetError: what is missing.
    """
    policy, reader = classifier_policy(config), open_frames(config, should_stop)
    read_labels(reader, policy.num_classes, policy.label_column)
    reader.close()


def build_classifier(policy: ClassifierConfig, frames: LabelledFrames) -> RewardClassifier:
    """Untrained, normalising by the statistics of `frames`.

    Raises:
        UnsupportedModelError: the pretrained encoder cannot be had.
    """
    shapes = {name: tuple(value.shape[1:]) for name, value in frames.observations.items()}
    images = {name: shape for name, shape in shapes.items() if len(shape) == 3}
    backbone = None if policy.model_name is None else load_pretrained(policy.model_name)
    spec = ClassifierSpec(
        images=images,
        vectors={name: shape for name, shape in shapes.items() if name not in images},
        statistics=_statistics(frames.observations),
        num_classes=policy.num_classes,
        success_classes=policy.successes,
        class_rewards=None if policy.class_rewards is None else tuple(policy.class_rewards),
        hidden_dim=policy.hidden_dim,
        dropout_rate=policy.dropout_rate,
        encoder=EncoderConfig(
            latent_dim=policy.latent_dim,
            image_size_encoder=policy.image_size_encoder,
            image_embedding_pooling_dim=policy.image_embedding_pooling_dim,
            dropout=policy.dropout_rate,
            shift_pixels=max(
                1, min((min(shape[1:]) for shape in images.values()), default=0) // _SHIFT_SHARE
            ),
        ),
        backbone=None if backbone is None else backbone.to_json(),
    )
    return RewardClassifier(spec, backbone)


def _statistics(observations: Mapping[str, Tensor]) -> dict[str, dict[str, list[float]]]:
    """Mean and standard deviation per channel (pictures, in [0, 1]) or component."""
    statistics = {}
    for name, value in observations.items():
        axes = [0, 2, 3] if value.ndim == 4 else [0]
        scaled = value.double() / (255 if value.dtype == torch.uint8 else 1)
        statistics[name] = {
            "mean": scaled.mean(axes).tolist(),
            "std": scaled.std(axes, correction=0).tolist(),
        }
    return statistics


def encode_once(
    classifier: RewardClassifier, frames: LabelledFrames, progress: Callable[[str], None] = lambda text: None
) -> LabelledFrames:
    """`frames` with the features of a pretrained encoder, which stays as it is, in place of pictures.

    `progress` hears how many pictures it has seen.
    """
    backbone = classifier.encoder.backbone
    if not isinstance(backbone, PretrainedEncoder):
        return frames
    device = next(classifier.parameters()).device
    observations = dict(frames.observations)
    for name in classifier.spec.images:
        pictures, parts = frames.observations[name], []
        for start in range(0, len(pictures), _CHUNK):
            parts.append(backbone.features(pictures[start : start + _CHUNK].to(device)).cpu())
            progress(f"{name}: {start} of {len(pictures)} pictures encoded")
        observations[name] = torch.cat(parts)
    return replace(frames, observations=observations)
