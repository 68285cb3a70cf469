"""`hilt compare`: what belongs together, intervals that are right, a page that stands alone."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilt.commands.main import main
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.write import to_json
from hilt.runs.comparison import grouped, read_runs
from hilt.runs.comparison_table import HEAD, table
from hilt.runs.curves import Curve, curve, mean_curve
from hilt.runs.intervals import mean_of, t95
from hilt.runs.metrics import JsonLines

ALONE = "Validation success rate"


def made(folder: Path, seed: int, success: float | None, *overrides: str, job_name: str = "x") -> Path:
    """A run as `hilt train` leaves it: three episodes, a test, and the evaluation if there was one."""
    run = folder / f"{job_name}_{seed}"
    run.mkdir(parents=True)
    given = ("policy.type=sac", f"seed={seed}", f"output_dir={run}", f"job_name={job_name}", *overrides)
    (run / "config.json").write_text(to_json(load_config(None, given)))
    lines = JsonLines(run / "metrics.jsonl")
    for step, rate in ((100, 0.0), (200, 0.5), (400, 1.0)):
        cost = {"Human seconds": step / 10, "Demonstration seconds": 30.0, "Watching seconds": 7.0}
        lines.write({"step": step, "time_s": step / 50, "Success rate without help": rate, **cost})
    lines.write({"step": 400, "time_s": 9.0, ALONE: 0.8})
    lines.close()
    if success is not None:
        cost = {"wall_clock_s": 9.5, "env_steps": 410}
        found = {"success_rate": success, "n_episodes": 50, "mean_cycle_time_s": 1.5, "training_cost": cost}
        (run / "eval").mkdir()
        (run / "eval" / "eval.json").write_text(json.dumps(found))
    return run


@pytest.fixture
def two_settings(tmp_path: Path) -> Path:
    for seed, success in ((1, 0.8), (2, 0.9), (3, 1.0)):
        made(tmp_path, seed, success, job_name="one")
        made(tmp_path, seed, success - 0.1, "policy.utd_ratio=4", job_name="<b>&$x$")
    return tmp_path


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)]
)
def test_the_quantiles_are_students(freedom: int, quantile: float) -> None:
    assert t95(freedom) == pytest.approx(quantile, abs=0.005)


def test_a_mean_has_its_interval_and_a_single_value_none() -> None:
    mean = mean_of([0.8, 0.9, 1.0], 0.0, 1.0)
    assert (mean.n, mean.value) == (3, pytest.approx(0.9))
    assert mean.low == pytest.approx(0.9 - 4.303 * 0.1 / math.sqrt(3), abs=1e-3)
    assert mean.high == 1.0
    assert math.isnan(mean_of([0.5]).low)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.1, (2000, 5))
    means = [mean_of(row.tolist()) for row in draws]
    assert np.mean([mean.low <= 0.5 <= mean.high for mean in means]) == pytest.approx(0.95, abs=0.015)


def test_runs_that_differ_in_their_seed_alone_are_one_group(two_settings: Path) -> None:
    groups = grouped(read_runs([two_settings]))
    assert {group.label: [run.seed for run in group.runs] for group in groups} == {
        "policy.utd_ratio=2": [1, 2, 3],
        "policy.utd_ratio=4": [1, 2, 3],
    }
    again = read_runs([two_settings, *two_settings.iterdir()])
    assert len(again) == 6


def test_a_group_of_many_differences_is_named_by_the_first_and_its_run(tmp_path: Path) -> None:
    made(tmp_path, 1, 1.0, job_name="sac")
    other = made(tmp_path, 1, 1.0, job_name="acfql")
    (other / "config.json").write_text(to_json(load_config(None, ["policy.type=acfql"])))
    labels = [group.label for group in grouped(read_runs([tmp_path]))]
    assert [label.partition(",")[0] for label in labels] == ["policy.type=acfql", "policy.type=sac"]
    assert all(label.endswith("...") for label in labels)


def test_a_value_holds_until_the_next_and_counts_as_zero_before_the_first(tmp_path: Path) -> None:
    (run,) = read_runs([made(tmp_path, 1, 0.9)])
    training = curve(run, "training", "step")
    assert training.at(np.array([0, 100, 150, 399, 400, 9e9])).tolist() == [0, 0, 0, 0.5, 1, 1]
    person = curve(run, "alone", "person_s")
    assert (person.x.tolist(), person.y.tolist()) == ([70, 70], [0.8, 0.9])
    assert curve(run, "alone", "time_s").x.tolist() == [9, 9]


def test_the_mean_goes_to_the_longest_and_holds_what_ended() -> None:
    short, long = (Curve(np.array([1.0, end]), np.array([0.5, 1.0])) for end in (2.0, 4.0))
    mean = mean_curve([short, long, Curve(np.empty(0), np.empty(0))])
    assert mean is not None
    assert mean.x[-1] == 4
    assert (mean.mean[0], mean.mean[-1]) == (0, 1)
    assert mean.mean[np.searchsorted(mean.x, 3.0)] == 0.75
    assert (mean.low <= mean.mean).all()
    assert mean_curve([]) is None


def test_the_table_pairs_seeds(two_settings: Path) -> None:
    made(two_settings, 9, None, "policy.utd_ratio=8", job_name="three")
    rows = [dict(zip(HEAD, row, strict=True)) for row in table(grouped(read_runs([two_settings])))[1:]]
    by_name = {row["runs"]: row for row in rows}
    row = by_name["policy.utd_ratio=2"]
    assert (row["seeds"], row["evaluated"], row["worst seed"]) == ("1-3", "3 of 3", "80.0%")
    assert row["success alone"] == "90.0% (65.2% to 100.0%)"
    assert [row[name] for name in ("clock [s]", "steps", "person [s]", "watching [s]")] == [
        *("10", "410", "70", "7")
    ]
    assert {row["against the first"] for row in rows} == {
        "",
        "+10.0% (+10.0% to +10.0%), n = 3",
        "no seed in common",
    }
    unfinished = by_name["policy.utd_ratio=8"]
    assert (unfinished["evaluated"], unfinished["success alone"], unfinished["steps"]) == (
        "0 of 1",
        "",
        "400",
    )


def test_the_page_needs_nothing_from_elsewhere(
    two_settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(two_settings)]) == 0
    assert "90.0% (65.2% to 100.0%)" in capsys.readouterr().out
    page = (two_settings / "comparison.html").read_text()
    assert "<svg" in page
    assert not re.search(r'<script|<link|<img|@import|src=|href="[^#]|url\([^#]', page)
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;$x$_1" in page


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda run: (run / "eval" / "eval.json").write_text("{"), "eval.json: is damaged"),
        (lambda run: (run / "config.json").write_text("[]"), "config.json: is damaged"),
        (lambda run: (run / "config.json").unlink(), "holds no run"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path: Path, break_it: Any, message: str) -> None:
    run = made(tmp_path, 1, 1.0)
    break_it(run)
    with pytest.raises(ConfigError, match=message):
        read_runs([run])
    with pytest.raises(ConfigError, match="there is no such folder"):
        read_runs([tmp_path / "nowhere"])


def test_comparing_needs_neither_torch_nor_mujoco(tmp_path: Path) -> None:
    made(tmp_path, 1, 1.0)
    code = (
        f"from hilt.commands.main import main; import sys; main(['compare', {str(tmp_path)!r}]);"
        "sys.exit(bool({'torch', 'mujoco', 'grpc'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
