"""The study of ACFQL's parts: what a variant changes, and what its table says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.study import CLONING, LEARNERS, Study
from benchmarks.study_report import mean_over_time, write_report
from hilt.config import load_config, to_dict
from hilt.config.run import RunConfig

ABLATIONS = [name for name in LEARNERS if name.startswith("acfql-") and name != "acfql-reference"]


def config_of(variant: str) -> RunConfig:
    return load_config(None, Study(60.0, {"env.obs_type": "pixels"}).overrides(variant, 4))


@pytest.mark.parametrize("variant", [*LEARNERS, *CLONING])
def test_every_variant_has_the_same_person_demonstrations_and_time(variant: str) -> None:
    ours, config = config_of("acfql"), config_of(variant)
    for key in (
        "env",
        "operator",
        "operator_options",
        "demonstrations",
        "seed",
        "time_limit_s",
        "batch_size",
    ):
        assert getattr(config, key) == getattr(ours, key)
    assert config.env.obs_type == "pixels"
    assert config.target_success_rate is None


@pytest.mark.parametrize("variant", ABLATIONS)
def test_an_improvement_is_taken_away_alone(variant: str) -> None:
    ours, without = (dict(_flat(to_dict(config_of(name)))) for name in ("acfql", variant))
    assert {key for key in ours if ours[key] != without[key]} == set(LEARNERS[variant])


def _flat(tree: dict[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{head}{key}.")
        else:
            yield f"{head}{key}", value


def result(variant: str, seed: int, *success: float) -> dict[str, Any]:
    points = [
        {"seconds": 10.0 * number, "env_steps": 100 * (number - 1), "updates": number, "success": rate}
        for number, rate in enumerate(success, 1)
    ]
    return {
        "variant": variant,
        "seed": seed,
        "points": points,
        "human_seconds": 7.0,
        "takeovers_per_1000_steps": [(0, 5.0), (100, 2.0)],
    }


def test_the_table_has_a_row_a_variant_the_best_first(tmp_path: Path) -> None:
    for entry in (result("b", 1, 0.2, 0.4), result("a", 1, 0.1, 0.9), result("a", 2, 0.3, 0.7)):
        (tmp_path / f"{entry['variant']}_{entry['seed']}.json").write_text(json.dumps(entry))
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in write_report(tmp_path).splitlines()[2:]
    ]
    assert [row[:4] for row in rows] == [["a", "80% (90, 70)", "30%", "20%"], ["b", "40% (40)", "20%", "20%"]]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert (tmp_path / "table.md").read_text().strip() == write_report(tmp_path)


def test_success_over_time_rewards_those_that_are_early() -> None:
    assert mean_over_time(result("early", 1, 1.0, 1.0)) > mean_over_time(result("late", 1, 0.0, 1.0))
    assert mean_over_time(result("never", 1, 0.0, 0.0)) == 0.0
