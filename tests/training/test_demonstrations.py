"""Demonstrations: as many as wanted, all successful, and none lost or repeated by an interruption."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from parts import small_config

from hilt.build.envs import make_environment
from hilt.config.errors import ConfigError
from hilt.training.demonstrations import demonstrations, habits_of_demonstrator
from hilt.training.learner_parts import Builder


def builder(num_episodes: int, **habits: Any) -> Builder:
    config = small_config(demonstrations={"num_episodes": num_episodes, "operator_options": habits})
    env = make_environment(config)
    env.close()
    return Builder(config, env, "cpu")


def test_demonstrations_succeed_and_are_the_operators_at_every_step() -> None:
    made = builder(2)
    episodes = list(demonstrations(made.config, made.env.schema, lambda: False))
    assert len(episodes) == 2
    for episode in episodes:
        assert episode[-1].is_success
        assert [transition.step for transition in episode] == list(range(len(episode)))
        assert all(transition.is_intervention for transition in episode)


def test_after_an_interruption_only_the_rest_is_collected(tmp_path: Path) -> None:
    made = builder(3)
    memory = made.memory(tmp_path)
    interrupted = demonstrations(made.config, made.env.schema, lambda: False)
    memory.demonstrate(next(interrupted))
    interrupted.close()
    memory.close()

    memory = made.memory(tmp_path)
    memory.restore()
    rest = list(demonstrations(made.config, made.env.schema, lambda: False, memory.demonstrated))
    for episode in rest:
        memory.demonstrate(episode)
    assert (len(rest), len(memory.demonstrated)) == (2, 3)
    starts = [memory.demonstrations.frames["observation.environment_state"][0], rest[0][0], rest[1][0]]
    places = [
        start.observation["observation.environment_state"].tobytes()
        if hasattr(start, "step")
        else start.tobytes()
        for start in starts
    ]
    assert len(set(places)) == 3  # no episode is played twice
    assert list(demonstrations(made.config, made.env.schema, lambda: False, memory.demonstrated)) == []
    memory.close()


def test_collecting_stops_when_told() -> None:
    made, calls = builder(5), itertools.count()
    assert list(demonstrations(made.config, made.env.schema, lambda: next(calls) > 10)) == []


def test_what_cut_the_demonstrations_is_said_after_a_handful() -> None:
    config = small_config(
        demonstrations={"num_episodes": 20},
        env={"task": "hilt/ArrangeBoxes-v0", "processor": {"reset": {"control_time_s": 1.5}}},
    )
    env = make_environment(config)
    said = r"failed in 8 of 8 .* time limit of 1.5 s cut 8: raise env.processor.reset.control_time_s .*60 s"
    with pytest.raises(ConfigError, match=said):
        list(demonstrations(config, env.schema, lambda: False))
    env.close()


def test_the_person_who_helps_later_demonstrates() -> None:
    def habits(**demonstrations: Any) -> dict[str, Any]:
        options = {"person": "novice", "noise": 0.1, "success_delay_s": [1, 2]}
        return habits_of_demonstrator(
            small_config(operator="scripted", operator_options=options, demonstrations=demonstrations)
        )

    assert habits() == {"always": True, "person": "novice", "success_delay_s": [1, 2]}
    assert habits(operator_options={"person": "expert"})["person"] == "expert"
