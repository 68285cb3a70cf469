"""Training on one machine from start to evaluation, and the evaluation of what was saved."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilt.config.policy import ClassifierConfig
from hilt.config.run import RunConfig
from hilt.training.processes import StopRequest
from hilt.training.supervisor import Supervisor

if TYPE_CHECKING:  # the supervisor imports no torch
    from hilt.evaluation import Evaluation
    from hilt.rewards.report import Report


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
        return self.run / "checkpoints" / "last" / "pretrained_model"


def train_locally(config: RunConfig, run: Path, stop: StopRequest) -> Training:
    """Learner and actors in `run` until done, then evaluation and plots.

    Raises:
        ChildFailedError: a process cannot be kept alive.
    """
    if isinstance(config.policy, ClassifierConfig):
        from hilt.rewards.training import train_classifier

        report = train_classifier(config, run, stop)
        return Training(run, not stop(), report)
    _say(f"run in {run}")
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


def evaluate_run(config: RunConfig, run: Path, stop: StopRequest) -> Evaluation:
    """The run's last policy, alone, on episodes that training never saw."""
    from hilt.plots import plot_run

    plot_run(run)
    return evaluate_folder(config, run / "checkpoints" / "last", run / "eval", stop)


def evaluate_saved(config: RunConfig, stop: StopRequest) -> Evaluation:
    """The policy of `policy.pretrained_path`, into `output_dir` or beside its checkpoint."""
    assert config.policy is not None
    folder = Path(config.policy.pretrained_path or "")
    output = Path(config.output_dir) if config.output_dir else folder / "eval"
    return evaluate_folder(config, folder, output, stop)


def evaluate_folder(config: RunConfig, folder: Path, output: Path, stop: StopRequest) -> Evaluation:
    """Evaluate the policy in `folder` and write `eval.json`, videos and summary to `output`."""
    from hilt.config.device import resolve_device
    from hilt.evaluation import describe, evaluate_policy, evaluation_seeds, film, summarise
    from hilt.factory import make_environment
    from hilt.policy import load_policy
    from hilt.sim.errors import RenderingError

    device, warning = resolve_device(config.device_name)
    if warning:
        _say(warning)
    policy = load_policy(folder, device=device)
    env = make_environment(config, features=policy.features, learned_reward=False)
    results = evaluate_policy(
        env, policy, evaluation_seeds(config.eval.seed, config.eval.n_episodes), should_stop=stop
    )
    evaluation = summarise(results, config.eval.seed)
    evaluation.write(output / "eval.json")
    print(describe(evaluation))
    try:
        film(env, policy, results, output, config.eval.videos)
    except RenderingError as error:
        _say(f"no videos: {error}")
    print(f"evaluation: {output}")
    env.close()
    return evaluation


def _say(text: str) -> None:
    print(f"hilt: {text}", file=sys.stderr, flush=True)
