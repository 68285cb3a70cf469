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
_CELL_INCHES, _TITLE_INCHES = 2.7, 0.32
_LEAST_CHANGE = 24
"""Of a colour, 0..255, by which a pixel counts as moving: more than noise and shadows' edges."""
_MARGIN = 0.04
"""Of a picture's height or width, around what moves."""


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
    """Write one row of evenly spaced pictures for each (title, pictures) as a PNG, cropped to what moves.

    The background is transparent and the text grey: it can be read on a light page and on a dark one.
    """
    from matplotlib.figure import Figure

    chosen = [[row[i] for i in np.linspace(0, len(row) - 1, columns).round().astype(int)] for _, row in rows]
    crop = moving_part([picture for row in chosen for picture in row])
    height, width = chosen[0][0][crop].shape[:2]
    cell = _CELL_INCHES * height / width
    figure = Figure(figsize=(_CELL_INCHES * columns, (cell + _TITLE_INCHES) * len(rows)), facecolor="none")
    gap = _TITLE_INCHES / cell
    axes = figure.subplots(
        len(rows),
        columns,
        squeeze=False,
        gridspec_kw={"left": 0.004, "right": 1, "bottom": 0, "wspace": 0.02, "hspace": gap}
        | {"top": 1 - _TITLE_INCHES / ((cell + _TITLE_INCHES) * len(rows))},
    )
    for row, (title, _), pictures in zip(axes, rows, chosen, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture[crop])
            axis.set_axis_off()
        row[0].set_title(title, loc="left", fontsize=11, color="#808080")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def moving_part(pictures: Sequence[Picture]) -> tuple[slice, slice]:
    """Rows and columns [of H, W] in which `pictures` uint8 [H, W, 3] differ, with a margin; else all."""
    stack = np.stack(pictures).astype(np.int16)
    moves = (stack.max(0) - stack.min(0)).max(-1) > _LEAST_CHANGE
    spans = []
    for axis in (1, 0):
        where = np.flatnonzero(moves.any(axis))
        size = moves.shape[1 - axis]
        margin = round(_MARGIN * size)
        spans.append(
            slice(max(0, where[0] - margin), min(size, where[-1] + 1 + margin)) if where.size else slice(size)
        )
    return spans[0], spans[1]
