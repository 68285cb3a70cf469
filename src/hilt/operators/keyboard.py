"""`keyboard`: a person at the terminal, or at the viewer's window. No global hooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from numpy.typing import ArrayLike

from hilt.operators.actions import zero_motion
from hilt.operators.device import DeviceOperator
from hilt.operators.keymaps import TERMINAL, KeyMap
from hilt.operators.terminal import HeldKeys, TerminalKeys


class KeySource(Protocol):
    """Where keys come from: a terminal, a window."""

    def read(self) -> list[str]:
        """Names of the keys that were pressed (or repeated) since the last time. Never waits."""
        ...

    def close(self) -> None: ...


class KeyboardOperator(DeviceOperator):
    """Takes over with one key, moves with others, declares with a third kind: see `keymap.legend`.

    Args:
        source: the terminal that the program was started from, unless something else is given.
        keymap: what the keys of that source mean.
        clock: [s]
        fps, action_low, action_high, sole: as `DeviceOperator`. `seed` is taken because every operator is
            given one.

    Raises:
        OperatorUnavailableError: standard input is not a terminal.
    """

    def __init__(
        self,
        *,
        fps: float,
        action_low: ArrayLike,
        action_high: ArrayLike,
        seed: int = 0,
        sole: bool = False,
        source: KeySource | None = None,
        keymap: KeyMap = TERMINAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(fps=fps, action_low=action_low, action_high=action_high, sole=sole)
        self.keymap = keymap
        self._source = source if source is not None else TerminalKeys()
        self._keys = HeldKeys(clock)

    def close(self) -> None:
        """Let go of the keyboard."""
        self._source.close()

    def _poll(self) -> None:
        for key in self._source.read():
            pressed = self._keys.press(key)
            if key in self.keymap.axes:
                self._tap(key)
            elif pressed or not self.keymap.repeats:
                self._declare(key)
        self._latch.hold(self.keymap.motion(self._held()), clutch=False)

    def _held(self) -> frozenset[str]:
        return self._keys.held() if self.keymap.repeats else frozenset()

    def _tap(self, key: str) -> None:
        """The key counts at the next control step, even if it never comes again."""
        self._latch.hold(self.keymap.motion(self._held() | {key}), clutch=False)
        self._latch.hold(zero_motion(), clutch=False)

    def _declare(self, key: str) -> None:
        if key == self.keymap.toggle:
            self._latch.toggle()
        elif key in self.keymap.events:
            self._latch.declare(self.keymap.events[key])
