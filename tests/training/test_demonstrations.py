"""Demonstrations: as many as wanted, all successful, and none lost or repeated by an interruption."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from hilt.build.envs import make_environment
from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.training.demonstrators import simulated
from tests.training.parts import small_config


@pytest.fixture(scope="module")
def env() -> Iterator[Environment]:
    made = make_environment(small_config())
    yield made
    made.close()


def config_of(num_episodes: int) -> RunConfig:
    return small_config(demonstrations={"num_episodes": num_episodes})


def test_demonstrations_succeed_and_are_the_operators_at_every_step(env: Environment) -> None:
    episodes = list(simulated(config_of(2), env, 0, 2, lambda: False))
    assert len(episodes) == 2
    for episode in episodes:
        assert episode[-1].is_success
        assert [transition.step for transition in episode] == list(range(len(episode)))
        assert all(transition.is_intervention for transition in episode)


def test_after_an_interruption_only_the_rest_is_collected(env: Environment) -> None:
    config = config_of(3)
    interrupted = simulated(config, env, 0, 3, lambda: False)
    episodes = [next(interrupted)]
    interrupted.close()
    episodes += simulated(config, env, 1, 3, lambda: False)
    assert len(episodes) == 3
    starts = {steps[0].observation["observation.environment_state"].tobytes() for steps in episodes}
    assert len(starts) == 3  # no episode is played twice
    assert list(simulated(config, env, 3, 3, lambda: False)) == []


def test_collecting_stops_when_told(env: Environment) -> None:
    calls = itertools.count()
    assert list(simulated(config_of(5), env, 0, 5, lambda: next(calls) > 10)) == []


def test_an_operator_who_cannot_do_it_is_told() -> None:
    config = small_config(
        demonstrations={"num_episodes": 1}, env={"processor": {"reset": {"control_time_s": 0.3}}}
    )
    env = make_environment(config)
    with pytest.raises(
        ConfigError, match=r"time limit of 0.3 s cut \d+: raise env.processor.reset.control_time_s"
    ):
        list(simulated(config, env, 0, 1, lambda: False))
    env.close()
