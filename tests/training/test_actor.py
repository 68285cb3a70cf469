"""The actor: episodes of its own seeds, honest reports, validation alone, and leaving when told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from hilt.build.envs import make_environment
from hilt.data.transition import Action, Transition
from hilt.envs.feature_env import Environment
from hilt.operators.base import NOTHING, Command, Event, Expert
from hilt.rollout.rollout import Rollout, Session
from hilt.training.actor import Actor, episode_ids
from hilt.training.latest_policy import LatestPolicy
from hilt.training.learner_parts import Builder
from hilt.training.replay_memory import Memory
from hilt.transport.messages import Directive, PolicyTest, Record
from hilt.transport.weights import Weights
from tests.training.parts import small_config


class Line:
    """A learner that hears everything and says what it is told to."""

    def __init__(self, episodes: int) -> None:
        self.sent: list[Transition] = []
        self.reports: list[Record] = []
        self.test: PolicyTest | None = None
        self.phase, self._left = "online", episodes
        self.offered: list[Weights] = []

    def send(self, transition: Transition) -> None:
        self.sent.append(transition)

    def report(self, record: Record) -> None:
        self.reports.append(record)
        self._left -= 1

    @property
    def directive(self) -> Directive:
        return Directive(self.phase, self._left <= 0, test=self.test)

    def newest(self) -> Weights | None:
        return self.offered.pop() if self.offered else None


class Says:
    """An operator who says one thing at the third step of every episode."""

    interactive = False

    def __init__(self, event: Event | None) -> None:
        self.event, self.step = event, 0

    def reset(self, expert: Expert | None) -> None:
        self.step = 0

    def command(self, policy_action: Action) -> Command:
        self.step += 1
        return Command(event=self.event) if self.step == 3 else NOTHING

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def env() -> Iterator[Environment]:
    made = make_environment(small_config(env={"processor": {"reset": {"control_time_s": 0.5}}}))
    yield made
    made.close()


@pytest.fixture(scope="module")
def weights(env: Environment, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    builder = Builder(small_config(), env.spec, "cpu")
    memory = Memory(tmp_path_factory.mktemp("log"), env.schema, online_capacity=9, demonstration_capacity=9)
    policy = builder.algorithm(memory, None).policy
    return Weights(1, dict(policy.state_dict()), policy.config)


class Impatient(Session):
    def __init__(self, line: Line) -> None:
        self.line = line

    def should_stop(self) -> bool:
        return len(self.line.sent) >= 2


def acting(
    env: Environment, weights: Weights, line: Line, event: Event | None = None, **options: Any
) -> tuple[Actor, LatestPolicy]:
    policy = LatestPolicy(weights, line.newest, seed=0)
    rollout = Rollout(env, policy, Says(event), line.send)
    return Actor(rollout, policy, line, index=options.pop("index", 0), seed=5, **options), policy


def spoiled(weights: Weights) -> Weights:
    return Weights(
        2, {name: torch.full_like(t, float("nan")) for name, t in weights.tensors.items()}, weights.config
    )


def test_episodes_are_sent_step_by_step_and_reported_whole(env: Environment, weights: Weights) -> None:
    line = Line(episodes=3)
    assert not acting(env, weights, line)[0].run(), "it was the learner who said stop, not a person"
    by_episode = {
        t.episode_id: [s.step for s in line.sent if s.episode_id == t.episode_id] for t in line.sent
    }
    assert list(by_episode.values()) == [[0, 1, 2, 3, 4]] * 3
    assert [report["length"] for report in line.reports] == [5, 5, 5]
    assert all(float(report["Policy frequency [Hz]"]) > 0 for report in line.reports)
    assert (
        len({t.observation["observation.environment_state"].tobytes() for t in line.sent if t.step == 0}) == 3
    )


def test_two_actors_play_different_episodes(env: Environment, weights: Weights) -> None:
    seen = []
    for index in (0, 1):
        line = Line(episodes=1)
        acting(env, weights, line, index=index)[0].run()
        seen.append(line.sent[0].observation["observation.environment_state"].tobytes())
    assert seen[0] != seen[1]
    first, second = episode_ids(), episode_ids()
    assert not {next(first) for _ in range(1000)} & {next(second) for _ in range(1000)}


def test_a_seed_repeats_the_episodes_of_a_run_and_one_that_goes_on_has_new_ones(
    env: Environment, weights: Weights
) -> None:
    def starts(first: int) -> list[bytes]:
        line = Line(episodes=3)
        acting(env, weights, line, first=first)[0].run()
        return [t.observation["observation.environment_state"].tobytes() for t in line.sent if t.step == 0]

    assert starts(0) == starts(0)
    assert starts(2)[0] == starts(0)[2]
    assert not set(starts(3)) & set(starts(0))


def test_the_operator_can_end_it(env: Environment, weights: Weights) -> None:
    line = Line(episodes=10)
    assert acting(env, weights, line, Event.QUIT)[0].run()
    assert len(line.sent) == 2
    assert not any(transition.done for transition in line.sent)


def test_a_process_that_is_asked_to_stop_leaves_in_the_middle_of_an_episode(
    env: Environment, weights: Weights
) -> None:
    line = Line(episodes=10)
    acting(env, weights, line, session=Impatient(line))[0].run()
    assert len(line.sent) == 2


def test_new_weights_are_used_from_the_next_step_on(env: Environment, weights: Weights) -> None:
    line = Line(episodes=1)
    _, policy = acting(env, weights, line)
    observation = env.reset(0)
    policy(observation)
    line.offered = [Weights(7, weights.tensors, weights.config)]
    policy(observation)
    assert policy.version == 7
    assert policy.age_s < 60


def test_weights_that_give_nan_are_refused_counted_and_never_sent(env: Environment, weights: Weights) -> None:
    line = Line(episodes=2)
    line.offered = [spoiled(weights)]
    acting(env, weights, line)[0].run()
    assert line.sent == []
    assert [(report["length"], report["refused"]) for report in line.reports] == [(0, 1.0), (0, 1.0)]


def test_validation_tests_the_newest_weights_alone_and_gives_up_when_hopeless(
    env: Environment, weights: Weights
) -> None:
    line = Line(episodes=2)
    line.test = PolicyTest(version=3, target=0.8, episodes=10, number=1)
    line.offered = [Weights(3, weights.tensors, weights.config)]
    acting(env, weights, line, Event.SUCCESS)[0].run()
    episode, cost, tested = line.reports
    assert cost["test_steps"] >= cost["test_episodes"] > 0
    assert (tested["tested"], tested["Validation passed"], tested["Validation success rate"]) == (3, 0.0, 0.0)
    assert {transition.episode_id for transition in line.sent} == {line.sent[0].episode_id}
    assert episode["length"] == 3
    assert np.isfinite(line.sent[0].action).all()


def test_an_episode_that_is_to_be_done_once_more_is_thrown_away(env: Environment, weights: Weights) -> None:
    line = Line(episodes=2)
    acting(env, weights, line, Event.RERECORD)[0].run()
    effort, thrown_away = line.reports
    assert (effort["length"], effort["is_complete"]) == (2, 0)
    assert int(thrown_away["thrown_away"]) == line.sent[0].episode_id
