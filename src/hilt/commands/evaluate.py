"""`hilt eval`: how often a saved policy succeeds alone, with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilt.build.models import is_hub_id, model_folder
from hilt.commands.prepare import configured
from hilt.config.load import Source
from hilt.config.overrides import parse_command_line
from hilt.config.run import RunConfig
from hilt.runs.layout import best_checkpoint
from hilt.runs.plots import plot_run
from hilt.training.evaluation_helpers import Helpers
from hilt.training.processes import StopRequest

if TYPE_CHECKING:  # helpers begin to load before torch is imported here
    from hilt.rollout.evaluation import Evaluation


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
    return _evaluate(config, best_checkpoint(run), run / "eval", stop, announced=True)


def evaluate_saved(config: RunConfig, stop: StopRequest) -> Evaluation:
    """The policy of `policy.pretrained_path`, into `output_dir` or beside it (hub: `outputs/eval/ID`)."""
    assert config.policy is not None
    name = config.policy.pretrained_path or ""
    beside = Path("outputs") / "eval" / name if is_hub_id(name) else Path(name) / "eval"
    output = Path(config.output_dir) if config.output_dir else beside
    return _evaluate(config, model_folder(name), output, stop, announced=False)


def _evaluate(
    config: RunConfig, folder: Path, output: Path, stop: StopRequest, *, announced: bool
) -> Evaluation:
    with Helpers(config, folder, config.eval.workers - 1) as helpers:
        from hilt.training.evaluation import evaluate_folder

        return evaluate_folder(config, folder, output, stop, helpers, announced=announced)
