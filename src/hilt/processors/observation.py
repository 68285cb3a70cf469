"""Observations: from an environment's own layout to named features, and from there to a network's input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilt.data.batch import ObservationBatch
from hilt.data.transition import ENVIRONMENT_STATE, IMAGES, STATE, Feature, Observation
from hilt.errors import UserError

_VECTOR_NAMES = {"agent_pos": STATE, "state": STATE, "environment_state": ENVIRONMENT_STATE}


class ObservationError(UserError, ValueError):
    """An observation has a layout or a dtype that no feature can have."""


def process_image(name: str, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A camera picture, uint8 [H, W, 3], to channel-first uint8 [3, H, W].

    Raises:
        ObservationError: other layout (channel-first already, grey, batched) or dtype.
    """
    if image.dtype != np.uint8:
        raise ObservationError(f"{name} is {image.dtype}; pictures are uint8, 0..255")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ObservationError(f"{name} has shape {image.shape}; pictures are [height, width, 3]")
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def process_vector(name: str, vector: NDArray[Any]) -> NDArray[np.float32]:
    """A vector of any real dtype to float32 [D].

    Raises:
        ObservationError: not one-dimensional, or not numbers.
    """
    if not np.issubdtype(vector.dtype, np.number):
        raise ObservationError(f"{name} is {vector.dtype}; a vector holds numbers")
    if vector.ndim != 1:
        raise ObservationError(f"{name} has shape {vector.shape}; a vector has one dimension")
    return vector.astype(np.float32)


def to_features(raw: Mapping[str, Any] | NDArray[Any]) -> Observation:
    """An environment's observation to named features.

    `agent_pos` becomes `observation.state`, `environment_state` `observation.environment_state`, every
    picture below `pixels` `observation.images.CAMERA`; other keys `observation.KEY` or
    `observation.images.KEY`. A plain array is the state, or the picture `observation.images.pixels`. What is
    named `observation.*` is left as it is.

    Raises:
        ObservationError: a layout or dtype that no feature can have.
    """
    if not isinstance(raw, Mapping):
        raw = {"pixels" if np.ndim(raw) == 3 else "state": raw}
    features: Observation = {}
    for key, value in raw.items():
        if key.startswith("observation."):
            features[key] = np.asarray(value)
        elif key == "pixels":
            pictures = value if isinstance(value, Mapping) else {"pixels": value}
            for camera, picture in pictures.items():
                features[f"{IMAGES}.{camera}"] = process_image(camera, np.asarray(picture))
        elif np.ndim(value) == 3:
            features[f"{IMAGES}.{key}"] = process_image(key, np.asarray(value))
        else:
            name = _VECTOR_NAMES.get(key, f"observation.{key}")
            features[name] = process_vector(key, np.atleast_1d(np.asarray(value)))
    return features


def observed_features(observation: Observation) -> dict[str, Feature]:
    """Shape and dtype of every array of `observation`."""
    return {name: Feature(array.shape, str(array.dtype)) for name, array in observation.items()}


def select(observation: Observation, names: Iterable[str]) -> Observation:
    """The features called `names`, in that order.

    Raises:
        ObservationError: one of them is not there.
    """
    try:
        return {name: observation[name] for name in names}
    except KeyError as missing:
        known = ", ".join(sorted(observation))
        raise ObservationError(f"the environment does not give {missing}; it gives {known}") from None


def to_batch(observation: Observation, device: torch.device | str = "cpu") -> ObservationBatch:
    """Features to tensors with a batch dimension of 1; pictures stay uint8."""
    return {
        name: torch.from_numpy(np.array(array, copy=not array.flags.writeable)).unsqueeze(0).to(device)
        for name, array in observation.items()
    }


def to_float(batch: ObservationBatch, dtype: torch.dtype = torch.float32) -> ObservationBatch:
    """Pictures (B, C, H, W) from 0..255 to [0, 1], vectors to `dtype`: for networks from elsewhere."""
    return {
        name: tensor.to(dtype).div_(255) if tensor.dtype == torch.uint8 else tensor.to(dtype)
        for name, tensor in batch.items()
    }


def crop_and_resize(
    image: NDArray[np.uint8], crop: tuple[int, int, int, int] | None, size: tuple[int, int] | None
) -> NDArray[np.uint8]:
    """Cut (top, left, height, width) out of a picture uint8 [C, H, W], then resize to (height, width)."""
    if crop is not None:
        top, left, height, width = crop
        image = image[:, top : top + height, left : left + width]
    if size is not None and image.shape[1:] != size:
        pixels = torch.from_numpy(np.ascontiguousarray(image)).unsqueeze(0).float()
        scaled = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
        return scaled.round_().clamp_(0, 255).byte()[0].numpy()
    return np.ascontiguousarray(image)
