"""Which axis and button of a pad means what: by a JSON file with the pad's name, else by SDL's layout."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hilt.operators.base import OperatorUnavailableError

STICKS = ("x", "y", "z", "yaw")
"""Axes along which a stick moves the robot; a negative sign turns a direction round."""
BUTTONS = ("take_over", "tilt", "success", "failure", "rerecord")


@dataclass(frozen=True, slots=True)
class Axis:
    """Axis number `index`, times `sign`. A trigger rests at `rest` and is pulled towards `sign`."""

    index: int
    sign: int = 1
    rest: float = 0.0

    def value(self, raw: float, dead_zone: float) -> float:
        """`raw` [-1, 1] as a fraction: 0 inside the dead zone, ±1 at the end."""
        span = 1.0 - self.rest * self.sign
        fraction = (raw - self.rest) * self.sign / span
        beyond = max(0.0, abs(fraction) - dead_zone) / (1.0 - dead_zone)
        return min(1.0, beyond) * (1 if fraction > 0 else -1)


@dataclass(frozen=True, slots=True)
class PadMapping:
    """Sticks (`STICKS`), buttons (`BUTTONS`), and for closing and opening an axis or a button each."""

    sticks: Mapping[str, Axis]
    buttons: Mapping[str, int]
    close: Axis | int
    open: Axis | int
    dead_zone: float = 0.12

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, object]) -> PadMapping:
        """Raises ValueError, naming what is wrong."""
        sticks, buttons = data.get("sticks"), data.get("buttons")
        if not isinstance(sticks, dict) or not set(sticks) <= set(STICKS):
            raise ValueError(f"sticks is {sticks!r}: an object with some of {', '.join(STICKS)}")
        if not isinstance(buttons, dict) or not set(buttons) <= set(BUTTONS):
            raise ValueError(f"buttons is {buttons!r}: an object with some of {', '.join(BUTTONS)}")
        return PadMapping(
            {name: _axis(value) for name, value in sticks.items()},
            {name: _index(value) for name, value in buttons.items()},
            _axis_or_button(data.get("close")),
            _axis_or_button(data.get("open")),
            _dead_zone(data.get("dead_zone", 0.12)),
        )


STANDARD = PadMapping(
    {"x": Axis(1, -1), "y": Axis(0, -1), "z": Axis(3, -1), "yaw": Axis(2, -1)},
    {"take_over": 10, "tilt": 9, "success": 3, "failure": 0, "rerecord": 2},
    close=Axis(4),
    open=Axis(5),
)
"""SDL's own numbers, the same for every pad that its database knows."""


def _index(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number of a button or axis: 0 or more")
    return value


def _axis(value: object) -> Axis:
    if not isinstance(value, dict) or not {"index"} <= set(value) <= {"index", "sign", "rest"}:
        raise ValueError(f'{value!r} is no axis: {{"index": 0, "sign": 1, "rest": 0.0}}')
    sign, rest = value.get("sign", 1), value.get("rest", 0.0)
    if sign not in (-1, 1) or rest not in (-1, 0, 1):
        raise ValueError(f"sign is {sign!r} (-1 or 1), rest is {rest!r} (-1, 0 or 1)")
    return Axis(_index(value["index"]), int(sign), float(rest))


def _axis_or_button(value: object) -> Axis | int:
    return _axis(value) if isinstance(value, dict) else _index(value)


def _dead_zone(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"dead_zone is {value!r}: 0 or more, below 1")
    return float(value)


def mapping_path() -> Path:
    """`gamepads.json` in hilt's folder of the user's configuration."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "hilt" / "gamepads.json"


def load_mappings(path: Path) -> dict[str, PadMapping]:
    """Pad name -> mapping; none if there is no such file.

    Raises:
        OperatorUnavailableError: the file is not what `hilt gamepad` writes.
    """
    if not path.exists():
        return {}
    try:
        return {name: PadMapping.from_json(entry) for name, entry in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError) as error:
        raise OperatorUnavailableError(
            f"{path} is no file of pad mappings ({error}): mend it, or delete it and run hilt gamepad"
        ) from error


def save_mapping(path: Path, name: str, mapping: PadMapping) -> None:
    """Add the mapping of the pad called `name` to the file, or replace it."""
    mappings = {**load_mappings(path), name: mapping}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({pad: entry.to_json() for pad, entry in mappings.items()}, indent=2)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text + "\n")
    temporary.replace(path)
