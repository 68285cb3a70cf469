"""Runs read from their folders, and grouped where they differ in their seed alone. It needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilt.config.errors import ConfigError
from hilt.config.resume import CONFIG_NAME
from hilt.runs.layout import MODEL, best_checkpoint
from hilt.runs.metrics import read_metrics

Settings = Mapping[str, Any]
"""`a.b.c` -> value."""
_NO_DIFFERENCE = ("seed", "output_dir", "job_name", "resume", "eval", "ui", "wandb", "tensorboard")
"""Keys and sections that change nothing about how a policy learns."""
_FIRST = ("env.task", "policy.type")
"""What names a group before all else."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What a run has left: configuration, records of its metrics, the evaluation if it had one."""

    folder: Path
    config: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    evaluation: Mapping[str, Any] | None

    @property
    def seed(self) -> int:
        return int(self.config.get("seed", 0))

    @property
    def settings(self) -> Settings:
        return settings_of(self.config)

    @property
    def is_evaluated(self) -> bool:
        return self.evaluation is not None


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that differ in their seed alone; `differences` are the keys in which groups differ."""

    label: str
    runs: Sequence[Run]
    differences: Settings


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """The runs in `folders`; a folder that is no run stands for all runs in it, however deep.

    Raises:
        ConfigError: there is no run in one of them, or a file of it cannot be read.
    """
    found = [path for folder in folders for path in _runs_in(folder)]
    return [_read(path) for path in dict.fromkeys(path.resolve() for path in found)]


def grouped(runs: Sequence[Run]) -> list[Group]:
    """`runs` by their settings, in the order in which each first comes."""
    same: dict[str, list[Run]] = {}
    for run in runs:
        same.setdefault(json.dumps(run.settings, sort_keys=True), []).append(run)
    members = [sorted(each, key=lambda run: run.seed) for each in same.values()]
    differing = _differing([each[0].settings for each in members])
    differences = [{key: each[0].settings.get(key) for key in differing} for each in members]
    named = [
        _label(each, differing) or _name(runs[0]) for each, runs in zip(differences, members, strict=True)
    ]
    labels = _distinct(named, members)
    return [Group(*each) for each in zip(labels, members, differences, strict=True)]


def settings_of(config: Mapping[str, Any]) -> Settings:
    """The keys of a run's configuration that say how its policy learns, its seed aside."""
    return dict(_flat({key: value for key, value in config.items() if key not in _NO_DIFFERENCE}))


def _runs_in(folder: Path) -> list[Path]:
    if _config_of(folder) is not None:
        return [folder]
    if not folder.is_dir():
        raise ConfigError(str(folder), "there is no such folder; a run is a folder that `hilt train` made")
    runs = sorted({path.parent for path in folder.rglob("metrics.jsonl") if _config_of(path.parent)})
    if not runs:
        raise ConfigError(str(folder), "holds no run: no metrics.jsonl beside a config.json in it")
    return runs


def _config_of(run: Path) -> Path | None:
    """The configuration of a run that began; its last checkpoint holds it, too."""
    there = (run / CONFIG_NAME, best_checkpoint(run) / MODEL / "train_config.json")
    is_run = (run / "metrics.jsonl").is_file() or there[1].is_file()
    return next((path for path in there if is_run and path.is_file()), None)


def _read(run: Path) -> Run:
    config, evaluation = _config_of(run), run / "eval" / "eval.json"
    assert config is not None
    return Run(
        run,
        _json(config),
        read_metrics(run / "metrics.jsonl"),
        _json(evaluation) if evaluation.is_file() else None,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigError(str(path), f"is damaged: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(str(path), "is damaged: it holds no JSON object")
    return data


def _flat(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _differing(settings: Sequence[Settings]) -> list[str]:
    """Keys whose value is not the same in all, what names a group first."""
    keys = dict.fromkeys(key for each in settings for key in each)
    differ = [key for key in keys if any(each.get(key) != settings[0].get(key) for each in settings)]
    return sorted(differ, key=lambda key: (key not in _FIRST, any(key not in each for each in settings)))


def _label(differences: Settings, differing: Sequence[str]) -> str:
    named = [f"{key}={_word(differences[key])}" for key in differing[:_MOST_NAMED]]
    return ", ".join(named + ["..."] * (len(differing) > _MOST_NAMED))


def _name(run: Run) -> str:
    """Task and algorithm: of a group that differs from no other."""
    task, policy = (run.config.get(section) or {} for section in ("env", "policy"))
    return f"{str(task.get('task', '')).rpartition('/')[2]} {policy.get('type', '')}".strip()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _distinct(labels: Sequence[str], members: Sequence[Sequence[Run]]) -> list[str]:
    """Each label once: the name of a run makes the difference, where the keys that are named do not."""
    return [
        label if labels.count(label) == 1 else f"{label} {runs[0].folder.name}"
        for label, runs in zip(labels, members, strict=True)
    ]
