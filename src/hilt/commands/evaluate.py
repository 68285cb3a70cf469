"""`hilt eval`: how often a saved policy succeeds alone, with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilt.algorithms.policy_runner import PolicyRunner
from hilt.build.envs import make_environment
from hilt.build.models import is_hub_id, model_folder
from hilt.build.policies import load_policy
from hilt.commands.prepare import configured
from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.load import Source
from hilt.config.overrides import parse_command_line
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
from hilt.runs.layout import outcome
from hilt.runs.plots import plot_run
from hilt.session.console import Progress, say
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role, SessionOptions
from hilt.training.processes import StopRequest
from hilt.training.teacher import teach_alone


def main(arguments: Sequence[str]) -> int:
    """Success rate of a saved policy on seeded episodes, with pictures; the exit code."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    evaluate(path, *overrides, stop=stop)
    return stop.exit_code


def evaluate(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Evaluation:
    """`hilt eval`: how often the policy of `policy.pretrained_path` succeeds alone, with videos.

    Raises:
        ConfigError: the configuration cannot be used. CheckpointError: there is no whole policy.
    """
    return evaluate_saved(configured(config, overrides, "eval"), stop or StopRequest())


def evaluate_run(config: RunConfig, run: Path, stop: StopRequest) -> Evaluation:
    """What the run handed over, alone, on episodes it never saw; the link to the page is told already."""
    plot_run(run)
    return evaluate_folder(config, outcome(run), run / "eval", stop, announced=True)


def evaluate_saved(config: RunConfig, stop: StopRequest) -> Evaluation:
    """The policy of `policy.pretrained_path`, into `output_dir` or beside it (hub: `outputs/eval/ID`)."""
    assert config.policy is not None
    name = config.policy.pretrained_path or ""
    beside = Path("outputs") / "eval" / name if is_hub_id(name) else Path(name) / "eval"
    output = Path(config.output_dir) if config.output_dir else beside
    return evaluate_folder(config, model_folder(name), output, stop)


def evaluate_folder(
    config: RunConfig, folder: Path, output: Path, stop: StopRequest, *, announced: bool = False
) -> Evaluation:
    """Evaluate the policy in `folder` and write `eval.json`, videos and summary to `output`."""
    device, warning = resolve_device(config.device_name)
    if warning:
        say(warning)
    policy = load_policy(folder, device=device)
    env = make_environment(config, features=policy.features)
    _require_fit(config, policy, env)
    footage = Footage(config.eval.videos, longest(env.fps, config.eval.video_s))
    options = SessionOptions(announced=announced)
    with OperatorSession(config, env, Role.WATCH, "evaluating", options, should_stop=stop) as session:
        results = _evaluate(config, env, policy, session, footage)
        taught = teach_alone(config, [result.seed for result in results], stop) if config.eval.teacher else []
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
    config: RunConfig, env: Environment, policy: Policy, session: OperatorSession, footage: Footage
) -> list[EpisodeResult]:
    """The episodes of `config.eval`, for everybody to watch."""
    seeds = evaluation_seeds(config.eval.seed, config.eval.n_episodes)
    done: list[EpisodeResult] = []
    progress = Progress()

    def count(result: EpisodeResult) -> None:
        done.append(result)
        footage.on_result(result)
        session.remaining = len(seeds) - len(done)
        succeeded = sum(result.is_success for result in done)
        progress(f"{len(done)} of {len(seeds)} episodes, {succeeded} succeeded")

    return evaluate_policy(
        env, policy, seeds, count, session.should_stop, observers=[session, footage], judge=session.judges
    )


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
