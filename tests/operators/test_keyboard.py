"""A real terminal (a pty): keys arrive as bytes, and nothing tells of a release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hilt.operators.base import NOTHING, Command, Event, OperatorUnavailableError
from hilt.operators.keyboard import KeyboardOperator
from hilt.operators.keymaps import TERMINAL, VIEWER, KeyMap
from hilt.operators.terminal import TerminalKeys, key_names

LOW, HIGH = np.array([-1, -1, -1, 0], np.float32), np.array([1, 1, 1, 2], np.float32)
STILL = np.array([0, 0, 0, 1], np.float32)


class Keyboard:
    """Types into a pty, and moves the clock on by hand."""

    def __init__(self, **options: Any) -> None:
        self.now = 100.0
        self.master, self.slave = os.openpty()
        self.operator = KeyboardOperator(
            fps=10,
            action_low=LOW,
            action_high=HIGH,
            source=TerminalKeys(self.slave),
            clock=lambda: self.now,
            **options,
        )

    def step(self, keys: bytes = b"", seconds: float = 0.1) -> Command:
        os.write(self.master, keys)
        command = self.operator.command(STILL)
        self.now += seconds
        return command

    def close(self) -> None:
        self.operator.close()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    keyboard = Keyboard()
    yield keyboard
    keyboard.close()


def test_space_takes_over_and_gives_back(keyboard: Keyboard) -> None:
    assert keyboard.step(b"w") == NOTHING
    np.testing.assert_array_equal(keyboard.step(b" ", 0.3).action, STILL)
    assert keyboard.step(b" ") == NOTHING


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        (b"\x1b[A", [1, 0, 0, 1]),
        (b"s", [-1, 0, 0, 1]),
        (b"\x1bOD", [0, 1, 0, 1]),
        (b"E", [0, 0, 1, 1]),
        (b"\x1b[6~", [0, 0, -1, 1]),
        (b"f", [0, 0, 0, 0]),
        (b"g", [0, 0, 0, 2]),
        (b"wa", [1, 1, 0, 1]),
    ],
)
def test_a_tap_moves_for_exactly_one_step(keyboard: Keyboard, keys: bytes, action: list[int]) -> None:
    keyboard.step(b" ")
    np.testing.assert_array_equal(keyboard.step(keys).action, action)
    np.testing.assert_array_equal(keyboard.step().action, STILL)


def test_a_held_key_moves_until_its_repetition_ends(keyboard: Keyboard) -> None:
    keyboard.step(b" ")
    moves = [keyboard.step(b"w", 0.5).action[0]]
    moves += [keyboard.step(b"w", 0.05).action[0] for _ in range(20)]
    moves += [keyboard.step(b"", 0.1).action[0] for _ in range(4)]
    assert moves[:21] == [1] * 21
    assert moves[-2:] == [0, 0]


@pytest.mark.parametrize(
    ("keys", "event"),
    [(b"\r", Event.SUCCESS), (b"\x1b", Event.FAILURE), (b"r", Event.RERECORD), (b"q", Event.QUIT)],
)
def test_events_need_no_take_over(keyboard: Keyboard, keys: bytes, event: Event) -> None:
    command = keyboard.step(keys)
    assert command.event is event
    assert command.action is None


def test_presses_during_a_reset_count_for_nothing(keyboard: Keyboard) -> None:
    os.write(keyboard.master, b" w\r")
    keyboard.operator.reset(None)
    assert keyboard.step() == NOTHING


def test_the_terminal_is_put_back_as_it_was() -> None:
    import termios

    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    keys = TerminalKeys(slave)
    assert termios.tcgetattr(slave) != before
    keys.close()
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_no_terminal_is_a_sentence_with_a_way_out() -> None:
    read, write = os.pipe()
    with pytest.raises(OperatorUnavailableError, match="--operator=browser"):
        TerminalKeys(read)
    os.close(read)
    os.close(write)


def test_garbage_is_no_key_of_the_map() -> None:
    names = key_names(bytes(range(128, 256)) + b"\x1b[99;5u\x00")
    assert not set(names) & {*TERMINAL.axes, *TERMINAL.events, TERMINAL.toggle}


@pytest.mark.parametrize("keymap", [TERMINAL, VIEWER])
def test_no_key_means_two_things(keymap: KeyMap) -> None:
    assert not set(keymap.axes) & {*keymap.events, keymap.toggle}
    assert keymap.toggle not in keymap.events
