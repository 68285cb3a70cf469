"""`hilt gamepad`: show what a pad sends, and write down which of it means what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hilt.operators.base import OperatorUnavailableError
from hilt.operators.gamepad import LEGEND
from hilt.operators.pad_mapping import Axis, PadMapping, mapping_path, save_mapping
from hilt.operators.sdl import SdlPad

_FAR = 0.6
"""How far an axis must travel to be meant."""

Control = Axis | int
Say = Callable[[str], None]


def main(arguments: Sequence[str]) -> int:
    """The axes and buttons of a pad, and a mapping for it; the exit code."""
    print(f"mapping written to {show_and_map(Path(arguments[0]) if arguments else None)}")
    return 0


def show_and_map(path: Path | None = None, say: Say = print, timeout_s: float = 30.0) -> Path:
    """Asks for one motion after the other and saves the mapping under the pad's name; returns the file.

    Args:
        path: the file to write; default `mapping_path()`.
        say: told every sentence for the person, and every change of an axis or a button.
        timeout_s: how long to wait for each motion, and for a pad to be plugged in.

    Raises:
        OperatorUnavailableError: no pygame, no pad, or a motion did not come in time.
    """
    pad = SdlPad()
    try:
        name = _wait_for_pad(pad, say, timeout_s)
        ask = _Asker(pad, say, timeout_s)
        mapping = PadMapping(
            {
                "x": ask.stick("push the left stick forward"),
                "y": ask.stick("push the left stick to the left"),
                "z": ask.stick("push the right stick forward"),
                "yaw": ask.stick("push the right stick to the left"),
            },
            {
                "take_over": ask.button("press the right shoulder button"),
                "tilt": ask.button("press the left shoulder button"),
                "success": ask.button("press the button for success (Y, the upper one)"),
                "failure": ask.button("press the button for failure (A, the lower one)"),
                "rerecord": ask.button("press the button for record again (X, the left one)"),
            },
            close=ask.any("pull the left trigger"),
            open=ask.any("pull the right trigger"),
        )
    finally:
        pad.close()
    file = path or mapping_path()
    save_mapping(file, name, mapping)
    say(f"Saved the mapping of {name!r} in {file}. At work:")
    for control, meaning in LEGEND:
        say(f"  {control}: {meaning}")
    return file


def _wait_for_pad(pad: SdlPad, say: Say, timeout_s: float) -> str:
    until = time.monotonic() + timeout_s
    if not pad.find():
        say("No gamepad is attached. Plug one in ...")
    while not pad.find():
        if time.monotonic() > until:
            raise OperatorUnavailableError(
                "no gamepad appeared: check its cable, or that it is paired and awake"
            )
        time.sleep(0.05)
    say(f"{pad.name}: {len(pad.axes())} axes, {len(pad.buttons())} buttons")
    return str(pad.name)


class _Asker:
    """Asks for a motion, and finds out which axis or button it was."""

    def __init__(self, pad: SdlPad, say: Say, timeout_s: float) -> None:
        self._pad, self._say, self._timeout_s = pad, say, timeout_s

    def stick(self, request: str) -> Axis:
        control = self._ask(request, axes=True, buttons=False)
        assert isinstance(control, Axis)
        return Axis(control.index, control.sign)

    def button(self, request: str) -> int:
        control = self._ask(request, axes=False, buttons=True)
        assert isinstance(control, int)
        return control

    def any(self, request: str) -> Control:
        return self._ask(request, axes=True, buttons=True)

    def _ask(self, request: str, axes: bool, buttons: bool) -> Control:
        rest = [float(round(value)) for value in self._pad.axes()]
        self._say(f"Please {request}, and let go.")
        found, until = None, time.monotonic() + self._timeout_s
        while found is None or not self._at_rest(rest):
            if time.monotonic() > until:
                raise OperatorUnavailableError(f"nothing came after: {request}. Nothing was saved")
            found = found or self._moved(rest, axes, buttons)
            time.sleep(0.01)
        return found if isinstance(found, Axis) else found - 1

    def _moved(self, rest: list[float], axes: bool, buttons: bool) -> Axis | int | None:
        """An axis, or a button's number plus one (so that no answer is false)."""
        self._pad.events()
        if buttons and any(self._pad.buttons()):
            number = self._pad.buttons().index(True)
            self._say(f"  button {number}")
            return number + 1
        for index, (now, before) in enumerate(zip(self._pad.axes(), rest, strict=True)):
            if axes and abs(now - before) > _FAR:
                self._say(f"  axis {index}: {now:+.2f}")
                return Axis(index, 1 if now > before else -1, before)
        return None

    def _at_rest(self, rest: list[float]) -> bool:
        self._pad.events()
        near = all(abs(now - before) < 0.3 for now, before in zip(self._pad.axes(), rest, strict=True))
        return near and not any(self._pad.buttons())
