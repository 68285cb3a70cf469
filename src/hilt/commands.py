"""What the verbs of the command line do. Heavy parts are imported by the verb that needs them."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.load import config_file, load_config
from hilt.config.overrides import parse_command_line
from hilt.config.requirements import Verb, remarks, require
from hilt.config.resume import new_run, resumed, wants_resume
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
    return 0 if run_learner(config, run, stop) else stop.exit_code


def actor(arguments: Sequence[str]) -> int:
    """An actor alone. It has no run of its own: it keeps in a folder what the learner does not have yet."""
    config = _config(arguments, "actor")
    from hilt.training.sessions import run_actor
    from hilt.training.supervisor import ACTOR_INDEX, OPERATOR_QUIT

    stop = StopRequest().install()
    folder = Path(config.output_dir) if config.output_dir else Path("outputs") / "actor" / config.name
    has_quit = run_actor(config, folder, stop)
    return OPERATOR_QUIT if has_quit and ACTOR_INDEX in os.environ else stop.exit_code


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


def relabel(arguments: Sequence[str]) -> int:
    """Rewards of a recorded dataset, frame by frame, by a classifier, into a new dataset."""
    options = _options(arguments, "relabel", ("dataset", "classifier"), ("output",))
    from hilt.rewards import ClassifierReward, load_classifier
    from hilt.rewards import relabel as relabel_dataset

    reward = ClassifierReward(load_classifier(options["classifier"]))
    result = relabel_dataset(options["dataset"], reward, options.get("output"))
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

    return examine()


def _config(arguments: Sequence[str], verb: Verb) -> RunConfig:
    path, overrides = parse_command_line(arguments)
    config = load_config(path, overrides)
    require(config, verb, path or "command line")
    if not (verb == "actor" and config.resume):  # what `hilt train` started has said them
        _say_remarks(config)
    return config


def _training(arguments: Sequence[str], verb: Verb) -> tuple[RunConfig, Path]:
    """(configuration, folder of the run), whether new or resumed; the configuration is written there."""
    path, overrides = parse_command_line(arguments)
    if wants_resume(path, overrides):
        folder, config = resumed(path, overrides)
    else:
        config = load_config(path, overrides)
        folder = new_run(config, datetime.datetime.now())
    require(config, verb, path or "command line")
    if not config.resume and config.dataset.directory is not None:
        _check_dataset(config)
    if path is not None and (remark := config_file(path)[1]):
        print(f"hilt: {remark}", file=sys.stderr)
    if not config.resume:
        _say_remarks(config)
    if not config.resume or verb == "train":
        _write_config(config, folder)
    return config, folder


def _check_dataset(config: RunConfig) -> None:
    """Raises DatasetError before anything is written."""
    from hilt.recording import open_dataset

    open_dataset(config).close()


def _write_config(config: RunConfig, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / ".config.partial"
        temporary.write_text(to_json(config))
        temporary.replace(folder / "config.json")
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}") from error


def _say_remarks(config: RunConfig) -> None:
    for remark in remarks(config):
        print(f"hilt: {remark}", file=sys.stderr)
