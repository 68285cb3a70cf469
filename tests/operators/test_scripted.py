"""The simulated human, on a task small enough to reason about: a point on a line that has to reach 1.

(`tests/sim` drives the real tasks with it.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hilt.operators import (
    PERSONS,
    Command,
    Event,
    Habits,
    OperatorUnavailableError,
    ScriptedOperator,
    make_operator,
)
from hilt.operators.base import NoOperator
from hilt.operators.habits import habits_of
from hilt.operators.registry import DEVICES, check_operator

LOW, HIGH = np.array([-1, 0], np.float32), np.array([1, 2], np.float32)
IDLE = np.array([0, 1], np.float32)
STEADY = Habits(noise=0, attention=1, reaction=(0, 0))


class Line:
    """Position 0..1, moved by a sixteenth of the first action; its expert walks up and closes the gripper."""

    def __init__(self) -> None:
        self.position = 0.0
        self.danger = False

    def action(self) -> np.ndarray:
        return np.array([1, 0], np.float32)

    def progress(self) -> float:
        return min(1.0, self.position)

    def in_danger(self) -> bool:
        return self.danger

    def step(self, action: np.ndarray) -> None:
        self.position = max(0.0, self.position + float(action[0]) / 16)


def operator(habits: Habits, seed: int = 0, fps: float = 10) -> ScriptedOperator:
    return ScriptedOperator(seed=seed, fps=fps, action_low=LOW, action_high=HIGH, habits=habits)


def episode(
    human: ScriptedOperator, policy: np.ndarray = IDLE, steps: int = 100, stop: bool = True
) -> list[Command]:
    line, commands = Line(), []
    human.reset(line)
    for _ in range(steps):
        commands.append(human.command(policy))
        action = commands[-1].action
        line.step(policy if action is None else action)
        if stop and line.progress() == 1:
            break
    return commands


def controlled(commands: list[Command]) -> list[bool]:
    return [command.action is not None for command in commands]


def same(left: list[Command], right: list[Command]) -> bool:
    def plain(commands: list[Command]) -> list[tuple[object, Event | None]]:
        return [(None if c.action is None else c.action.tolist(), c.event) for c in commands]

    return plain(left) == plain(right)


def test_same_seed_same_commands() -> None:
    habits = Habits(skill=0.5)
    runs = [[episode(human) for _ in range(5)] for human in (operator(habits, 3), operator(habits, 3))]
    assert all(same(a, b) for a, b in zip(*runs, strict=True))
    other = [episode(operator(habits, 4)) for _ in range(5)]
    assert not all(same(a, b) for a, b in zip(runs[0], other, strict=True))


def test_an_episode_does_not_depend_on_the_length_of_the_one_before() -> None:
    first, second = operator(replace(STEADY, noise=0.1)), operator(replace(STEADY, noise=0.1))
    episode(first, steps=40)
    episode(second, steps=60)
    assert same(episode(first), episode(second))


def test_takes_over_exactly_when_patience_and_reaction_have_run_out() -> None:
    commands = episode(operator(replace(STEADY, patience=10, reaction=(3, 3))), steps=30)
    assert controlled(commands).index(True) == 9 + 3


def test_a_policy_that_advances_is_left_alone() -> None:
    assert not any(controlled(episode(operator(STEADY), policy=np.array([0.5, 1], np.float32))))


def test_danger_needs_no_patience() -> None:
    human, line = operator(replace(STEADY, patience=1000)), Line()
    human.reset(line)
    assert human.command(IDLE).action is None
    line.danger = True
    assert human.command(IDLE).action is not None


def test_lets_go_once_progress_has_recovered_and_after_the_longest_hold() -> None:
    takeover = controlled(episode(operator(replace(STEADY, hold=(2, 50), recovery=0.5)), steps=35))
    first = takeover.index(True)
    assert takeover[first : first + 9] == [True] * 8 + [False]
    takeover = controlled(episode(operator(replace(STEADY, hold=(2, 4), recovery=1)), steps=35))
    first = takeover.index(True)
    assert takeover[first : first + 5] == [True] * 4 + [False]


def test_always_holds_every_step() -> None:
    commands = episode(operator(replace(STEADY, always=True)))
    assert all(controlled(commands))
    assert len(commands) == 16


def test_attention_is_drawn_per_episode() -> None:
    human = operator(replace(STEADY, attention=0.5, trust=2))
    helped = np.mean([any(controlled(episode(human, steps=40))) for _ in range(200)])
    assert 0.4 < helped < 0.6


def test_stops_helping_a_policy_that_has_learned_and_starts_again_when_it_forgets() -> None:
    able = np.array([1, 0], np.float32)
    human = operator(replace(STEADY, trust_window=10, trust=0.9))
    assert any(controlled(episode(human)))
    for _ in range(10):
        episode(human, policy=able)
    assert not any(controlled(episode(human)))
    episode(human)
    assert any(controlled(episode(human)))


@pytest.mark.parametrize("skill", [1.0, 0.0])
def test_actions_stay_within_bounds_and_only_motion_axes_shake(skill: float) -> None:
    commands = episode(operator(replace(STEADY, always=True, noise=0.2, skill=skill)), steps=200, stop=False)
    actions = np.array([command.action for command in commands])
    assert actions.dtype == np.float32
    assert (actions >= LOW).all()
    assert (actions <= HIGH).all()
    assert (actions[:, 1] == 0).all()
    assert actions[:, 0].std() > 0.05


def test_noise_has_the_stated_size_and_correlation() -> None:
    expert = Line()
    expert.action = lambda: IDLE  # type: ignore[method-assign]
    human = operator(replace(STEADY, always=True, noise=0.05, noise_correlation=0.6))
    human.reset(expert)
    x = np.array([human.command(IDLE).action[0] for _ in range(4000)])  # type: ignore[index]
    assert x.std() == pytest.approx(0.05 * 2, rel=0.1)
    assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(0.6, abs=0.1)


def test_less_skill_takes_longer() -> None:
    def length(skill: float) -> float:
        human = operator(replace(STEADY, always=True, skill=skill))
        return float(np.mean([len(episode(human)) for _ in range(20)]))

    assert length(1.0) == 16
    assert length(0.0) > length(0.5) > length(1.0)


def axis(habits: Habits, wanted: float, steps: int = 4000) -> np.ndarray:
    """What the hand does along the motion axis where the expert wants `wanted`."""
    expert = Line()
    expert.action = lambda: np.array([wanted, 0], np.float32)  # type: ignore[method-assign]
    human = operator(replace(habits, always=True))
    human.reset(expert)
    return np.array([human.command(IDLE).action[0] for _ in range(steps)])  # type: ignore[index]


def test_the_hand_pushes_the_stick_no_further_than_its_speed() -> None:
    slow = replace(STEADY, speed=0.5)
    assert (axis(slow, 1.0) == 0.5).all()
    assert axis(slow, 0.25) == pytest.approx(0.25)


def test_noise_grows_with_the_command() -> None:
    human = replace(STEADY, signal_noise=0.2)
    assert (axis(human, 0.0) == 0).all()
    assert axis(human, 0.1).std() == pytest.approx(0.02, rel=0.1)
    assert axis(human, 0.4).std() == pytest.approx(0.08, rel=0.1)


def test_hesitation_stops_the_hand_for_two_to_six_steps() -> None:
    still = axis(replace(STEADY, hesitation=0.05), 1.0) == 0
    changes = np.flatnonzero(np.diff(still.astype(int)))
    lengths = np.diff(changes)[::2] if not still[0] else np.diff(changes)[1::2]
    assert 0.1 < still.mean() < 0.25
    assert lengths.min() == 2


def test_fatigue_makes_an_hour_later_slower_and_shakier() -> None:
    human = operator(replace(STEADY, always=True, fatigue=1.0, noise=0.05), fps=1)
    fresh = episode(human, steps=3600, stop=False)
    tired = episode(human, steps=3600, stop=False)
    spread = [np.std([c.action[0] for c in commands if c.action is not None]) for commands in (fresh, tired)]
    assert min(np.mean([c.action[0] for c in fresh if c.action is not None]), 1) > 0.9
    assert np.mean([c.action[0] for c in tired if c.action is not None]) == pytest.approx(0.5, abs=0.05)
    assert spread[1] > 1.5 * spread[0]


class Scene(Line):
    """A line whose thing may be seen where it is not."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[np.ndarray] = []

    def seen_with_error(self, error: np.ndarray) -> None:
        self.errors.append(error)


