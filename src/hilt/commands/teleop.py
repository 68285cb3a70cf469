"""`teleop`: the environment runs in real time, an operator drives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hilt.build.envs import make_environment
from hilt.build.policies import saved_policy
from hilt.commands.prepare import configured
from hilt.config.errors import ConfigError
from hilt.config.overrides import parse_command_line
from hilt.config.run import RunConfig
from hilt.envs.feature_env import episode_seed
from hilt.operators.base import Event
from hilt.rollout.rollout import Episode, HoldStill
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role, SessionOptions
from hilt.training.processes import StopRequest


def main(arguments: Sequence[str]) -> int:
    """The environment runs, an operator drives; the exit code."""
    return drive(configured(*parse_command_line(arguments), "teleop"), StopRequest().install())


def drive(config: RunConfig, stop: StopRequest) -> int:
    """Episode after episode until a person quits or `stop` says so; the exit code.

    Raises:
        ConfigError: nobody is at the controls. OperatorUnavailableError: the device is not there.
    """
    policy = saved_policy(config)
    if policy is None and config.operator_name == "none":
        raise ConfigError(
            "operator", "nobody drives: --operator=scripted, keyboard, gamepad, browser or quest"
        )
    env = make_environment(config)
    role = Role.DRIVE if policy is None else Role.CORRECT
    try:
        options = SessionOptions(seed=config.seed, real_time=True)
        with OperatorSession(config, env, role, "driving", options, should_stop=stop) as session:
            rollout = session.rollout(policy or HoldStill(env), lambda transition: None)
            for number in itertools.count():
                session.prepare()
                if session.should_stop():
                    break
                seed = episode_seed("teleop", config.seed, number)
                episode = rollout.run_episode(number, seed, session.should_stop)
                if episode.event is Event.QUIT or session.should_stop():
                    break
                print(_line(number, episode, env.fps), flush=True)
            session.farewell = "The run is over."
    finally:
        env.close()
    return stop.exit_code


def _line(number: int, episode: Episode, fps: float) -> str:
    word = "success" if episode.is_success else episode.refused or "no success"
    share = episode.intervention_steps / max(episode.length, 1)
    return f"episode {number}: {word} after {episode.length / fps:.1f} s, operator {share:.0%} of the steps"
