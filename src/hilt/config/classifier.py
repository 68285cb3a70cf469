"""`policy.type: reward_classifier`: a model that tells success from pictures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hilt.config.fields import Fraction, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, invalid
from hilt.config.learning import PolicyBase


def _listed(value: Any) -> Any:
    """A number is a list of one."""
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class ClassifierConfig(PolicyBase):
    """A vision model that tells success from the camera pictures."""

    type: str = "reward_classifier"
    model_name: str | None = None
    """Pretrained encoder: a folder or hub id; null: a small convolution trained from scratch."""
    model_type: Literal["cnn", "transformer"] = "cnn"
    """Kind of encoder."""
    num_cameras: PositiveInt = 2
    """Cameras that it looks at."""
    num_classes: Annotated[int, Field(ge=2)] = 2
    """Classes, which must be those of the labels: 0 to num_classes - 1; 2: failure and success."""
    label_column: str = "next.reward"
    """Column of the dataset that holds the labels; one named `next...` is about what was seen after the
    action."""
    label_delay_s: NonNegativeFloat = 0.5
    """Longest time [s] between success and the press that declares it: in episodes that a person judged,
    frames that long before a change of label are left out, for their label says what was not yet pressed."""
    success_class: Annotated[list[NonNegativeInt], BeforeValidator(_listed), Field(min_length=1)] | None = (
        None
    )
    """Which class is success, or a list of those that are; null: the last."""
    class_rewards: list[float] | None = None
    """What a frame of each class is worth, times `success_reward`; null: success is worth 1, the others 0."""
    hidden_dim: PositiveInt = 256
    """Size of the hidden layer."""
    latent_dim: PositiveInt = 256
    """Size of the encoding of a camera."""
    image_embedding_pooling_dim: PositiveInt = 8
    """Spatial embeddings per channel of the encoder."""
    image_size_encoder: PositiveInt = 64
    """Height and width [pixels] at which the convolution sees pictures."""
    dropout_rate: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout in training."""
    learning_rate: PositiveFloat = 1e-4
    """Learning rate."""
    weight_decay: NonNegativeFloat = 0.01
    """Weight decay."""
    grad_clip_norm: PositiveFloat = 1.0
    """Largest norm of a gradient."""
    precision_target: Fraction = 0.99
    """Precision on held-out frames for which the threshold is calibrated."""

    @model_validator(mode="after")
    def _success_class(self) -> ClassifierConfig:
        successes = set(self.successes)
        if max(successes) >= self.num_classes:
            raise invalid(f"must be below num_classes, {self.num_classes}", "success_class")
        if len(successes) == self.num_classes:
            raise invalid("some class must be none of success", "success_class")
        if self.class_rewards is not None and len(self.class_rewards) != self.num_classes:
            raise invalid(f"must be num_classes = {self.num_classes} numbers", "class_rewards")
        return self

    @property
    def successes(self) -> tuple[int, ...]:
        """The classes that are success."""
        last = self.num_classes - 1
        return (last,) if self.success_class is None else tuple(sorted(set(self.success_class)))
