"""Cameras by PyAV: V4L2 devices, RTSP and MJPEG addresses, files; or a class of the user's.

Each camera is read in a thread of its own, as fast as it delivers. The newest picture wins, with the time at
which it came; what becomes of one that is too old is for the safety rules to say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from numpy.typing import NDArray

from hilt.errors import UserError, import_named

Image = NDArray[np.uint8]
"""uint8 `[H, W, 3]`, RGB."""

FIRST_PICTURE_S = 10.0
"""How long a camera may take for its first picture, s."""
AGAIN_S = 1.0
"""Before a camera that has failed is tried again, s."""
_LIVE = {"fflags": "nobuffer", "flags": "low_delay"}
"""FFmpeg is not to collect pictures first."""


class CameraError(UserError, RuntimeError):
    """A camera gives no pictures. The message names it and what it said."""


class Source(Protocol):
    """A camera of the user's, `package.module:Class`, made with the camera's `options`."""

    def read(self) -> Image:
        """Waits for the next picture."""
        ...

    def close(self) -> None:
        """Lets go of the device."""
        ...


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """One camera."""

    source: str
    """`/dev/video0`, `rtsp://...`, `http://...` (MJPEG), a video file, or `package.module:Class`."""
    size: tuple[int, int] = (128, 128)
    """Height and width of its pictures, pixels."""
    crop: Sequence[int] | None = None
    """[top, left, height, width] in pixels, cut out before resizing; None: the largest part of the shape of
    `size`, from the middle."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """FFmpeg's of the device (`framerate`, `video_size`, `input_format`), or the arguments of the class."""


class Camera:
    """The newest picture of one camera, which messages call `name`."""

    def __init__(self, name: str, options: CameraOptions) -> None:
        self.name, self.options = name, options
        self.count = 0
        """Pictures so far."""
        self.trouble = "it has not delivered yet"
        """What it said last when it failed."""
        self._newest: tuple[Image, float] | None = None
        self._news, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()

    def read(self) -> tuple[Image, float]:
        """The newest picture `[H, W, 3]`, cut and resized, and its age [s].

        Raises:
            CameraError: there is none yet, and none came in FIRST_PICTURE_S.
        """
        if not self._news.wait(FIRST_PICTURE_S) or self._newest is None:
            raise CameraError(f"camera {self.name} ({self.options.source}): no picture: {self.trouble}")
        picture, came = self._newest
        top, left, height, width = part_of(picture, self.options)
        part = picture[top : top + height, left : left + width]
        return resized(part, self.options.size), time.monotonic() - came

    def whole(self) -> Image:
        """The newest picture as it came."""
        self.read()
        assert self._newest is not None
        return self._newest[0]

    def close(self) -> None:
        """The thread ends, and lets go of the device."""
        self._closed.set()
        self._thread.join(AGAIN_S)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                for picture in _pictures(self.options):
                    self._newest = (picture, time.monotonic())
                    self.count += 1
                    self._news.set()
                    if self._closed.is_set():
                        return
                self.trouble = "it has ended"
            except Exception as error:  # noqa: BLE001 -- of a driver, or of the user's class
                self.trouble = str(error) or type(error).__name__
            self._closed.wait(AGAIN_S)


class Cameras:
    """All cameras of an arm, by name."""

    def __init__(self, options: Mapping[str, CameraOptions]) -> None:
        self._cameras = {name: Camera(name, one) for name, one in options.items()}
        self.sizes = {name: one.size for name, one in options.items()}
        """Height and width of each camera's pictures, pixels."""

    def read(self) -> tuple[dict[str, Image], float]:
        """The newest picture of each, and the age [s] of the oldest of these."""
        read = {name: camera.read() for name, camera in self._cameras.items()}
        return {name: picture for name, (picture, _) in read.items()}, max(age for _, age in read.values())

    def close(self) -> None:
        for camera in self._cameras.values():
            camera.close()


def part_of(picture: Image, options: CameraOptions) -> Sequence[int]:
    """(top, left, height, width) of what is cut out of a `picture`, pixels."""
    return options.crop or middle(picture.shape[:2], options.size)


def middle(shape: Sequence[int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest part of a picture of `shape` that is shaped as `size`."""
    scale = min(shape[0] / size[0], shape[1] / size[1])
    height, width = round(size[0] * scale), round(size[1] * scale)
    return (shape[0] - height) // 2, (shape[1] - width) // 2, height, width


def resized(image: Image, size: tuple[int, int]) -> Image:
    """`image` with `size` (height, width), each pixel the mean of those it stands for."""
    if image.shape[:2] == size:
        return image
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    small = frame.reformat(width=size[1], height=size[0], interpolation="AREA")
    return np.asarray(small.to_ndarray(format="rgb24"))


def _pictures(options: CameraOptions) -> Iterator[Image]:
    """One after another, as they come."""
    if ":" in options.source and not Path(options.source).exists() and "://" not in options.source:
        with closing(import_named(options.source)(**options.options)) as source:
            while True:
                yield source.read()
    is_file = Path(options.source).is_file()
    given = {name: str(value) for name, value in options.options.items()}
    with av.open(
        options.source,
        format="v4l2" if options.source.startswith("/dev/") else None,
        options=given if is_file else {**_LIVE, **given},
        timeout=FIRST_PICTURE_S,
    ) as container:
        started = time.monotonic()
        for frame in container.decode(video=0):
            if is_file and frame.time is not None:  # a film plays at its own speed
                time.sleep(max(0.0, started + frame.time - time.monotonic()))
            yield frame.to_ndarray(format="rgb24")
