"""Training on one machine from start to evaluation, and the evaluation of what was saved."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilt.config.policy import ClassifierConfig
from hilt.config.run import RunConfig
from hilt.training.layout import MODEL, outcome
from hilt.training.processes import StopRequest
from hilt.training.supervisor import Supervisor

if TYPE_CHECKING:  # the supervisor imports no torch
    from hilt.environment import Environment
    from hilt.evaluation import EpisodeResult, Evaluation
    from hilt.rewards.report import Report
    from hilt.rollout import Policy
    from hilt.stage import Stage


@dataclass(frozen=True, slots=True)
class Training:
    """What `hilt train` did."""

    run: Path
    """Its folder."""
    is_over: bool
    """Training came to its end; False: it was stopped, and can be resumed."""
    result: Evaluation | Report | None
    """How good the policy, or the reward classifier, is; None: it was not asked."""

    @property
    def model(self) -> Path:
        """Folder of what was trained, for `policy.pretrained_path` and `hilt.load_policy`."""
        return outcome(self.run) / MODEL


def train_locally(config: RunConfig, run: Path, stop: StopRequest) -> Training:
    """Learner and actors in `run` until done, then evaluation and plots.

    The page is at one link throughout, whichever process serves it.

    Raises:
        ChildFailedError: a process cannot be kept alive.
        SeatUnavailableError: the page cannot listen where the configuration says.
    """
    if isinstance(config.policy, ClassifierConfig):
        from hilt.rewards.training import train_classifier

        report = train_classifier(config, run, stop)
        return Training(run, not stop(), report)
    _say(f"run in {run}")
    config = _with_link(config)
    supervisor = Supervisor(config, run, _say)
    stop.on_second = supervisor.kill
    done = supervisor.run(stop)
    if stop() or not done:
        _say(f"to go on: --resume=true --output_dir={run}")
        return Training(run, False, None)
    if not config.save_checkpoint:
        _say("no evaluation: save_checkpoint is false")
        return Training(run, True, None)
    return Training(run, True, evaluate_run(config, run, stop))


def _with_link(config: RunConfig) -> RunConfig:
    """`config` with the link to its page decided and told."""
    if not config.ui.enable:
        return config
    from hilt.serving import announce, settled

    ui = settled(config.ui, _say)
    announce(ui, _say)
    return config.model_copy(update={"ui": ui})


def evaluate_run(config: RunConfig, run: Path, stop: StopRequest) -> Evaluation:
    """What the run handed over, alone, on episodes it never saw; the link to the page is told already."""
    from hilt.plots import plot_run

    plot_run(run)
    return evaluate_folder(config, outcome(run), run / "eval", stop, announced=True)


def evaluate_saved(config: RunConfig, stop: StopRequest) -> Evaluation:
    """The policy of `policy.pretrained_path`, into `output_dir` or beside its checkpoint."""
    assert config.policy is not None
    folder = Path(config.policy.pretrained_path or "")
    output = Path(config.output_dir) if config.output_dir else folder / "eval"
    return evaluate_folder(config, folder, output, stop)


def evaluate_folder(
    config: RunConfig, folder: Path, output: Path, stop: StopRequest, *, announced: bool = False
) -> Evaluation:
    """Evaluate the policy in `folder` and write `eval.json`, videos and summary to `output`."""
    from hilt.config.device import resolve_device
    from hilt.crew import Role
    from hilt.evaluation import describe, film, summarise
    from hilt.factory import make_environment
    from hilt.policy import load_policy
    from hilt.sim.errors import RenderingError
    from hilt.stage import Stage

    device, warning = resolve_device(config.device_name)
    if warning:
        _say(warning)
    policy = load_policy(folder, device=device)
    env = make_environment(config, features=policy.features, learned_reward=False)
    with Stage(config, env, Role.WATCH, "evaluating", should_stop=stop, announced=announced) as stage:
        results = _evaluate(config, env, policy, stage)
        evaluation = summarise(results, config.eval.seed, _human_cost(folder, env.fps))
        evaluation.write(output / "eval.json")
        print(describe(evaluation), flush=True)
        stage.note("the videos")
        try:
            film(env, policy, results, output, config.eval.videos)
        except RenderingError as error:
            _say(f"no videos: {error}")
    print(f"evaluation: {output}")
    env.close()
    return evaluation


def _evaluate(config: RunConfig, env: Environment, policy: Policy, stage: Stage) -> list[EpisodeResult]:
    """The episodes of `config.eval`, for everybody to watch."""
    from hilt.evaluation import evaluate_policy, evaluation_seeds

    seeds = evaluation_seeds(config.eval.seed, config.eval.n_episodes)
    done: list[EpisodeResult] = []

    def count(result: EpisodeResult) -> None:
        done.append(result)
        stage.remaining = len(seeds) - len(done)

    return evaluate_policy(env, policy, seeds, count, stage.should_stop, audience=stage)


def _human_cost(folder: Path, fps: float) -> tuple[float, int] | None:
    """Seconds of control and takeovers that training the policy in `folder` took; None: it does not say."""
    from hilt.training.checkpoints import read_counters

    history = read_counters(folder).get("history")
    return None if history is None else (history["human_steps"] / fps, history["takeovers"])


def _say(text: str) -> None:
    print(f"hilt: {text}", file=sys.stderr, flush=True)
