"""Behaviour cloning, to stand beside what a configuration's training reaches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from hilt.algorithms.bc.bc import BehaviorCloning
from hilt.algorithms.bc.flow_bc import FlowCloning
from hilt.algorithms.policy_runner import PolicyRunner
from hilt.build.envs import make_environment
from hilt.config.run import RunConfig
from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment
from hilt.rollout.evaluation import evaluate_policy, evaluation_seeds
from hilt.training.demonstrations import recorded
from hilt.training.demonstrators import simulated
from hilt.training.learner_parts import Builder, learning_policy

KINDS: dict[str, Any] = {"bc": BehaviorCloning, "flow_bc": FlowCloning}


def clone(
    config: RunConfig,
    kind: str,
    given: Iterable[Transition] | None,
    milestones: Sequence[int],
    episodes: int,
) -> Iterator[dict[str, float]]:
    """Success alone after each number of updates in `milestones`, on `episodes` of `config.eval.seed`.

    `kind` is `bc` or `flow_bc`; without demonstrations `given` those that `config` asks for are imitated. The
    clock counts learning, not judging.
    """
    env = make_environment(config)
    builder = Builder(config, env.spec, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        memory = builder.memory(Path(folder))
        if given is None:
            given = chain.from_iterable(_demonstrations(config, env))
        memory.demonstrate(given)
        spec = builder.spec(memory.demonstrations)
        algorithm = KINDS[kind](learning_policy(config), spec, seed=config.seed)
        draw, seconds = builder.draw(builder.sampler(memory)), 0.0
        for milestone in milestones:
            began = time.monotonic()
            while algorithm.updates < milestone:
                algorithm.update(draw)
            seconds += time.monotonic() - began
            results = evaluate_policy(
                env, PolicyRunner(algorithm.policy), evaluation_seeds(config.eval.seed, episodes)
            )
            yield {
                "seconds": round(seconds, 1),
                "env_steps": 0,
                "updates": milestone,
                "success": sum(result.is_success for result in results) / episodes,
            }
        memory.close()
    env.close()


def _demonstrations(config: RunConfig, env: Environment) -> Iterator[list[Transition]]:
    if config.dataset.directory is not None:
        return recorded(config, env.schema)
    return simulated(config, env, 0, config.demonstrations.num_episodes, lambda: False)
