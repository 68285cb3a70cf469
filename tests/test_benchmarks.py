"""The benchmarks that consist of many runs: what they share, and what they hold equal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.reward_comparison import PAID_BY, configuration
from benchmarks.series import Series, whole
from hilt.config.load import load_config


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    series = Series.parse([f"--output_dir={tmp_path}", "--seeds=2", "--policy.utd_ratio=1"], "outputs/x", 5)
    assert (list(series.seeds), series.overrides) == ([1, 2], ["policy.utd_ratio=1"])
    counts = iter(range(10))
    results = [series.result("run_1", lambda: {"value": next(counts)}) for _ in range(3)]
    assert results == [{"value": 0}] * 3


def test_what_is_interrupted_begins_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    def succeed(folder: Path) -> None:
        folder.mkdir()
        (folder / "all").touch()

    with pytest.raises(KeyboardInterrupt):
        whole(tmp_path / "run", fail)
    assert not (tmp_path / "run").exists()
    for make in (succeed, fail):
        assert os.listdir(whole(tmp_path / "run", make)) == ["all"]


def test_compared_runs_differ_in_their_reward_alone(tmp_path: Path) -> None:
    configs = {payer: load_config(configuration(payer, tmp_path)) for payer in PAID_BY}
    env = configs["environment"].env
    assert not env.trust_operator
    for config in configs.values():
        assert config.target_success_rate is None
        same = {"operator_options": {}, "env": env}
        assert config.model_copy(update=same) == configs["environment"].model_copy(update=same)
    assert configs["late human"].env.model_copy(update={"trust_operator": False}) == env
    processor = configs["classifier"].env.processor
    assert configs["classifier"].env.model_copy(update={"processor": env.processor}) == env
    unpaid = processor.model_copy(update={"reward_classifier": env.processor.reward_classifier})
    assert unpaid == env.processor