def test_things_are_seen_with_an_error_that_wanders_slowly_and_is_larger_along_the_view() -> None:
    scene = Scene()
    human = operator(replace(STEADY, always=True, perception=0.002, perception_depth=3, perception_s=2))
    for _ in range(40):
        human.reset(scene)
        for _ in range(200):
            human.command(IDLE)
    errors = np.array(scene.errors)[::2]
    assert errors.std(axis=0) == pytest.approx((0.002, 0.002, 0.006), rel=0.2)
    assert np.corrcoef(errors[1:, 0], errors[:-1, 0])[0, 1] > 0.9
    assert not np.array(scene.errors)[1::2].any()  # between two commands the expert is told the truth


def test_a_person_is_a_set_of_habits_that_options_change() -> None:
    assert habits_of({}) == Habits()
    novice = habits_of({"person": "novice", "reaction": [1, 2], "always": True})
    assert novice == Habits(**{**PERSONS["novice"], "reaction": (1, 2), "always": True})
    with pytest.raises(ValueError, match="expert, average, novice"):
        habits_of({"person": "beginner"})


def test_success_is_declared_once_and_late() -> None:
    commands = episode(
        operator(replace(STEADY, always=True, success_delay_s=(0.3, 1.0))), steps=60, stop=False
    )
    presses = [step for step, command in enumerate(commands) if command.event is Event.SUCCESS]
    assert len(presses) == 1
    assert 16 + 3 <= presses[0] <= 16 + 10
    assert not any(command.event for command in episode(operator(STEADY)))


