"""Before a command begins: its configuration is checked, what is odd is said, a run gets its folder."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.load import Source, config_file, load_config
from hilt.config.overrides import COMMAND_LINE
from hilt.config.requirements import Verb, remarks, require
from hilt.config.resume import new_run, resumed
from hilt.config.run import RunConfig
from hilt.config.write import to_json


def configured(source: Source, overrides: Sequence[str], verb: Verb) -> RunConfig:
    """The configuration of `verb`, which finds in it what it needs. Raises ConfigError."""
    config = load_config(source, overrides)
    require(config, verb, _origin(source))
    if not (verb == "actor" and config.resume):  # what `hilt train` started has said them
        _say_remarks(config)
    return config


def begun(source: Source, overrides: Sequence[str], verb: Verb) -> tuple[RunConfig, Path]:
    """(configuration, folder of the run), whether new or resumed; the configuration is written there.

    Raises:
        ConfigError: it cannot be used. DatasetError: its dataset cannot. Nothing has been written then.
    """
    config = load_config(source, overrides)
    path = source if isinstance(source, str | Path) else None
    if config.resume:
        folder, config = resumed(source, overrides)
    else:
        folder = new_run(config, datetime.datetime.now())
    require(config, verb, _origin(source))
    if not config.resume and config.dataset.directory is not None:
        _check_dataset(config)
    if path is not None and (remark := config_file(path)[1]):
        print(f"hilt: {remark}", file=sys.stderr)
    if not config.resume:
        _say_remarks(config)
    if not config.resume or verb == "train":
        _write_config(config, folder)
    return config, folder


def _origin(source: Source) -> str:
    if source is None:
        return COMMAND_LINE
    return str(source) if isinstance(source, str | Path) else "configuration"


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
