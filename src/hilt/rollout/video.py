"""Pictures of episodes: mp4 files and the summary sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_OPTIONS = {"crf": "20", "preset": "veryfast"}


def write_mp4(path: Path, pictures: Iterable[Picture], fps: float) -> None:
    """Write uint8 [H, W, 3] pictures as H.264 (yuv420p), which browsers play.

    Sizes must be even: an odd row or column at the edge is left out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=round(fps), options=_OPTIONS)
                stream.height, stream.width = (size // 2 * 2 for size in picture.shape[:2])
                stream.pix_fmt = "yuv420p"
            even = np.ascontiguousarray(picture[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode())


def write_strips(path: Path, rows: Sequence[tuple[str, Sequence[Picture]]], columns: int = 6) -> None:
    """Write one row of evenly spaced pictures for each (title, pictures) as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.9 * columns, 1.65 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (title, pictures) in zip(axes, rows, strict=True):
        chosen = np.linspace(0, len(pictures) - 1, columns).round().astype(int)
        for axis, index in zip(row, chosen, strict=True):
            axis.imshow(pictures[index])
            axis.set_axis_off()
        row[0].set_title(title, loc="left", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
