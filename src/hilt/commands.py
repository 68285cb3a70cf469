"""What the verbs of the command line do. Heavy parts are imported by the verb that needs them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hilt import api
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.overrides import parse_command_line
from hilt.starting import begun, configured
from hilt.training.processes import StopRequest


def train(arguments: Sequence[str]) -> int:
    """Learner and actors together, then the evaluation; a reward classifier is trained on its dataset."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    api.train(path, *overrides, stop=stop)
    return stop.exit_code


def learner(arguments: Sequence[str]) -> int:
    """The learner alone."""
    config, run = begun(*parse_command_line(arguments), "learner")
    from hilt.training.sessions import run_learner

    stop = StopRequest().install()
    return 0 if run_learner(config, run, stop) else stop.exit_code


def actor(arguments: Sequence[str]) -> int:
    """An actor alone. It has no run of its own: it keeps in a folder what the learner does not have yet."""
    config = configured(*parse_command_line(arguments), "actor")
    from hilt.training.acting import run_actor
    from hilt.training.supervisor import ACTOR_INDEX, OPERATOR_QUIT

    stop = StopRequest().install()
    folder = Path(config.output_dir) if config.output_dir else Path("outputs") / "actor" / config.name
    has_quit = run_actor(config, folder, stop)
    return OPERATOR_QUIT if has_quit and ACTOR_INDEX in os.environ else stop.exit_code


def evaluate(arguments: Sequence[str]) -> int:
    """Success rate of a saved policy on seeded episodes, with pictures."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    api.evaluate(path, *overrides, stop=stop)
    return stop.exit_code


def run(arguments: Sequence[str]) -> int:
    """What `mode` says: record, replay, or null to drive the robot."""
    path, overrides = parse_command_line(arguments)
    mode = load_config(path, overrides).mode
    return {"record": record, "replay": replay, None: teleop}[mode](arguments)


def demo(arguments: Sequence[str]) -> int:
    """The whole road from nothing: demonstrations, training with interventions, evaluation, a video."""
    from hilt.demo import run_demo

    stop = StopRequest().install()
    run_demo(parse_command_line(arguments)[1], stop)
    return stop.exit_code


def teleop(arguments: Sequence[str]) -> int:
    """The environment runs, an operator drives."""
    config = configured(*parse_command_line(arguments), "teleop")
    from hilt.driving import drive

    return drive(config, StopRequest().install())


def record(arguments: Sequence[str]) -> int:
    """Episodes into a dataset, by an operator, or by a policy under correction."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    recording = api.record(path, *overrides, stop=stop)
    print(f"{len(recording.episodes)} episodes recorded in {recording.root}")
    return stop.exit_code


def replay(arguments: Sequence[str]) -> int:
    """A recorded episode, back in the simulator."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    played = api.replay(path, *overrides, stop=stop)
    print(played.line())
    if played.video is not None:
        print(f"video: {played.video}")
    return stop.exit_code


def relabel(arguments: Sequence[str]) -> int:
    """Rewards of a recorded dataset, frame by frame, by a classifier, into a new dataset."""
    options = _options(arguments, "relabel", ("dataset", "classifier"), ("output",))
    result = api.relabel(options["dataset"], options["classifier"], options.get("output"))
    print("\n".join(result.lines()))
    return 0


def data(arguments: Sequence[str]) -> int:
    """What is in a dataset: as a table, or as a picture."""
    words = list(arguments)
    if len(words) < 2 or words[0] not in ("info", "show"):
        raise ConfigError("data", "say `hilt data info DIR` or `hilt data show DIR`")
    from hilt.inspection import print_info, show

    if words[0] == "info":
        return print_info(words[1])
    print(show(words[1]))
    return 0


def _options(
    arguments: Sequence[str], verb: str, needed: Sequence[str], optional: Sequence[str]
) -> dict[str, str]:
    """The `--name value` options of a verb without a configuration."""
    options = dict(override.split("=", 1) for override in parse_command_line(arguments)[1])
    for name in needed:
        if name not in options:
            raise ConfigError(verb, f"--{name}: missing")
    for name in options:
        if name not in (*needed, *optional):
            raise ConfigError(verb, f"--{name}: unknown; there are --{', --'.join((*needed, *optional))}")
    return options


def gamepad(arguments: Sequence[str]) -> int:
    """The axes and buttons of a pad, and a mapping for it."""
    from hilt.operators.pad_setup import show_and_map

    print(f"mapping written to {show_and_map(Path(arguments[0]) if arguments else None)}")
    return 0


def bench(arguments: Sequence[str]) -> int:
    """The figures of the documentation, measured here."""
    from hilt.benchmarks.report import run_benchmarks

    return run_benchmarks(arguments)


def doctor(arguments: Sequence[str]) -> int:
    """What this machine can do, and what to do about the rest."""
    from hilt.doctor import examine

    examine()
    return 0