def test_without_an_expert_the_message_names_the_way_out() -> None:
    with pytest.raises(OperatorUnavailableError, match="--operator=none"):
        operator(STEADY).reset(None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Habits(skill=2),
        lambda: Habits(noise_correlation=1),
        lambda: Habits(hold=(5, 2)),
        lambda: Habits(patience=0),
        lambda: Habits(speed=0),
        lambda: Habits(perception=-0.001),
    ],
)
def test_impossible_habits_are_refused(wrong: Callable[[], Habits]) -> None:
    with pytest.raises(ValueError, match="habits"):
        wrong()


def made(name: str) -> object:
    return make_operator(name, seed=0, fps=10, action_low=LOW, action_high=HIGH)


class Custom(NoOperator):
    def __init__(self, seed: int, **_: object) -> None:
        self.seed = seed


class Unfit:
    pass


def test_registry_makes_by_name_and_by_class() -> None:
    assert type(made("none")).__name__ == "NoOperator"
    assert isinstance(made("scripted"), ScriptedOperator)
    assert type(made(f"{__name__}:Custom")).__name__ == "Custom"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gampad", "none, scripted, keyboard, gamepad, browser, quest"),
        (f"{__name__}:Nothing", "no class 'Nothing'"),
        (f"{__name__}:Unfit", "must take the keywords seed, fps"),
    ],
)
def test_registry_says_what_is_wrong_with_a_name(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(name)


class Hasty:
    """Written from memory."""

    def __init__(self, **options: object) -> None: ...

    def interactive(self) -> bool:
        return True

    def reset(self) -> None: ...

    def command(self, policy_action: object) -> None: ...


def test_a_class_that_is_no_operator_is_told_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="interactive is a method") as said:
        made(f"{__name__}:Hasty")
    assert "reset must take (expert)" in str(said.value)
    assert "it has no method close()" in str(said.value)


def test_registry_names_the_missing_module() -> None:
    with pytest.raises(OperatorUnavailableError, match="no_such_module"):
        made("no_such_module:Thing")


@pytest.mark.parametrize("name", ["none", "scripted", *DEVICES])
def test_every_operator_of_hilt_passes_its_check_without_options(name: str) -> None:
    """What only a session can give, such as the page, is not asked for."""
    check_operator(name, {})
    if name in ("keyboard", "gamepad"):
        with pytest.raises(ValueError, match="'sped'"):
            check_operator(name, {"sped": 1})
