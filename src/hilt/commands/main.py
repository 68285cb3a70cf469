"""The command line: every verb is the `main` of one module."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from hilt.commands.help import text_of
from hilt.errors import UserError

_HELP = ("-h", "--help", "help")

USAGE = """\
hilt: teach a simulated robot arm by watching it learn and taking over when it errs.

  hilt demo                                   see it work: no configuration, GPU, display or account
  hilt teleop  --config_path env.json         drive the robot
  hilt record  --config_path env.json         record episodes into a dataset
  hilt replay  --config_path env.json         play a recorded episode again
  hilt train   --config_path train.json       learner and actors together, on this machine
  hilt learner --config_path train.json       the learner alone
  hilt actor   --config_path train.json       an actor alone
  hilt eval    --config_path train.json --policy.pretrained_path=DIR
  hilt sweep   --config_path train.json --seeds=5 --grid.KEY=A,B   many trainings, side by side
  hilt compare RUN RUN ...                    runs side by side: a table and a page
  hilt relabel --dataset DIR --classifier DIR rewards of a dataset, by a classifier
  hilt data    info|show|view DIR             what is in a dataset; view: label, cut, delete on a page
  hilt gamepad                                see the axes of a pad, write a mapping
  hilt cameras --config_path env.json         what the cameras of a real arm see, and how fast
  hilt doctor  [--robot --config_path F]      check this machine, or a real arm
  hilt bench   env|learner|... [--peer] [--json]
  hilt run     --config_path env.json         what the file's `mode` says

`hilt VERB --help` says more. Every key of a configuration can be set as --a.b.c=value: docs/configuration.md.
"""

VERBS = {
    "demo": "hilt.commands.demo",
    "teleop": "hilt.commands.teleop",
    "record": "hilt.commands.record",
    "replay": "hilt.commands.replay",
    "train": "hilt.commands.train",
    "learner": "hilt.commands.learner",
    "actor": "hilt.commands.actor",
    "eval": "hilt.commands.evaluate",
    "sweep": "hilt.commands.sweep",
    "compare": "hilt.commands.compare",
    "relabel": "hilt.commands.relabel",
    "data": "hilt.commands.inspect_dataset",
    "gamepad": "hilt.commands.map_gamepad",
    "cameras": "hilt.commands.cameras",
    "doctor": "hilt.commands.doctor",
    "bench": "hilt.benchmarks.report",
    "run": "hilt.commands.run",
}
"""Where the `main(arguments) -> exit code` of each verb is. Imported when it is called: some need seconds."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 2 for input that cannot be used, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "" not in sys.path:  # environments and operators may lie in the folder where the command is given
        sys.path.append("")
    verb = arguments.pop(0) if arguments else "--help"
    if verb in _HELP:
        print(USAGE, end="")
        return 0
    if verb == "--version":
        import hilt

        print(f"hilt {hilt.__version__}")
        return 0
    if verb not in VERBS:
        import difflib

        close = difflib.get_close_matches(verb, VERBS, n=1, cutoff=0.0)[0]
        print(f'hilt: "{verb}" is not a command; did you mean "{close}"? (hilt --help)', file=sys.stderr)
        return 2
    if any(word in _HELP for word in arguments):
        print(text_of(verb), end="")
        return 0
    return _guarded(verb, arguments)


def _guarded(verb: str, arguments: Sequence[str]) -> int:
    """Errors that a person can mend are one line and exit code 2."""
    try:
        code: int = import_module(VERBS[verb]).main(arguments)
        return code
    except UserError as error:
        print(f"hilt: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.filename is None:
            raise
        print(f"hilt: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
