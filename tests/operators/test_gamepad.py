"""A real SDL with a virtual joystick attached to it."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pygame = pytest.importorskip("pygame", reason="the extra [gamepad] is not installed")

from hilt.commands.map_gamepad import show_and_map  # noqa: E402
from hilt.operators.base import NOTHING, Event, OperatorUnavailableError  # noqa: E402
from hilt.operators.gamepad import GamepadOperator  # noqa: E402
from hilt.operators.pad_mapping import Axis, PadMapping, load_mappings  # noqa: E402
from hilt.operators.sdl import load_pygame  # noqa: E402

A, X, Y, LB, RB = 0, 2, 3, 9, 10
LEFT_X, LEFT_Y, RIGHT_X, RIGHT_Y, LT, RT = range(6)
GAME_CONTROLLER = 1
STILL = np.array([0, 0, 0, 1], np.float32)


MakeOperator = Callable[..., GamepadOperator]
"""Makes an operator for actions of a size, with the options of `GamepadOperator`."""


def sdl_library() -> ctypes.CDLL:
    found = sorted((Path(pygame.__file__).parent.parent / "pygame.libs").glob("libSDL2-2*"))
    if not found:
        pytest.skip("this pygame does not carry an SDL library of its own")
    return ctypes.CDLL(str(found[0]))


class VirtualPad:
    """A pad that exists only inside SDL, of a kind that SDL knows."""

    def __init__(self) -> None:
        load_pygame()
        self.sdl = sdl_library()
        self.index = self.sdl.SDL_JoystickAttachVirtual(GAME_CONTROLLER, 6, 15, 0)
        assert self.index >= 0
        self.sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self.sdl.SDL_JoystickSetVirtualAxis.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int16]
        self.sdl.SDL_JoystickSetVirtualButton.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint8]
        self.pad = self.sdl.SDL_JoystickOpen(self.index)

    def axis(self, index: int, value: float) -> None:
        self.sdl.SDL_JoystickSetVirtualAxis(self.pad, index, round(32767 * value))
        pygame.event.pump()

    def button(self, index: int, down: bool) -> None:
        self.sdl.SDL_JoystickSetVirtualButton(self.pad, index, int(down))
        pygame.event.pump()

    def tap(self, index: int) -> None:
        self.button(index, True)
        self.button(index, False)

    def unplug(self) -> None:
        if self.index >= 0:
            self.sdl.SDL_JoystickDetachVirtual(self.index)
            self.index = -1
            pygame.event.pump()


@pytest.fixture
def pad() -> Iterator[VirtualPad]:
    pad = VirtualPad()
    yield pad
    pad.unplug()
    pygame.event.clear()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeOperator]:
    made: list[GamepadOperator] = []

    def make_one(size: int = 4, **options: Any) -> GamepadOperator:
        bounds = np.ones(size - 1, np.float32)
        operator = GamepadOperator(
            fps=10,
            action_low=[*-bounds, 0],
            action_high=[*bounds, 2],
            mappings=options.pop("mappings", tmp_path / "gamepads.json"),
            **options,
        )
        made.append(operator)
        return operator

    yield make_one
    for operator in made:
        operator.close()


def test_the_shoulder_button_is_held_to_take_over(pad: VirtualPad, make: MakeOperator) -> None:
    operator = make()
    pad.axis(LEFT_Y, -1)
    assert operator.command(STILL) == NOTHING
    pad.button(RB, True)
    np.testing.assert_allclose(operator.command(STILL).action, [1, 0, 0, 1], atol=1e-3)
    pad.button(RB, False)
    assert operator.command(STILL) == NOTHING


def test_sticks_and_triggers_do_what_the_legend_says(pad: VirtualPad, make: MakeOperator) -> None:
    operator = make()
    pad.button(RB, True)
    for axis, value, action in (
        (LEFT_X, -1, [0, 1, 0, 1]),
        (LEFT_Y, 1, [-1, 0, 0, 1]),
        (RIGHT_Y, -1, [0, 0, 1, 1]),
        (LT, 1, [0, 0, 0, 0]),
        (RT, 1, [0, 0, 0, 2]),
    ):
        pad.axis(axis, value)
        np.testing.assert_allclose(operator.command(STILL).action, action, atol=1e-3)
        pad.axis(axis, -1 if axis in (LT, RT) else 0)
    np.testing.assert_allclose(operator.command(STILL).action, STILL, atol=1e-3)


def test_six_degrees_of_freedom_from_two_sticks(pad: VirtualPad, make: MakeOperator) -> None:
    operator = make(size=7)
    pad.button(RB, True)
    pad.axis(RIGHT_X, -1)
    np.testing.assert_allclose(operator.command(STILL).action, [0, 0, 0, 0, 0, 1, 1], atol=1e-3)
    pad.axis(RIGHT_X, 0)
    pad.button(LB, True)
    pad.axis(LEFT_Y, -1)
    np.testing.assert_allclose(operator.command(STILL).action, [0, 0, 0, 0, 1, 0, 1], atol=1e-3)


def test_a_stick_in_the_dead_zone_is_at_rest(pad: VirtualPad, make: MakeOperator) -> None:
    operator = make()
    pad.button(RB, True)
    pad.axis(LEFT_X, 0.1)
    np.testing.assert_array_equal(operator.command(STILL).action, STILL)


@pytest.mark.parametrize(("button", "event"), [(Y, Event.SUCCESS), (A, Event.FAILURE), (X, Event.RERECORD)])
def test_a_tap_counts_and_a_press_during_reset_does_not(
    pad: VirtualPad, make: MakeOperator, button: int, event: Event
) -> None:
    operator = make()
    pad.tap(button)
    assert operator.command(STILL).event is event
    assert operator.command(STILL).event is None
    pad.tap(button)
    operator.reset(None)
    assert operator.command(STILL).event is None


def test_a_tap_of_stick_and_shoulder_counts_for_one_step(pad: VirtualPad, make: MakeOperator) -> None:
    operator = make()
    operator.command(STILL)
    pad.button(RB, True)
    pad.axis(LEFT_Y, -1)
    pad.axis(LEFT_Y, 0)
    pad.button(RB, False)
    np.testing.assert_allclose(operator.command(STILL).action, [1, 0, 0, 1], atol=1e-3)
    assert operator.command(STILL) == NOTHING


def test_pads_come_and_go(make: MakeOperator) -> None:
    clock = [0.0]
    operator = make(wait_for_pad=True, clock=lambda: clock[0])
    assert operator.command(STILL) == NOTHING
    assert not operator.interactive
    pad = VirtualPad()
    operator.command(STILL)
    assert operator.interactive
    pad.button(RB, True)
    pad.axis(LEFT_Y, -1)
    assert operator.command(STILL).action[0] == pytest.approx(1, abs=1e-3)
    pad.unplug()
    np.testing.assert_array_equal(operator.command(STILL).action, STILL)
    clock[0] = 1.0
    operator.command(STILL)
    assert operator.command(STILL) == NOTHING
    assert not operator.interactive


def test_no_pad_is_a_sentence_with_a_way_out(make: MakeOperator) -> None:
    with pytest.raises(OperatorUnavailableError, match="--operator=browser"):
        make()


def test_a_mapping_by_the_pads_name_wins(pad: VirtualPad, make: MakeOperator, tmp_path: Path) -> None:
    swapped = PadMapping({"x": Axis(RIGHT_Y, -1)}, {"take_over": LB}, close=X, open=Y, dead_zone=0.0)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"Virtual Controller": swapped.to_json()}))
    assert load_mappings(path)["Virtual Controller"] == swapped
    operator = make(mappings=path)
    pad.button(LB, True)
    pad.axis(RIGHT_Y, -0.5)
    np.testing.assert_allclose(operator.command(STILL).action, [0.5, 0, 0, 1], atol=1e-3)


@pytest.mark.parametrize(
    "text", ["[", "[]", '{"Pad": 3}', '{"Pad": {"sticks": {"x": {"index": -1}}, "buttons": {}}}']
)
def test_a_damaged_mapping_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gamepads.json"
    path.write_text(text)
    with pytest.raises(OperatorUnavailableError, match="gamepads.json"):
        load_mappings(path)


def test_teaching_a_pad_writes_a_mapping_that_works(
    pad: VirtualPad, make: MakeOperator, tmp_path: Path
) -> None:
    answers = {
        "left stick forward": lambda value: pad.axis(LEFT_Y, -value),
        "left stick to the left": lambda value: pad.axis(LEFT_X, -value),
        "right stick forward": lambda value: pad.axis(RIGHT_Y, -value),
        "right stick to the left": lambda value: pad.axis(RIGHT_X, -value),
        "left trigger": lambda value: pad.axis(LT, 2 * value - 1),
        "right trigger": lambda value: pad.axis(RT, 2 * value - 1),
        "right shoulder": lambda value: pad.button(RB, value),
        "left shoulder": lambda value: pad.button(LB, value),
        "success (Y": lambda value: pad.button(Y, value),
        "failure (A": lambda value: pad.button(A, value),
        "record again (X": lambda value: pad.button(X, value),
    }

    def person(sentence: str) -> None:
        if sentence.startswith("Please"):
            next(do for part, do in answers.items() if part in sentence)(1)
        elif sentence.startswith(("  axis", "  button")):
            for do in answers.values():
                do(0)

    pad.axis(LT, -1)
    pad.axis(RT, -1)
    path = show_and_map(tmp_path / "gamepads.json", say=person, timeout_s=5)
    taught = load_mappings(path)["Virtual Controller"]
    assert taught.sticks["x"] == Axis(LEFT_Y, -1)
    assert taught.close == Axis(LT, 1, -1.0)
    pad = VirtualPad()
    operator = make(mappings=path)
    pad.button(RB, True)
    pad.axis(LT, 1)
    np.testing.assert_allclose(operator.command(STILL).action, [0, 0, 0, 0], atol=1e-3)
