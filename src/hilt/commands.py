"""What the verbs of the command line do. Heavy parts are imported by the verb that needs them."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.load import config_file, load_config
from hilt.config.overrides import parse_command_line
from hilt.config.requirements import Verb, remarks, require
from hilt.config.resume import new_run, resumed
from hilt.config.run import RunConfig
from hilt.config.write import to_json
from hilt.training.processes import StopRequest


def train(arguments: Sequence[str]) -> int:
    """Learner and actors together, then the evaluation; a reward classifier is trained on its dataset."""
    config, run = _training(arguments, "train")
    from hilt.training.local import train_locally

    return train_locally(config, run, StopRequest().install())


def learner(arguments: Sequence[str]) -> int:
    """The learner alone."""
    config, run = _training(arguments, "learner")
    from hilt.training.sessions import run_learner

    stop = StopRequest().install()
    run_learner(config, run, stop)
    return stop.exit_code


def actor(arguments: Sequence[str]) -> int:
    """An actor alone; it keeps what the learner does not have yet in the run's folder."""
    config, run = _training(arguments, "actor")
    from hilt.training.sessions import run_actor

    stop = StopRequest().install()
    run_actor(config, run, stop)
    return stop.exit_code


def evaluate(arguments: Sequence[str]) -> int:
    """Success rate of a saved policy on seeded episodes, with pictures."""
    config = _config(arguments, "eval")
    from hilt.training.local import evaluate_saved

    return evaluate_saved(config, StopRequest().install())


def run(arguments: Sequence[str]) -> int:
    """What `mode` says: record, replay, or null to drive the robot."""
    path, overrides = parse_command_line(arguments)
    mode = load_config(path, overrides).mode
    return {"record": record, "replay": replay, None: teleop}[mode](arguments)


def demo(arguments: Sequence[str]) -> int:
    """The whole road from nothing: demonstrations, training with interventions, evaluation, a video."""
    from hilt.demo import run_demo

    _, overrides = parse_command_line(arguments)
    return run_demo(overrides, StopRequest().install())


def teleop(arguments: Sequence[str]) -> int:
    """The environment runs, an operator drives."""
    config = _config(arguments, "teleop")
    from hilt.driving import drive

    return drive(config, StopRequest().install())


def record(arguments: Sequence[str]) -> int:
    """Episodes into a dataset, by an operator, or by a policy under correction."""
    config = _config(arguments, "record")
    from hilt.recording import record as record_episodes

    stop = StopRequest().install()
    recording = record_episodes(config, stop)
    print(f"{len(recording.episodes)} episodes recorded in {recording.root}")
    return stop.exit_code


def replay(arguments: Sequence[str]) -> int:
    """A recorded episode, back in the simulator."""
    config = _config(arguments, "replay")
    from hilt.replaying import replay as replay_episode

    stop = StopRequest().install()
    played = replay_episode(config, stop)
    print(played.line())
    if played.video is not None:
        print(f"video: {played.video}")
    return stop.exit_code


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

    return examine()


def _config(arguments: Sequence[str], verb: Verb) -> RunConfig:
    path, overrides = parse_command_line(arguments)
    config = load_config(path, overrides)
    require(config, verb, path or "command line")
    _say_remarks(config)
    return config


def _training(arguments: Sequence[str], verb: Verb) -> tuple[RunConfig, Path]:
    """(configuration, folder of the run), whether new or resumed; the configuration is written there."""
    path, overrides = parse_command_line(arguments)
    config = load_config(path, overrides)
    if config.resume:
        folder, config = resumed(path, overrides)
    else:
        folder = new_run(config, datetime.datetime.now())
    require(config, verb, path or "command line")
    if path is not None and (remark := config_file(path)[1]):
        print(f"hilt: {remark}", file=sys.stderr)
    if not config.resume:
        _say_remarks(config)
    if not config.resume or verb == "train":
        _write_config(config, folder)
    return config, folder


def _write_config(config: RunConfig, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(to_json(config))
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}") from error


def _say_remarks(config: RunConfig) -> None:
    for remark in remarks(config):
        print(f"hilt: {remark}", file=sys.stderr)
