"""What a configuration says of one array that is observed or commanded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hilt.config.fields import PositiveInt, Section, invalid

FeatureType = Literal["VISUAL", "STATE", "ENV", "ACTION"]


class FeatureConfig(Section):
    """One array that is observed or commanded."""

    type: FeatureType
    shape: Annotated[list[PositiveInt], Field(min_length=1)]

    @model_validator(mode="after")
    def _image_shape(self) -> FeatureConfig:
        if self.type == "VISUAL" and (len(self.shape) != 3 or self.shape[0] != 3):
            raise invalid("a picture's shape is [3, height, width]", "shape")
        return self


def camera_of(feature: str) -> str:
    """`front` of `observation.images.front` and of `pixels/front`."""
    return feature.replace("/", ".").rsplit(".", 1)[-1]
