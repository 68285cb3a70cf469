"""The simulated human at the real tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from hilt.envs import make
from hilt.envs.arm_env import ArmEnv
from hilt.operators import Command, Event, Habits, Operator, ScriptedOperator
from hilt.operators.fumbling import Fumbler
from hilt.operators.habits import habits_of

IDLE = np.array((0, 0, 0, 1), np.float32)
DEMONSTRATES = Habits(always=True)


@dataclass
class Watched:
    """One episode: the operator's commands and whether the task was accomplished after each."""

    commands: list[Command] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)

    def held(self) -> list[bool]:
        return [command.action is not None for command in self.commands]

    def actions(self) -> list[list[float] | None]:
        return [None if c.action is None else c.action.tolist() for c in self.commands]


def human(env: ArmEnv, habits: Habits, seed: int = 0) -> ScriptedOperator:
    return ScriptedOperator(
        seed=seed,
        fps=10,
        action_low=env.action_space.low,
        action_high=env.action_space.high,
        habits=habits,
    )


def watch(env: ArmEnv, operator: Operator, seed: int) -> Watched:
    env.reset(seed=seed)
    operator.reset(env.expert)
    episode, over = Watched(), False
    while not over:
        episode.commands.append(operator.command(IDLE))
        action = episode.commands[-1].action
        _, _, terminated, truncated, info = env.step(IDLE if action is None else action)
        episode.successes.append(info["is_success"])
        over = terminated or truncated
    return episode


@pytest.mark.parametrize(("task", "episodes", "least"), [("PickCube", 10, 10), ("PegInsertion", 10, 8)])
def test_demonstrates_with_a_noisy_hand(task: str, episodes: int, least: int) -> None:
    env = make(task, render_mode=None)
    operator = human(env, DEMONSTRATES)
    watched = [watch(env, operator, seed) for seed in range(episodes)]
    assert sum(episode.successes[-1] for episode in watched) >= least
    assert all(all(episode.held()) for episode in watched)


def test_rescues_a_policy_that_does_nothing_and_only_then() -> None:
    env = make("PickCube", render_mode=None)
    habits = Habits(attention=1, patience=10, reaction=(2, 2), hold=(5, 100), recovery=1)
    held = watch(env, human(env, habits), 0)
    assert held.successes[-1]
    assert held.held() == [False] * 11 + [True] * (len(held.commands) - 11)


def test_a_poor_hand_still_succeeds_but_takes_longer() -> None:
    env = make("PickCube", render_mode=None)
    poor, good = human(env, Habits(always=True, skill=0.5)), human(env, DEMONSTRATES)
    slow, fast = ([watch(env, who, seed) for seed in range(8)] for who in (poor, good))
    assert all(episode.successes[-1] for episode in slow)
    assert sum(len(e.commands) for e in slow) > 1.2 * sum(len(e.commands) for e in fast)


def test_the_better_person_is_the_faster_one() -> None:
    env = make("PickCube", render_mode=None)
    lengths = []
    for person in ("expert", "average", "novice"):
        operator = human(env, habits_of({"person": person, "always": True}))
        watched = [watch(env, operator, seed) for seed in range(8)]
        assert sum(episode.successes[-1] for episode in watched) >= 7
        lengths.append(sum(len(episode.commands) for episode in watched))
    assert lengths[0] * 1.3 < lengths[1]
    assert lengths[1] * 1.3 < lengths[2]


def test_who_sees_the_cube_beside_its_place_grasps_there() -> None:
    env = make("PickCube", render_mode=None)
    env.reset(seed=0)
    for _ in range(5):  # until no axis is at full deflection
        env.step(env.expert.action())
    straight = env.expert.action()
    env.expert.seen_with_error(np.array((0.004, 0, 0)))
    moved = (env.expert.action() - straight)[:3] * 0.025 / env.expert.gain
    assert np.abs(straight[:3]).max() < 0.9
    assert moved == pytest.approx(0.004 * env.view_axes[:, 0], abs=1e-6)


def test_same_seeds_same_commands() -> None:
    env = make("PegInsertion", render_mode=None)
    runs = []
    for _ in range(2):
        operator = human(env, Habits(attention=1, patience=5, skill=0.8), seed=7)
        runs.append([watch(env, operator, seed).actions() for seed in range(3)])
    assert runs[0] == runs[1]


def test_the_late_human_declares_success_after_it() -> None:
    env = make("PickCube", render_mode=None, terminate_on_success=False, control_time_s=4)
    watched = watch(env, human(env, Habits(always=True, success_delay_s=(0.3, 1.0))), 0)
    presses = [i for i, command in enumerate(watched.commands) if command.event is Event.SUCCESS]
    assert len(presses) == 1
    seen = watched.successes.index(True) + 1
    assert seen + 3 <= presses[0] <= seen + 10


def test_the_fumbler_moves_and_mostly_fails() -> None:
    env = make("PickCube", render_mode=None, control_time_s=4.0)
    low, high = env.action_space.low, env.action_space.high
    fumbler = Fumbler(seed=0, fps=10, action_low=low, action_high=high)
    watched = [watch(env, fumbler, seed) for seed in range(5)]
    assert sum(episode.successes[-1] for episode in watched) <= 1
    for episode in watched:
        assert all(episode.held())
        actions = np.array(episode.actions())
        assert ((actions >= low) & (actions <= high)).all()
        assert len(np.unique(actions, axis=0)) > 3
