"""The simulated person who teaches a policy, alone on the episodes on which the policy is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hilt.build.envs import make_env
from hilt.build.operators import make_operator
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.rollout.evaluation import EpisodeResult, evaluate_policy
from hilt.rollout.rollout import HoldStill
from hilt.session.console import say
from hilt.training.demonstrators import habits_of_demonstrator


def teach_alone(
    config: RunConfig, seeds: Sequence[int], should_stop: Callable[[], bool]
) -> list[EpisodeResult]:
    """The demonstrator's episodes from the starts of `seeds`; none where no simulated person demonstrates."""
    if config.demonstrator != "scripted" or not config.env.is_simulated:
        return []
    say(f"the person who taught it plays the same {len(seeds)} episodes (eval.teacher)")
    env = Environment(make_env(config, obs_type="state", render_mode=None))
    try:
        operator = make_operator(
            config, env, seed=config.eval.seed, name="scripted", options=habits_of_demonstrator(config)
        )
        return evaluate_policy(env, HoldStill(env), seeds, should_stop=should_stop, operator=operator)
    finally:
        env.close()
