"""`hilt train`: learner and actors on this machine until done, then the evaluation. It imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilt.commands.prepare import abandon, begun
from hilt.config.classifier import ClassifierConfig
from hilt.config.load import Source
from hilt.config.overrides import parse_command_line
from hilt.config.run import RunConfig
from hilt.errors import UserError
from hilt.runs.layout import MODEL, best_checkpoint
from hilt.session.console import say
from hilt.training.processes import StopRequest
from hilt.training.supervisor import Supervisor

if TYPE_CHECKING:  # the supervisor imports no torch
    from hilt.rewards.report import Report
    from hilt.rollout.evaluation import Evaluation


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
        return best_checkpoint(self.run) / MODEL


def main(arguments: Sequence[str]) -> int:
    """Learner and actors together, then the evaluation; the exit code."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    train(path, *overrides, stop=stop)
    return stop.exit_code


def train(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Training:
    """`hilt train`: learner and actors until done, then an evaluation; or a reward classifier and a report.

    Learner and actors are processes: an environment or operator of your own must be in a module that they can
    import, not in the script or notebook itself.

    Raises:
        ConfigError: the configuration cannot be used. DatasetError: the dataset cannot.
        ChildFailedError: learner or actor cannot be kept alive.
        ModelUploadError: `policy.push_to_hub` did not work; what was trained is in its run.
    """
    stop = stop or StopRequest()
    checked, run = begun(config, overrides, "train", stop)
    try:
        return train_locally(checked, run, stop)
    except UserError:
        abandon(checked, run)
        raise


def train_locally(config: RunConfig, run: Path, stop: StopRequest) -> Training:
    """Learner and actors in `run` until done, then evaluation and plots.

    The page is at one link throughout, whichever process serves it.

    Raises:
        ChildFailedError: a process cannot be kept alive.
        SeatUnavailableError: the page cannot listen where the configuration says.
    """
    if isinstance(config.policy, ClassifierConfig):
        from hilt.training.reward_classifier import train_classifier

        report = train_classifier(config, run, stop)
        if not stop():
            _publish(config, run)
        return Training(run, not stop(), report)
    say(f"run in {run}")
    config = _with_link(config)
    supervisor = Supervisor(config, run, say)
    stop.on_second = supervisor.kill
    done = supervisor.run(stop)
    if stop() or not done:
        say(f"to go on: --resume=true --output_dir={run}")
        return Training(run, False, None)
    if not config.save_checkpoint:
        say("no evaluation: save_checkpoint is false")
        return Training(run, True, None)
    from hilt.commands.evaluate import evaluate_run

    evaluation = evaluate_run(config, run, stop)
    if not stop():
        _publish(config, run)
    return Training(run, True, evaluation)


def _publish(config: RunConfig, run: Path) -> None:
    """Upload what was trained, where that is asked for. Raises ModelUploadError."""
    if getattr(config.policy, "push_to_hub", False):
        from hilt.build.upload import publish

        say(f"uploaded to {publish(config, run)}")


def _with_link(config: RunConfig) -> RunConfig:
    """`config` with the link to its page decided and told."""
    if not config.ui.enable:
        return config
    from hilt.session.page import announce, settled

    ui = settled(config.ui, say)
    announce(ui, say)
    return config.model_copy(update={"ui": ui})
