"""`hilt sweep`: many trainings of one configuration, with several seeds and the values of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilt.commands.compare import PAGE, compare, report
from hilt.commands.prepare import origin_of, try_out
from hilt.config.errors import ConfigError, repr_short
from hilt.config.grid import as_text, configurations, split_grid
from hilt.config.learning import LearningPolicy
from hilt.config.load import Source, load_config
from hilt.config.operator_options import PEOPLE
from hilt.config.overrides import COMMAND_LINE, parse_command_line
from hilt.config.requirements import require
from hilt.config.run import RunConfig, UIConfig
from hilt.runs.comparison import Group
from hilt.runs.lock import sole_user
from hilt.session.console import say
from hilt.training.local_places import LocalPlaces
from hilt.training.processes import StopRequest
from hilt.training.resources import at_a_time, largest, needs_of
from hilt.training.sweep import Places, State, Sweep, Trial, trials
from hilt.training.sweep_screen import SweepScreen

SWEEPS = Path("outputs") / "sweep"
_SEEDS = 3
_NO_PAGE = UIConfig(enable=False)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What `hilt sweep` did."""

    folder: Path
    groups: Sequence[Group]
    """The trainings that are over, as `hilt.compare` has them."""
    failed: Mapping[str, str]
    """Name of a training that cannot be finished -> why."""


def main(arguments: Sequence[str]) -> int:
    """Many trainings, then the table and the page of `hilt compare`; the exit code."""
    path, words = parse_command_line(arguments)
    grid, words = split_grid(words)
    options, overrides = _options(words)
    stop = StopRequest().install()
    done = sweep(path, *overrides, grid=grid, stop=stop, **options)
    if done.groups:
        print(report(done.groups, done.folder / PAGE))
    if stop():
        say("to go on: the same command again")
    return stop.exit_code or int(bool(done.failed))


def sweep(
    config: Source = None,
    *overrides: str,
    seeds: int = _SEEDS,
    grid: Mapping[str, Sequence[Any]] | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    stop: StopRequest | None = None,
) -> SweepResult:
    """`hilt sweep`: a training for each of `seeds` seeds and each combination of the values of `grid`.

    Seeds are counted from `seed` on. Every training has a folder of its own in `output_dir`
    (`outputs/sweep/NAME` unless given). Those that are over are not trained again, others go on.

    Args:
        grid: key -> its values.
        jobs: trainings at a time on this machine; None: as many as cores and memory allow.
        cluster: the address of a Ray cluster whose nodes train, or "auto" for the one that this machine
            belongs to.

    Raises:
        ConfigError: a configuration cannot be used, or the folder holds runs of another one.
        BusyError: another sweep is at work in the folder. ClusterError: the cluster cannot be used.
    """
    stop = stop or StopRequest()
    values = {key: [as_text(value) for value in each] for key, each in (grid or {}).items()}
    checked = configurations(config, overrides, values, seeds)
    base = load_config(config, overrides)
    folder = Path(base.output_dir) if base.output_dir else SWEEPS / base.name
    _require(checked, origin_of(config), stop)
    if cluster is not None:
        folder = folder.resolve()
    planned = trials(folder, {name: _placed(each, folder / name) for name, each in checked.items()})
    left = sum(trial.is_to_do for trial in planned)
    needs = largest(map(needs_of, checked.values()))
    with ExitStack() as opened:
        if cluster is None or not left:
            places: Places = LocalPlaces(jobs or max(1, min(at_a_time(needs), left)))
        else:
            from hilt.training.ray_places import ray_places

            places = opened.enter_context(ray_places(cluster, needs, folder))
        opened.enter_context(sole_user(folder, 0.0, say))
        running = Sweep(planned, places, opened.enter_context(SweepScreen()))
        stop.on_second = running.kill
        running.run(stop)
    return _result(folder, planned)


def _options(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """(options of the sweep itself, overrides of its configuration). Raises ConfigError."""
    options: dict[str, Any] = {}
    overrides = []
    for word in words:
        name, _, text = word.partition("=")
        if name == "cluster":
            options[name] = text
        elif name not in ("seeds", "jobs"):
            overrides.append(word)
        elif text.isdecimal() and int(text) > 0:
            options[name] = int(text)
        else:
            raise ConfigError(COMMAND_LINE, f"{name} = {repr_short(text)}: must be a number, at least 1")
    return options, overrides


def _require(configs: Mapping[str, RunConfig], origin: str, stop: StopRequest) -> None:
    """All can be trained unattended. Raises ConfigError, DatasetError; nothing has been written."""
    tried = set()
    for config in configs.values():
        require(config, "train", origin)
        if not isinstance(config.policy, LearningPolicy):
            raise ConfigError(origin, "policy.type: a sweep trains policies, not reward classifiers")
        if people := {config.operator_name, config.demonstrator} & set(PEOPLE):
            raise ConfigError(
                origin,
                f"operator: a sweep has no person ({people.pop()}) at the controls: --operator=scripted",
            )
        if not config.save_checkpoint:
            raise ConfigError(origin, "save_checkpoint = false: a sweep goes on from checkpoints")
        settings = config.model_copy(update={"seed": 0}).model_dump_json()
        if settings not in tried:
            try_out(config, "train", stop)
            tried.add(settings)


def _placed(config: RunConfig, folder: Path) -> RunConfig:
    return config.model_copy(update={"output_dir": str(folder), "ui": _NO_PAGE, "resume": False})


def _result(folder: Path, planned: Sequence[Trial]) -> SweepResult:
    over = [trial.folder for trial in planned if trial.state is State.DONE]
    failed = {trial.name: trial.why for trial in planned if trial.state is State.FAILED}
    return SweepResult(folder, compare(*over, output=folder / PAGE) if over else [], failed)
