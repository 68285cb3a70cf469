"""Pictures on disk: H.264 with exact timestamps, PNG, and sequential decoding."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from hilt.data.lerobot.layout import DatasetError

TOLERANCE_S = 1e-4
"""A frame belongs to a timestamp when it lies no further than this from it."""

_FAR_S = 2.0
"""What is further ahead is looked for by its time, not by decoding what lies between."""

_ENCODER = "libx264"
# Every second frame is a key frame, so that a reader that jumps decodes two frames at most; no frame is
# reordered, so that the first timestamp is 0. A quality of 18 is visually lossless at these sizes.
_OPTIONS = {"g": "2", "bf": "0", "crf": "18", "preset": "veryfast", "threads": "1"}


class VideoEncoder:
    """Writes pictures, uint8 [3, H, W], to an mp4 file in which frame k is at exactly k / fps seconds."""

    def __init__(self, path: Path, height: int, width: int, fps: int) -> None:
        if height % 2 or width % 2:
            raise DatasetError(
                f"pictures of {height}x{width} cannot be stored as video, which needs even sizes: "
                "choose image_format=png"
            )
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._container.add_stream(_ENCODER, rate=fps, options=_OPTIONS)
        self._stream.height, self._stream.width = height, width
        self._stream.pix_fmt = "yuv420p"
        self._time_base = Fraction(1, fps)
        self._next = 0

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append one picture."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image.transpose(1, 2, 0)), format="rgb24")
        frame.pts, frame.time_base = self._next, self._time_base
        self._next += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Complete the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abort(self) -> None:
        """Let go of the file, whatever state it is in."""
        with contextlib.suppress(av.FFmpegError):
            self._container.close()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A picture, uint8 [3, H, W], as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode_png(data: bytes, where: str) -> NDArray[np.uint8]:
    """A PNG (or any other picture) to uint8 [3, H, W]; `where` names it in the DatasetError."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DatasetError(f"{where}: the picture is damaged ({error})") from None
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


class VideoReader:
    """Frames of one video file, decoded in order: each is decoded once when episodes are read in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
        except FileNotFoundError:
            raise DatasetError(f"{path} is missing: the dataset is not complete") from None
        except (av.FFmpegError, IndexError) as error:
            raise DatasetError(f"{path} is no readable video: {error}") from None
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._frames = self._decode()
        self._waiting: Any = None
        self._position = -1.0

    def close(self) -> None:
        self._container.close()

    def _decode(self) -> Iterator[Any]:
        try:
            yield from self._container.decode(self._stream)
        except av.FFmpegError as error:
            raise DatasetError(f"{self.path} is damaged: {error}") from None

    def _restart_at(self, seconds: float) -> None:
        self._container.seek(max(0, round(seconds / self._stream.time_base) - 1), stream=self._stream)
        self._frames, self._waiting, self._position = self._decode(), None, -1.0

    def _next_frame(self) -> Any:
        frame = self._waiting if self._waiting is not None else next(self._frames, None)
        self._waiting = None
        return frame

    def _frame_at(self, seconds: float) -> Any:
        while (frame := self._next_frame()) is not None:
            self._position = float(frame.pts * self._stream.time_base)
            if self._position > seconds + TOLERANCE_S:
                self._waiting = frame
                break
            if self._position >= seconds - TOLERANCE_S:
                return frame
        raise DatasetError(
            f"{self.path} has no frame at {seconds:.4f} s: it is cut short, or its fps is not the dataset's"
        )

    def read(self, start_s: float, count: int, fps: int) -> Iterator[NDArray[np.uint8]]:
        """`count` pictures, uint8 [3, H, W], at `start_s` + k / `fps` seconds, one after the other.

        Raises:
            DatasetError: a frame is missing, or the file is damaged.
        """
        is_far = start_s > max(self._position, 0.0) + _FAR_S
        if start_s < self._position + TOLERANCE_S or is_far:
            self._restart_at(start_s)
        for k in range(count):
            yield self._to_array(self._frame_at(start_s + k / fps))

    def _to_array(self, frame: Any) -> NDArray[np.uint8]:
        pixels = self._reformatter.reformat(frame, format="rgb24").to_ndarray()
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))
