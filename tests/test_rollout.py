"""The human-in-the-loop step: what was executed is what is recorded, and by whom."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import Action, Controller, Observation, Transition
from hilt.envs.feature_env import Environment
from hilt.operators.base import NOTHING, Command, Event, Expert
from hilt.rollout.rollout import Clock, HoldStill, Rollout

PROPOSED = np.array([0.5, 0.25, 0, 1], np.float32)
TAKEN = np.array([-1, 0, 0.5, 2], np.float32)


@dataclass
class Steady:
    """A policy that always proposes the same, and counts what it is told."""

    action: Action = field(default_factory=PROPOSED.copy)
    interruptions: int = 0
    resets: int = 0

    def reset(self, seed: int) -> None:
        self.resets += 1

    def __call__(self, observation: Observation) -> Action:
        return self.action

    def interrupt(self) -> None:
        self.interruptions += 1


@dataclass
class Hand:
    """An operator whose answers, step by step, are known beforehand."""

    answers: Mapping[int, Command]
    interactive: bool = False
    step: int = -1

    def reset(self, expert: Expert | None) -> None:
        self.step = -1

    def command(self, policy_action: Action) -> Command:
        self.step += 1
        return self.answers.get(self.step, NOTHING)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def env() -> Iterator[Environment]:
    made = make_environment(load_config({"env": {"task": "hilt/PickCube-v0"}}))
    yield made
    made.close()


def play(
    env: Environment, answers: Mapping[int, Command], steps: int = 6, policy: Steady | None = None
) -> tuple[Rollout, list[Transition]]:
    """Up to `steps` steps of the episode of seed 1, and what was recorded."""
    recorded: list[Transition] = []
    rollout = Rollout(env, policy or Steady(), Hand(answers), recorded.append)
    rollout.run_episode(7, 1, lambda: len(recorded) >= steps)
    return rollout, recorded


def test_control_changes_on_the_very_step_at_which_the_human_takes_over_or_lets_go(env: Environment) -> None:
    policy = Steady()
    rollout, recorded = play(env, {2: Command(TAKEN), 3: Command(TAKEN)}, policy=policy)
    operator = [transition.controller is Controller.OPERATOR for transition in recorded]
    assert operator == [False, False, True, True, False, False]
    for transition in recorded:
        expected = TAKEN if transition.is_intervention else PROPOSED
        np.testing.assert_array_equal(transition.action, expected)
        np.testing.assert_array_equal(transition.policy_action, PROPOSED)
    assert (policy.resets, policy.interruptions) == (1, 2)
    assert (rollout.episode.intervention_steps, rollout.episode.takeovers) == (2, 1)


def test_taking_over_twice_is_two_takeovers(env: Environment) -> None:
    rollout, _ = play(env, {0: Command(TAKEN), 2: Command(TAKEN), 3: Command(TAKEN)})
    assert (rollout.episode.intervention_steps, rollout.episode.takeovers) == (3, 2)


def test_what_was_executed_is_what_is_recorded(env: Environment) -> None:
    """The recorded actions, executed again, lead to the recorded observations, bit for bit."""
    beyond = np.array([3, -7, 0.1, 9], np.float32)
    _, recorded = play(env, {1: Command(beyond)}, policy=Steady(np.array([0, 9, 0, -4], np.float32)))
    assert all(env.gym.action_space.contains(transition.action) for transition in recorded)
    np.testing.assert_array_equal(recorded[0].policy_action, [0, 9, 0, -4])
    observation = env.reset(1)
    for transition in recorded:
        for name, array in observation.items():
            np.testing.assert_array_equal(transition.observation[name], array)
        observation = env.step(transition.action).observation
        for name, array in observation.items():
            np.testing.assert_array_equal(transition.next_observation[name], array)


def test_steps_are_numbered_and_linked(env: Environment) -> None:
    _, recorded = play(env, {})
    assert [(transition.episode_id, transition.step) for transition in recorded] == [(7, i) for i in range(6)]
    for before, after in itertools.pairwise(recorded):
        np.testing.assert_array_equal(
            before.next_observation["observation.state"], after.observation["observation.state"]
        )


@pytest.mark.parametrize(("event", "reward"), [(Event.SUCCESS, 1.0), (Event.FAILURE, 0.0)])
@pytest.mark.parametrize("action", [None, TAKEN])
def test_a_word_of_the_operator_ends_the_episode(
    env: Environment, event: Event, reward: float, action: Action | None
) -> None:
    rollout, recorded = play(env, {3: Command(action, event)})
    assert len(recorded) == 4
    assert (recorded[-1].reward, recorded[-1].terminated, recorded[-1].truncated) == (reward, True, False)
    assert recorded[-1].is_intervention == (action is not None)
    assert not any(transition.done for transition in recorded[:-1])
    assert rollout.episode.event is event
    assert (rollout.episode.is_success, rollout.episode.judge) == (event is Event.SUCCESS, "person")
    assert rollout.episode.ground_truth is False  # the environment knows that nothing was lifted


@pytest.mark.parametrize("event", [Event.RERECORD, Event.QUIT])
def test_the_step_on_which_the_operator_breaks_off_is_not_recorded(env: Environment, event: Event) -> None:
    rollout, recorded = play(env, {3: Command(TAKEN, event)})
    assert len(recorded) == 3
    assert not any(transition.done for transition in recorded)
    assert rollout.episode.event is event
    assert rollout.episode.intervention_steps == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_policy_that_is_not_finite_is_refused_and_not_recorded(env: Environment, bad: float) -> None:
    policy = Steady()
    recorded: list[Transition] = []
    rollout = Rollout(env, policy, Hand({}), recorded.append)
    rollout.begin(0, 1)
    rollout.step()
    policy.action = np.array([bad, 0, 0, 1], np.float32)
    rollout.step()
    assert len(recorded) == rollout.episode.length == 1
    assert rollout.episode.over
    assert "policy" in (rollout.episode.refused or "")


def test_a_simulator_that_fails_is_refused_and_not_recorded(env: Environment) -> None:
    recorded: list[Transition] = []
    rollout = Rollout(env, Steady(), Hand({}), recorded.append)
    rollout.begin(0, 1)
    rollout.step()
    env.gym.unwrapped.data.qvel[:] = np.nan
    rollout.step()
    assert len(recorded) == 1
    assert "simulator" in (rollout.episode.refused or "")
    rollout.begin(1, 2)  # and the next episode is as good as any
    rollout.step()
    assert rollout.episode.refused is None


def test_a_time_limit_truncates_on_its_step_and_terminates_nothing() -> None:
    config = load_config({"env": {"processor": {"reset": {"control_time_s": 0.7}}}})
    short = make_environment(config)
    recorded: list[Transition] = []
    Rollout(short, HoldStill(short), Hand({}), recorded.append).run_episode(0, 1)
    ends = [(transition.terminated, transition.truncated) for transition in recorded]
    assert ends == [(False, False)] * 6 + [(False, True)]
    short.close()


def test_success_terminates_and_truncates_nothing(env: Environment) -> None:
    expert = env.expert
    assert expert is not None
    recorded: list[Transition] = []
    rollout = Rollout(env, HoldStill(env), Hand({}), recorded.append)
    rollout.begin(0, 5)
    while not rollout.episode.over:
        rollout.operator = Hand({0: Command(expert.action())})
        rollout.step()
    last = recorded[-1]
    assert (last.reward, last.terminated, last.truncated, last.is_success) == (1.0, True, False, True)
    assert sum(transition.reward for transition in recorded) == 1.0


@pytest.mark.parametrize("interactive", [True, False])
def test_real_time_is_kept_only_for_people(env: Environment, interactive: bool) -> None:
    clock = Clock(1000.0)
    rollout = Rollout(env, Steady(), Hand({}, interactive), lambda transition: None, clock=clock)
    rollout.begin(0, 1)
    for _ in range(3):
        rollout.step()
    assert len(clock.lateness_s) == (3 if interactive else 0)


def test_a_late_step_does_not_make_the_next_ones_hurry() -> None:
    clock = Clock(50.0)
    clock._next -= 1.0  # a step that took a second
    clock.wait()
    assert clock.lateness_s[0] > 0.9
    clock.wait()
    assert clock.lateness_s[1] > -1e-3
    assert clock.lateness_s[1] < 0.9
