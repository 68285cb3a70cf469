"""Pictures brought to another size, as `env.processor.image_preprocessing` says: rendered or recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import DatasetError
from hilt.processors.observation import ObservationError, crop_and_resize

Picture = NDArray[np.uint8]
"""uint8 [3, H, W]."""
Shape = tuple[int, ...]
"""(3, H, W)."""
Size = tuple[int, int]
"""(height, width) [pixels]."""
Rectangle = tuple[int, int, int, int]
"""(top, left, height, width) [pixels]."""

KEY = "env.processor.image_preprocessing"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to every picture of one camera: cut, then resized."""

    crop: Rectangle | None = None
    sizes: tuple[Size, ...] = ()

    def __call__(self, picture: Picture) -> Picture:
        if self.crop is not None:
            picture = crop_and_resize(picture, self.crop, None)
        for size in self.sizes:
            picture = crop_and_resize(picture, None, size)
        return picture

    def shape(self, before: Shape) -> Shape:
        """Of the picture that comes out."""
        size = self.sizes[-1] if self.sizes else self.crop[2:] if self.crop else before[1:]
        return (before[0], *size)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Crop and resize of each camera, by any of its names."""

    crops: Mapping[str, Rectangle] = field(default_factory=dict)
    size: Size | None = None
    """Of what comes out; None leaves it as it was cut."""
    given: Mapping[str, Size] = field(default_factory=dict)
    """Of the environment's pictures, where it declares them, after crop and resize."""

    def for_environment(self, name: str, shape: Shape) -> Recipe:
        """Raises ObservationError when the crop reaches beyond the picture."""
        crop = self.crops.get(name)
        if crop is not None and not _fits(crop, shape):
            raise ObservationError(_beyond("the environment renders", name, crop, shape))
        return Recipe(crop, () if self.size is None else (self.size,))

    def for_dataset(self, where: str, name: str, shape: Shape, wanted: Shape | None, done: Any) -> Recipe:
        """What is left to do to recorded pictures of `shape`, once and for all, to make them `wanted`.

        `done` is what was done before they were recorded (as `record_of`); None: nobody says, and then
        pictures that have the size already are taken as they are.

        Raises:
            DatasetError: they cannot become `wanted` (None: any size); the message begins with `where`.
        """
        crop, have = self._crop_left(where, name, done), _size(shape)
        target = None if wanted is None else _size(wanted)
        outcome = self.size or (crop[2:] if crop else have)
        if have == (target or outcome) and (done is None or crop is None):
            return Recipe()
        if crop is not None and not _fits(crop, shape):
            raise DatasetError(_beyond(f"{where} has", name, crop, shape))
        sizes = () if self.size is None else (self.size,)
        if target is not None and outcome != target:
            if self.size is None and self.given.get(name) != outcome:
                raise DatasetError(_mismatch(where, name, have, outcome, target))
            sizes = (*sizes, target)
        return Recipe(crop, sizes)

    def record_of(self, name: str, shape: Shape) -> dict[str, list[int] | None]:
        """What a recording says was done to the pictures of a camera, which came out as `shape`."""
        crop, size = self.crops.get(name), _size(shape)
        is_resized = self.size is not None or self.given.get(name, size) != size
        return {
            "crop": None if crop is None else list(crop),
            "size": list(size) if is_resized else None,
        }

    def _crop_left(self, where: str, name: str, done: Any) -> Rectangle | None:
        crop = self.crops.get(name)
        if crop is None or done is None or done == {"crop": None, "size": None}:
            return crop
        if done["crop"] == list(crop):
            return None
        raise DatasetError(
            f"{where} has {name!r} recorded with crop {done['crop']} and resize {done['size']}: "
            f"{KEY}.crop_params_dict = {list(crop)} cannot be cut out of that"
        )


def fitted(name: str, picture: Picture, shape: Shape, who: str) -> Picture:
    """`picture` at the input size of `who`, (3, H, W): larger pictures of the same proportions are scaled.

    Raises:
        ObservationError: it is of other proportions, or smaller.
    """
    if picture.shape == shape:
        return picture
    if picture.ndim == len(shape) == 3:
        (height, width), (wanted_height, wanted_width) = _size(picture.shape), _size(shape)
        if height > wanted_height and height * wanted_width == width * wanted_height:
            return crop_and_resize(picture, None, (wanted_height, wanted_width))
    raise ObservationError(
        f"{who} was trained on {name} of shape {list(shape)}, the environment gives {list(picture.shape)}"
        + (f": {KEY} (crop_params_dict, resize_size) makes them fit" if len(shape) == 3 else "")
    )


def _size(shape: Shape) -> Size:
    return shape[-2], shape[-1]


def _fits(crop: Rectangle, shape: Shape) -> bool:
    top, left, height, width = crop
    return height > 0 and width > 0 and top + height <= shape[1] and left + width <= shape[2]


def _beyond(where: str, name: str, crop: Rectangle, shape: Shape) -> str:
    return (
        f"{where} {name!r} of {shape[1]}x{shape[2]} pixels: {KEY}.crop_params_dict = {list(crop)} "
        "(top, left, height, width) reaches beyond that"
    )


def _mismatch(where: str, name: str, have: Size, outcome: Size, target: Size) -> str:
    became = "" if outcome == have else f", {outcome[0]}x{outcome[1]} after {KEY}"
    return (
        f"{where} has {name!r} of {have[0]}x{have[1]} pixels{became}, "
        f"the policy needs {target[0]}x{target[1]}: set "
        f"{KEY}.resize_size to [{target[0]}, {target[1]}] (crop_params_dict cuts a part out before)"
    )
