"""`hilt learner`: the learner alone; actors join it from anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from hilt.commands.prepare import abandon, begun
from hilt.config.overrides import parse_command_line
from hilt.errors import UserError
from hilt.training.processes import StopRequest


def main(arguments: Sequence[str]) -> int:
    """The learner alone, in a run of its own; the exit code."""
    config, run = begun(*parse_command_line(arguments), "learner")
    from hilt.training.learner_process import run_learner  # torch, once the configuration is known to be good

    stop = StopRequest().install()
    try:
        return 0 if run_learner(config, run, stop) else stop.exit_code
    except UserError:
        abandon(config, run)
        raise
