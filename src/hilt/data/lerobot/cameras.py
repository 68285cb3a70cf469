"""Cameras of the episode that is being recorded: every picture is encoded as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hilt.data.lerobot.layout import publish, temporary_path
from hilt.data.lerobot.statistics import ImageHistogram
from hilt.data.lerobot.video import VideoEncoder, encode_png
from hilt.data.transition import Feature


class Camera(Protocol):
    """Takes the pictures of one episode, uint8 [3, H, W]."""

    histogram: ImageHistogram

    def add(self, image: NDArray[np.uint8]) -> None:
        """Encode one picture."""
        ...

    def finish(self) -> Any:
        """The episode is complete: the column of the data file that holds the pictures, or None."""
        ...

    def discard(self) -> None:
        """Leave nothing of the episode."""
        ...


class VideoCamera:
    """Encodes to an mp4 file of its own, which appears when the episode is finished."""

    def __init__(self, path: Path, feature: Feature, fps: int) -> None:
        self.histogram = ImageHistogram(feature.shape[0])
        self._path = path
        self._encoder = VideoEncoder(temporary_path(path), feature.shape[1], feature.shape[2], fps)

    def add(self, image: NDArray[np.uint8]) -> None:
        self._encoder.write(image)
        self.histogram.add(image)

    def finish(self) -> None:
        self._encoder.close()
        publish(self._path)

    def discard(self) -> None:
        self._encoder.abort()
        temporary_path(self._path).unlink(missing_ok=True)


class PngCamera:
    """Encodes to PNG for a column of the data file."""

    TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

    def __init__(self, feature: Feature) -> None:
        self.histogram = ImageHistogram(feature.shape[0])
        self._pictures: list[bytes] = []

    def add(self, image: NDArray[np.uint8]) -> None:
        self._pictures.append(encode_png(image))
        self.histogram.add(image)

    def finish(self) -> Any:
        names = (f"frame-{number:06d}.png" for number in range(len(self._pictures)))
        rows = [{"bytes": data, "path": name} for data, name in zip(self._pictures, names, strict=True)]
        return pa.array(rows, self.TYPE)

    def discard(self) -> None:
        self._pictures.clear()
