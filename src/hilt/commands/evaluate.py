"""`hilt eval`: how often a saved policy succeeds alone, with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilt.build.envs import make_environment
from hilt.build.models import is_hub_id, model_folder
from hilt.build.policies import load_policy
from hilt.commands.prepare import configured
from hilt.config.device import resolve_device
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
    film,
    summarise,
)
from hilt.rollout.rollout import Policy
from hilt.runs.checkpoints import read_counters
from hilt.runs.layout import outcome
from hilt.runs.plots import plot_run
from hilt.session.console import say
from hilt.session.operators import Role
from hilt.session.session import Stage
from hilt.training.processes import StopRequest


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
    with Stage(config, env, Role.WATCH, "evaluating", should_stop=stop, announced=announced) as stage:
        results = _evaluate(config, env, policy, stage)
        evaluation = summarise(results, config.eval.seed, _human_cost(folder, env.fps))
        evaluation.write(output / "eval.json")
        print(describe(evaluation), flush=True)
        stage.note("the videos")
        try:
            film(env, policy, results, output, config.eval.videos)
        except RenderingError as error:
            say(f"no videos: {error}")
    print(f"evaluation: {output}")
    env.close()
    return evaluation


def _evaluate(config: RunConfig, env: Environment, policy: Policy, stage: Stage) -> list[EpisodeResult]:
    """The episodes of `config.eval`, for everybody to watch."""
    seeds = evaluation_seeds(config.eval.seed, config.eval.n_episodes)
    done: list[EpisodeResult] = []

    def count(result: EpisodeResult) -> None:
        done.append(result)
        stage.remaining = len(seeds) - len(done)

    return evaluate_policy(env, policy, seeds, count, stage.should_stop, audience=stage)


def _human_cost(folder: Path, fps: float) -> tuple[float, int] | None:
    """Seconds of control and takeovers that training the policy in `folder` took; None: it does not say."""
    history = read_counters(folder).get("history")
    return None if history is None else (history["human_steps"] / fps, history["takeovers"])
