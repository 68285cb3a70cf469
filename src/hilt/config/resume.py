"""Which folder a run lives in, and which run `--resume=true` means."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig

RUNS = Path("outputs") / "train"
CONFIG_NAME = "config.json"


def new_run(config: RunConfig, now: datetime.datetime) -> Path:
    """The folder of a new run, `outputs/train/DATE/TIME_JOB` unless `output_dir` says otherwise.

    Raises ConfigError when `output_dir` already holds a run.
    """
    if config.output_dir is not None:
        run = Path(config.output_dir)
        if (run / CONFIG_NAME).exists():
            raise ConfigError(
                str(run), "holds a run: --resume=true goes on with it, or take another output_dir"
            )
        return run
    while (run := RUNS / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}_{config.name}").exists():
        now += datetime.timedelta(seconds=1)
    return run


def find_run(config: RunConfig, config_path: str | Path | None) -> Path:
    """The run to go on with: the one that `config_path` lies in, else `output_dir`, else the newest of that
    name. Raises ConfigError when there is none."""
    if config_path is not None and (run := run_around(Path(config_path))):
        return run
    if config.output_dir is not None:
        run = Path(config.output_dir)
        if not (run / CONFIG_NAME).is_file():
            raise ConfigError(str(run), f"no run to resume: there is no {CONFIG_NAME}")
        return run
    runs = _runs_named(config.name)
    if not runs:
        raise ConfigError(str(RUNS), f'no run to resume: none is named "{config.name}" (job_name)')
    return runs[-1]


def run_around(path: Path) -> Path | None:
    """RUN of `RUN/checkpoints/*/pretrained_model/...`, whether or not the last part exists."""
    for folder in (path, *path.parents):
        if folder.name == "pretrained_model" and folder.parent.parent.name == "checkpoints":
            return folder.parent.parent.parent
    return None


def wants_resume(config_path: str | Path | None, overrides: Sequence[str]) -> bool:
    """Whether a command is to go on with a run that is there."""
    return _naming(config_path, overrides).resume


def resumed(config_path: str | Path | None, overrides: Sequence[str]) -> tuple[Path, RunConfig]:
    """(run, its saved configuration with `overrides` over it)."""
    run = find_run(_naming(config_path, overrides), config_path)
    kept = [override for override in overrides if not override.startswith("output_dir=")]
    saved = run / CONFIG_NAME if (run / CONFIG_NAME).is_file() else config_path
    return run, load_config(saved, [*kept, f"output_dir={run}"])


def _naming(config_path: str | Path | None, overrides: Sequence[str]) -> RunConfig:
    """As much of the configuration as says which run is meant.

    Without a file, `output_dir` alone does: other overrides may mean something over the saved file only.
    """
    said = [override for override in overrides if override.startswith(("resume=", "output_dir="))]
    enough = config_path is None and any(override.startswith("output_dir=") for override in said)
    return load_config(config_path, said if enough else overrides)


def _runs_named(name: str) -> list[Path]:
    """Runs of that name, oldest first."""
    pattern = re.compile(rf"\d\d-\d\d-\d\d_{re.escape(name)}")
    runs = [run for run in RUNS.glob("*/*") if pattern.fullmatch(run.name) and (run / CONFIG_NAME).is_file()]
    return sorted(runs, key=lambda run: (run.parent.name, run.name))
