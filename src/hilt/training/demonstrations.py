"""Demonstrations: loaded from a dataset, or given by an operator before training begins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from hilt.build.datasets import open_fitting, read_transitions
from hilt.build.envs import make_environment
from hilt.build.operators import make_operator
from hilt.config.errors import ConfigError
from hilt.config.operator_options import PEOPLE
from hilt.config.run import RunConfig
from hilt.data.routing import until_success
from hilt.data.transition import Schema, Transition
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators.base import Event
from hilt.rollout.rollout import Clock, Episode, HoldStill, Rollout
from hilt.session.console import say
from hilt.training.actor import episode_ids

_MAX_FAILURES = 10
"""Per demonstration that is wanted."""
_MAX_AT_FIRST = 8
"""Before the first success."""


def demonstrations(
    config: RunConfig, schema: Schema, should_stop: Callable[[], bool], have: Collection[int] = ()
) -> Iterator[list[Transition]]:
    """Episodes to begin with: the dataset's, or else `demonstrations.num_episodes` that succeed.

    What a person gives comes from an actor, see `hilt.training.people`.

    `have` are the ids of those that an interrupted run has kept: only the rest is given.

    Raises:
        ConfigError: the operator is not able to give any.
        DatasetError: the dataset cannot be read or does not fit the schema.
    """
    directory = config.dataset.directory
    if directory is not None:
        yield from (episode for episode in _from_dataset(config, schema) if episode[0].episode_id not in have)
        return
    if config.demonstrations.num_episodes <= len(have) or config.demonstrator in PEOPLE:
        return
    if config.demonstrator is None:
        say(
            f"no dataset, and operator {config.operator_name!r} demonstrates nothing beforehand: training "
            "begins without demonstrations (dataset.root=DIR, or --demonstrations.operator=scripted)"
        )
        return
    if config.operator_name != config.demonstrator:
        say(f"demonstrations are given by operator {config.demonstrator!r}, as demonstrations.operator says")
    env = make_environment(config)
    try:
        if config.demonstrator == "scripted" and env.expert is None:
            say("this environment has no expert to demonstrate: training begins without demonstrations")
            return
        yield from _collect(config, env, len(have), should_stop)
    finally:
        env.close()


def expected(config: RunConfig, schema: Schema) -> int:
    """How many episodes `demonstrations` gives, with those that are there already; 0: none."""
    if config.dataset.directory is None:
        simulated = config.demonstrator is not None and config.demonstrator not in PEOPLE
        return config.demonstrations.num_episodes if simulated else 0
    reader = open_fitting(config, schema)
    reader.close()
    return len(reader.episodes)


def _from_dataset(config: RunConfig, schema: Schema) -> Iterator[list[Transition]]:
    transitions: Iterator[Transition] = read_transitions(config, schema, say)
    if config.env.number_of_steps_after_success == 0:
        transitions = until_success(transitions)
    for _, episode in itertools.groupby(transitions, key=lambda transition: transition.episode_id):
        yield list(episode)


def _collect(
    config: RunConfig, env: Environment, given: int, should_stop: Callable[[], bool]
) -> Iterator[list[Transition]]:
    """Successful episodes, with the operator in control of every step; failed ones are thrown away.

    `given` of them are there already, from other seeds than those that are played here.
    """
    operator = make_operator(
        config,
        env,
        seed=config.seed + given,
        name=config.demonstrator,
        options=habits_of_demonstrator(config),
    )
    steps: list[Transition] = []
    clock = Clock(env.fps) if operator.interactive else None
    rollout = Rollout(env, HoldStill(env), operator, record=steps.append, clock=clock)
    wanted, failed = config.demonstrations.num_episodes - given, list[Episode]()
    allowed = _MAX_AT_FIRST
    for index, episode_id in enumerate(episode_ids(), given):
        if should_stop() or wanted == 0:
            break
        steps.clear()
        episode = rollout.run_episode(
            episode_id, episode_seed("demonstration", config.seed, index), should_stop
        )
        if episode.event is Event.QUIT:
            break
        if episode.is_success:
            wanted, allowed = wanted - 1, _MAX_FAILURES * config.demonstrations.num_episodes
            yield list(steps)
        else:
            failed.append(episode)
            if len(failed) >= allowed:
                raise ConfigError("demonstrations", _refusal(config, env, failed, index + 1 - given))
    operator.close()


def _refusal(config: RunConfig, env: Environment, failed: list[Episode], played: int) -> str:
    """What ended the demonstrations that failed, and the way out."""
    cut = sum(episode.truncated for episode in failed)
    limit = "" if env.time_limit_s is None else f" of {env.time_limit_s:g} s"
    said = f"operator {config.demonstrator!r} failed in {len(failed)} of {played} demonstrations"
    if 2 * cut < len(failed):
        return f"{said}, {len(failed) - cut} of them by a mistake that ended the episode: give a dataset"
    own = getattr(getattr(env.gym.unwrapped, "task", None), "time_limit_s", None)
    way = "" if own is None or own == env.time_limit_s else f" (null: the task's own {own:g} s)"
    return f"{said}: the time limit{limit} cut {cut}: raise env.processor.reset.control_time_s{way}"


def habits_of_demonstrator(config: RunConfig) -> dict[str, Any]:
    """The simulated demonstrator, at the controls at every step, is the person who helps later, and declares
    success as they do; other habits of theirs are for the demonstrations only."""
    options = dict(config.demonstrations.operator_options)
    if config.demonstrator != "scripted":
        return options
    later = config.options_of_operator if config.operator_name == "scripted" else {}
    same = {name: value for name, value in later.items() if name in ("person", "success_delay_s")}
    return {"always": True, **same, **options}
