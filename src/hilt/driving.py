"""`teleop`: the environment runs in real time, an operator drives."""

from __future__ import annotations

import itertools
import time

from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.environment import episode_seed
from hilt.factory import make_environment, make_operator
from hilt.operators.base import Event
from hilt.recording import operator_habits, saved_policy
from hilt.rollout import Clock, Episode, HoldStill, Rollout
from hilt.training.processes import StopRequest


def drive(config: RunConfig, stop: StopRequest) -> int:
    """Episode after episode until the operator quits or `stop` says so; the exit code.

    Raises:
        ConfigError: nobody is at the controls. OperatorUnavailableError: the device is not there.
    """
    policy = saved_policy(config)
    if policy is None and config.operator_name == "none":
        raise ConfigError(
            "operator", "nobody drives: --operator=scripted, keyboard, gamepad, browser or quest"
        )
    env = make_environment(config)
    operator = make_operator(config, env, seed=config.seed, options=operator_habits(config, policy))
    rollout = Rollout(env, policy or HoldStill(env), operator, lambda transition: None, clock=Clock(env.fps))
    try:
        for number in itertools.count():
            episode = rollout.run_episode(number, episode_seed("teleop", config.seed, number), stop)
            if stop() or episode.event is Event.QUIT:
                return stop.exit_code
            print(_line(number, episode, env.fps), flush=True)
            time.sleep(min(config.env.processor.reset.reset_time_s, 1.0))
    finally:
        operator.close()
        env.close()
    raise AssertionError("unreachable")


def _line(number: int, episode: Episode, fps: float) -> str:
    word = "success" if episode.is_success else episode.refused or "no success"
    share = episode.intervention_steps / max(episode.length, 1)
    return f"episode {number}: {word} after {episode.length / fps:.1f} s, operator {share:.0%} of the steps"
