"""A saved policy alone: its episodes, for people to watch, `eval.json` and films."""

from __future__ import annotations

from pathlib import Path

from hilt.algorithms.policy_runner import PolicyRunner
from hilt.build.envs import make_environment
from hilt.build.policies import load_policy
from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.envs.errors import RenderingError
from hilt.envs.feature_env import Environment
from hilt.rollout.evaluation import (
    EpisodeResult,
    Evaluation,
    describe,
    evaluate_policy,
    evaluation_seeds,
    summarise,
)
from hilt.rollout.film import Footage, film, longest
from hilt.rollout.rollout import Policy
from hilt.runs.checkpoints import read_counters
from hilt.runs.history import History
from hilt.runs.trace import trace_kept
from hilt.session.console import Progress, say
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role, SessionOptions
from hilt.training.evaluation_helpers import Episodes, Helpers
from hilt.training.processes import StopRequest
from hilt.training.teacher import teach_alone
from hilt.training.threads import one_thread


def evaluate_folder(
    config: RunConfig,
    folder: Path,
    output: Path,
    stop: StopRequest,
    helpers: Helpers,
    *,
    announced: bool = False,
) -> Evaluation:
    """Evaluate the policy in `folder` and write `eval.json`, videos and summary to `output`.

    With `announced` the link to the page is told already.
    """
    device, warning = resolve_device(config.device_name)
    if warning:
        say(warning)
    with one_thread(), trace_kept(output, say):
        policy = load_policy(folder, device=device)
        env = make_environment(config, features=policy.features)
        _require_fit(config, policy, env)
        footage = Footage(config.eval.videos, longest(env.fps, config.eval.video_s))
        options = SessionOptions(announced=announced)
        with OperatorSession(config, env, Role.WATCH, "evaluating", options, should_stop=stop) as session:
            results = _evaluate(config, env, policy, session, footage, helpers)
            seeds = [result.seed for result in results]
            taught = teach_alone(config, seeds, stop) if config.eval.teacher else []
            evaluation = summarise(results, config.eval.seed, _training_cost(folder, env.fps), taught)
            evaluation.write(output / "eval.json")
            print(describe(evaluation), flush=True)
            successes = sum(result.is_success for result in results)
            session.farewell = f"{successes} of {len(results)} episodes succeeded; the films are in {output}."
            _film(config, env, policy, results, output, session, footage)
        print(f"evaluation: {output}")
        env.close()
    return evaluation


def _require_fit(config: RunConfig, policy: PolicyRunner, env: Environment) -> None:
    """Raises ConfigError when the policy was trained on observations or actions of another shape."""
    given = {**env.schema.observation, "action": env.schema.action}
    for name, shape in policy.shapes.items():
        if given[name].shape != shape:
            raise ConfigError(
                "env.task",
                f'"{config.env.task}" has {name} of shape {list(given[name].shape)}, the policy was trained '
                f"on {list(shape)}: say the env section that it was trained with",
            )


def _evaluate(
    config: RunConfig,
    env: Environment,
    policy: Policy,
    session: OperatorSession,
    footage: Footage,
    helpers: Helpers,
) -> list[EpisodeResult]:
    """The episodes of `config.eval`, those that are played here for everybody to watch."""
    seeds = evaluation_seeds(config.eval.seed, config.eval.n_episodes)
    done: list[EpisodeResult] = []
    progress = Progress()

    def count(result: EpisodeResult) -> None:
        done.append(result)
        session.remaining = len(seeds) - len(done)
        succeeded = sum(result.is_success for result in done)
        progress(f"{len(done)} of {len(seeds)} episodes, {succeeded} succeeded")

    def wait() -> bool:
        session.note("the other processes")
        return not session.should_stop()

    def keep(result: EpisodeResult) -> None:
        footage.on_result(result)
        episodes.finish_here(result)

    episodes = Episodes(seeds, count)
    helpers.play(episodes)
    evaluate_policy(
        env,
        policy,
        episodes.here(wait),
        keep,
        session.should_stop,
        observers=[session, footage],
        judge=session.judges if config.eval.workers == 1 else lambda episode: None,
    )
    return episodes.results


def _film(
    config: RunConfig,
    env: Environment,
    policy: Policy,
    results: list[EpisodeResult],
    output: Path,
    session: OperatorSession,
    footage: Footage,
) -> None:
    """Films of the evaluated episodes, each told of at terminal and page; without OpenGL, a sentence."""

    def tell(text: str) -> None:
        say(text)
        session.note(f"the films ({text})")

    session.note("the films")
    try:
        film(
            env,
            policy,
            results,
            output,
            config.eval.videos,
            video_s=config.eval.video_s,
            footage=footage,
            tell=tell,
            should_stop=session.should_stop,
        )
    except RenderingError as error:
        say(f"no videos: {error}")


def _training_cost(folder: Path, fps: float) -> dict[str, float] | None:
    """What training the policy in `folder` took of people and of the arm; None: it does not say."""
    counters = read_counters(folder)
    if "history" not in counters:
        return None
    history = History(fps)
    history.restore(counters["history"])
    return {**history.cost(), "wall_clock_s": float(counters["elapsed_s"])}
