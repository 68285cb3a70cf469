"""The reward classifier: camera pictures, and the state if wanted, to the probability of success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hilt.data.batch import ObservationBatch
from hilt.networks.encoders import EncoderConfig, EncoderNoise, ObservationEncoder
from hilt.networks.errors import UnsupportedModelError
from hilt.networks.pretrained import PretrainedEncoder
from hilt.processors.normalization import Mode, Normalizer, StatisticsError
from hilt.runs.checkpoints import CheckpointError, read_model

TYPE = "reward_classifier"


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """Everything but the weights: what `config.json` holds."""

    images: Mapping[str, tuple[int, ...]]
    """Camera -> (3, H, W)."""
    vectors: Mapping[str, tuple[int, ...]]
    """State features -> (D,); empty: pictures decide alone."""
    statistics: Mapping[str, Mapping[str, list[float]]]
    """Feature -> `mean` and `std` of the frames that it was trained on; pictures in [0, 1]."""
    num_classes: int = 2
    success_classes: tuple[int, ...] = (1,)
    class_rewards: tuple[float, ...] | None = None
    """What a frame of each class is worth, in units of the success reward; None: 1 for success, else 0."""
    hidden_dim: int = 256
    dropout_rate: float = 0.1
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    backbone: Mapping[str, Any] | None = None
    """Configuration of the pretrained encoder, from which it is rebuilt; None: a small convolution."""
    threshold: float = 0.5
    """Probability from which a frame counts as success, calibrated in training."""

    @property
    def features(self) -> list[str]:
        return [*self.images, *self.vectors]

    @property
    def worths(self) -> tuple[float, ...]:
        """(num_classes,) what a frame of each class is worth, in units of the success reward."""
        if self.class_rewards is not None:
            return self.class_rewards
        return tuple(float(label in self.success_classes) for label in range(self.num_classes))

    def to_json(self) -> dict[str, Any]:
        return {"type": TYPE, **asdict(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ClassifierSpec:
        """Raises KeyError or TypeError when `data` is of something else."""
        known = {key: value for key, value in data.items() if key != "type"}
        for key in ("images", "vectors"):
            known[key] = {name: tuple(shape) for name, shape in data[key].items()}
        if "success_class" in known:  # saved before there could be several
            known["success_classes"] = (known.pop("success_class"),)
        for key in ("success_classes", "class_rewards"):
            known[key] = tuple(known[key]) if known.get(key) is not None else known.get(key)
        return ClassifierSpec(**{**known, "encoder": EncoderConfig(**data["encoder"])})


class RewardClassifier(nn.Module):
    """Encoder per camera -> Dense -> dropout -> LayerNorm -> ReLU -> logits (B, num_classes).

    A pretrained `backbone` stays as it is; the spatial embeddings and layers above it are trained. Without
    one, everything is. Where a backbone stands, observations may hold its features in place of pictures.
    """

    def __init__(self, spec: ClassifierSpec, backbone: PretrainedEncoder | None = None) -> None:
        super().__init__()
        self.spec = spec
        modes: dict[str, Mode] = dict.fromkeys(spec.features, "MEAN_STD")
        normalizer = Normalizer(spec.statistics, modes)
        self.encoder = ObservationEncoder(spec.vectors, spec.images, normalizer, spec.encoder, backbone)
        self.head = nn.Sequential(
            nn.Linear(self.encoder.feature_dim, spec.hidden_dim),
            nn.Dropout(spec.dropout_rate),
            nn.LayerNorm(spec.hidden_dim),
            nn.ReLU(),
            nn.Linear(spec.hidden_dim, spec.num_classes),
        )

    def forward(self, observation: ObservationBatch, noise: EncoderNoise | None = None) -> Tensor:
        """Logits (B, num_classes); `noise` shifts the pictures and drops features, in training."""
        logits: Tensor = self.head(self.encoder(observation, noise))
        return logits

    @torch.inference_mode()
    def probabilities(self, observation: ObservationBatch) -> Tensor:
        """(B, num_classes) in 0..1."""
        logits: Tensor = self(observation)
        return logits.softmax(-1)

    def success_probability(self, observation: ObservationBatch) -> Tensor:
        """(B,) in 0..1: that it is one of the classes that are success."""
        return self.success_of(self.probabilities(observation))

    def success_of(self, probabilities: Tensor) -> Tensor:
        """(B,) of (B, num_classes): the probability of all classes that are success."""
        return probabilities[:, list(self.spec.success_classes)].sum(-1)

    def with_threshold(self, threshold: float) -> RewardClassifier:
        """The same classifier, calibrated."""
        self.spec = replace(self.spec, threshold=threshold)
        return self


def load_classifier(folder: str | Path, device: torch.device | str = "cpu") -> RewardClassifier:
    """The classifier saved in `folder` (`.../pretrained_model`, or the checkpoint above it). No network.

    Raises:
        CheckpointError: it is missing, damaged, or not a reward classifier.
    """
    config, tensors = read_model(Path(folder))
    if config.get("type") != TYPE:
        raise CheckpointError(f"{folder} holds a {config.get('type')!r}, not a reward classifier")
    try:
        spec = ClassifierSpec.from_json(config)
        classifier = RewardClassifier(spec, _backbone(spec))
        classifier.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError, StatisticsError, UnsupportedModelError) as error:
        raise CheckpointError(f"{folder} holds no classifier that this version can build: {error}") from error
    return classifier.to(device).eval()


def _backbone(spec: ClassifierSpec) -> PretrainedEncoder | None:
    return None if spec.backbone is None else PretrainedEncoder.from_json(spec.backbone)
