"""`hilt actor`: an actor alone, which joins a learner."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hilt.commands.prepare import configured
from hilt.config.overrides import parse_command_line
from hilt.config.variables import ACTOR_INDEX
from hilt.training.processes import StopRequest
from hilt.training.supervisor import OPERATOR_QUIT


def main(arguments: Sequence[str]) -> int:
    """An actor alone. It has no run of its own: it keeps in a folder what the learner does not have yet."""
    config = configured(*parse_command_line(arguments), "actor")
    from hilt.training.actor_process import run_actor  # torch, once the configuration is known to be good

    stop = StopRequest().install()
    folder = Path(config.output_dir) if config.output_dir else Path("outputs") / "actor" / config.name
    has_quit = run_actor(config, folder, stop)
    return OPERATOR_QUIT if has_quit and ACTOR_INDEX in os.environ else stop.exit_code
