"""Training on one machine from start to evaluation, and the evaluation of what was saved."""

from __future__ import annotations

import sys
from pathlib import Path

from hilt.config.policy import ClassifierConfig
from hilt.config.run import RunConfig
from hilt.training.processes import ChildFailedError, StopRequest
from hilt.training.supervisor import Supervisor


def train_locally(config: RunConfig, run: Path, stop: StopRequest) -> int:
    """Learner and actors in `run` until done, then evaluation and plots; the exit code."""
    if isinstance(config.policy, ClassifierConfig):
        from hilt.rewards.training import train_classifier

        train_classifier(config, run, stop)
        return stop.exit_code
    print(f"hilt: run in {run}", file=sys.stderr)
    supervisor = Supervisor(config, run, lambda text: print(f"hilt: {text}", file=sys.stderr, flush=True))
    stop.on_second = supervisor.kill
    try:
        done = supervisor.run(stop)
    except ChildFailedError as error:
        if text := str(error):
            print(f"hilt: {text}", file=sys.stderr)
        return error.exit_code
    if stop() or not done:
        print(f"hilt: to go on: --resume=true --output_dir={run}", file=sys.stderr)
        return stop.exit_code
    if not config.save_checkpoint:
        print("hilt: no evaluation: save_checkpoint is false", file=sys.stderr)
        return 0
    return evaluate_run(config, run, stop)


def evaluate_run(config: RunConfig, run: Path, stop: StopRequest) -> int:
    """The run's last policy, alone, on episodes that training never saw."""
    from hilt.plots import plot_run

    plot_run(run)
    return evaluate_folder(config, run / "checkpoints" / "last", run / "eval", stop)


def evaluate_saved(config: RunConfig, stop: StopRequest) -> int:
    """The policy of `policy.pretrained_path`, into `output_dir` or beside its checkpoint."""
    assert config.policy is not None
    folder = Path(config.policy.pretrained_path or "")
    output = Path(config.output_dir) if config.output_dir else folder / "eval"
    return evaluate_folder(config, folder, output, stop)


def evaluate_folder(config: RunConfig, folder: Path, output: Path, stop: StopRequest) -> int:
    """Evaluate the policy in `folder` and write `eval.json`, videos and summary to `output`."""
    from hilt.config.device import resolve_device
    from hilt.evaluation import describe, evaluate_policy, evaluation_seeds, film, summarise
    from hilt.factory import make_environment
    from hilt.policy import load_policy
    from hilt.sim.errors import RenderingError

    device, warning = resolve_device(config.device_name)
    if warning:
        print(f"hilt: {warning}", file=sys.stderr)
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
        print(f"hilt: no videos: {error}", file=sys.stderr)
    print(f"evaluation: {output}")
    env.close()
    return stop.exit_code
