"""What a policy must know of the robot and its data: features, action bounds, normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hilt.config.learning import LearningPolicy
from hilt.data.transition import Schema
from hilt.networks.encoders import EncoderConfig, ObservationEncoder
from hilt.networks.pretrained import PretrainedEncoder
from hilt.processors.actions import ActionScaling
from hilt.processors.normalization import Mode, Normalizer, Statistics

_PICTURES: Statistics = {"mean": [0.5], "std": [0.25], "min": [0.0], "max": [1.0]}
"""For cameras without statistics of their own."""


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """Observations and actions of one run. `statistics` are by feature; cameras may lack theirs."""

    schema: Schema
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    modes: Mapping[str, Mode]
    statistics: Mapping[str, Statistics]

    def __post_init__(self) -> None:
        if not len(self.action_low) == len(self.action_high) == self.schema.action_dim:
            raise ValueError(
                f"bounds of {len(self.action_low)} and {len(self.action_high)} actions,"
                f" but actions have {self.schema.action_dim} dimensions"
            )

    def normalizer(self) -> Normalizer:
        """Raises StatisticsError when a vector that is to be normalised has no statistics."""
        modes, statistics = dict(self.modes), dict(self.statistics)
        for name in self.schema.images:
            if name not in statistics:
                statistics[name] = _PICTURES
                modes.setdefault(name, "MEAN_STD")
        return Normalizer(
            statistics, {name: modes[name] for name in self.schema.observation if name in modes}
        )

    def encoder(self, settings: LearningPolicy, backbone: PretrainedEncoder | None) -> ObservationEncoder:
        """A fresh encoder of the observations, with a pretrained `backbone` if there is one."""
        sizes = EncoderConfig(
            state_encoder_hidden_dim=settings.state_encoder_hidden_dim,
            latent_dim=settings.latent_dim,
            image_encoder_hidden_dim=settings.image_encoder_hidden_dim,
            image_size_encoder=settings.image_size_encoder,
            shift_pixels=settings.shift_pixels,
            image_embedding_pooling_dim=settings.image_embedding_pooling_dim,
            use_amp=settings.use_amp,
        )
        return ObservationEncoder(self.vectors, self.images, self.normalizer(), sizes, backbone)

    def scaling(self, num_actions: int) -> ActionScaling:
        """Of the first `num_actions` dimensions."""
        return ActionScaling(self.action_low[:num_actions], self.action_high[:num_actions])

    @property
    def vectors(self) -> dict[str, tuple[int, ...]]:
        return {name: self.schema.observation[name].shape for name in self.schema.vectors}

    @property
    def images(self) -> dict[str, tuple[int, ...]]:
        return {name: self.schema.observation[name].shape for name in self.schema.images}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `input_features` and `output_features` are named as in the field's files."""
        schema = self.schema.to_json()
        return {
            "input_features": schema["observation"],
            "output_features": {"action": schema["action"]},
            "action_low": list(self.action_low),
            "action_high": list(self.action_high),
            "normalization": dict(self.modes),
            "statistics": {name: dict(values) for name, values in self.statistics.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> PolicySpec:
        """The inverse of `to_json`; raises KeyError naming what is missing."""
        return PolicySpec(
            Schema.from_json(
                {"observation": data["input_features"], "action": data["output_features"]["action"]}
            ),
            tuple(data["action_low"]),
            tuple(data["action_high"]),
            dict(data["normalization"]),
            dict(data["statistics"]),
        )
