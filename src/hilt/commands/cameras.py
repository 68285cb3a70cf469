"""`hilt cameras`: the cameras of a real arm, listed, timed, and shown with what is cut out of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hilt.build.real_arm import camera_options
from hilt.config.load import load_config
from hilt.config.overrides import COMMAND_LINE, parse_command_line
from hilt.errors import UserError

if TYPE_CHECKING:
    from hilt.envs.panda.real.cameras import CameraOptions, Image

SECONDS = 3.0
"""How long each camera is watched, s."""
_OUTLINE = (255, 80, 40)


@dataclass(frozen=True, slots=True)
class Timed:
    """What a camera gave while it was watched."""

    width: int
    height: int
    rate: float
    """Pictures per second."""
    age: float
    """Median age of the newest picture, s."""
    whole: Image
    """The last picture, with the part that is cut out framed."""
    part: Image
    """That part, at the size that a policy sees."""


def main(arguments: Sequence[str]) -> int:
    """Cameras of `env.robot.cameras`; without a configuration, the devices that are there; the exit code."""
    path, overrides = parse_command_line(arguments)
    output = next((word.partition("=")[2] for word in overrides if word.startswith("output=")), "cameras")
    overrides = [word for word in overrides if not word.startswith("output=")]
    if path is None and not overrides:
        return _list_devices()
    cameras = camera_options(load_config(path, overrides).env)
    if not cameras:
        print(f"hilt: {path or COMMAND_LINE}: env.robot.cameras names none")
        return 2
    return _show(cameras, Path(output))


def timed(name: str, options: CameraOptions, seconds: float) -> Timed:
    """Watches one camera. Raises CameraError where it gives no picture."""
    from hilt.envs.panda.real.cameras import Camera

    with closing(Camera(name, options)) as camera:
        camera.read()
        began, first, ages = time.monotonic(), camera.count, []
        while time.monotonic() < began + seconds:
            ages.append(camera.read()[1])
            time.sleep(0.01)
        rate = (camera.count - first) / (time.monotonic() - began)
        whole, part = camera.whole(), camera.read()[0]
    height, width = whole.shape[:2]
    return Timed(width, height, rate, float(np.median(ages)), _framed(whole, options), part)


def _list_devices() -> int:
    devices = sorted(str(device) for device in Path("/dev").glob("video*"))
    print("\n".join(devices) or "no /dev/video* on this machine")
    print("env.robot.cameras of a --config_path names those to try")
    return 0


def _show(cameras: dict[str, CameraOptions], folder: Path) -> int:
    """A table, and two pictures of each camera in `folder`; 2 when one gives none."""
    from matplotlib.image import imsave

    folder.mkdir(parents=True, exist_ok=True)
    table, missing = Table("camera", "source", "pictures", "a second", "age"), False
    for name, options in cameras.items():
        try:
            found = timed(name, options, SECONDS)
        except UserError as error:
            missing = True
            table.add_row(name, escape(options.source), f"[yellow]{escape(str(error))}", "", "")
            continue
        imsave(folder / f"{name}.png", found.whole)
        imsave(folder / f"{name}_crop.png", found.part)
        size = f"{found.width}x{found.height} -> {options.size[1]}x{options.size[0]}"
        table.add_row(name, escape(options.source), size, f"{found.rate:.1f}", f"{1000 * found.age:.0f} ms")
    Console().print(table)
    print(f"what they see, and what is cut out of it (crop): {folder}/NAME.png, NAME_crop.png")
    return 2 if missing else 0


def _framed(picture: Image, options: CameraOptions) -> Image:
    """`picture` with a frame around the part that is cut out."""
    from hilt.envs.panda.real.cameras import part_of

    top, left, height, width = part_of(picture, options)
    framed = picture.copy()
    framed[top : top + height, [left, left + width - 1]] = _OUTLINE
    framed[[top, top + height - 1], left : left + width] = _OUTLINE
    return framed
