"""`--resume=true` finds its run, and the command line wins over what was saved."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from hilt.config import ConfigError, asks_to_resume, find_run, load_config, new_run, resumed, to_json

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_run(name: str, seed: int = 1, job: str = "lift") -> Path:
    run = Path("outputs/train") / name
    saved = run / "checkpoints" / "0004000" / "pretrained_model"
    saved.mkdir(parents=True)
    config = load_config({"job_name": job, "seed": seed, "policy": {"type": "sac"}})
    (run / "config.json").write_text(to_json(config))
    (saved / "train_config.json").write_text(to_json(config))
    return run


def test_a_new_run_is_named_by_date_time_and_job() -> None:
    config = load_config({"job_name": "lift"})
    run = new_run(config, NOW)
    assert run == Path("outputs/train/2026-01-02/03-04-05_lift")
    run.mkdir(parents=True)
    assert new_run(config, NOW).name == "03-04-06_lift"


def test_a_new_run_does_not_overwrite_one() -> None:
    run = make_run("2026-01-01/00-00-00_lift")
    with pytest.raises(ConfigError, match="resume=true"):
        new_run(load_config({"output_dir": str(run)}), NOW)
    assert new_run(load_config({"output_dir": "fresh"}), NOW) == Path("fresh")


def test_the_configuration_of_a_checkpoint_names_its_run() -> None:
    run = make_run("2026-01-01/00-00-00_lift")
    make_run("2026-01-02/00-00-00_lift")
    saved = run / "checkpoints/0004000/pretrained_model"
    for path in (saved / "train_config.json", saved / "config.json", saved):
        assert find_run(load_config(path), path) == run


def test_output_dir_beats_the_newest_of_the_name() -> None:
    run = make_run("2026-01-01/00-00-00_lift")
    make_run("2026-01-02/00-00-00_lift")
    assert find_run(load_config({"job_name": "lift", "output_dir": str(run)}), None) == run


def test_the_newest_run_of_exactly_that_name() -> None:
    make_run("2026-01-01/23-00-00_lift")
    newest = make_run("2026-01-02/09-00-00_lift")
    make_run("2026-01-03/00-00-00_other_lift", job="other_lift")
    (Path("outputs/train/2026-01-04/00-00-00_lift")).mkdir(parents=True)
    assert find_run(load_config({"job_name": "lift"}), "train.json") == newest


def test_no_run_is_an_error() -> None:
    with pytest.raises(ConfigError, match='"lift"'):
        find_run(load_config({"job_name": "lift"}), None)
    with pytest.raises(ConfigError, match="no run to resume"):
        find_run(load_config({"output_dir": "nowhere"}), None)


def test_overrides_win_over_the_saved_file() -> None:
    run = make_run("2026-01-01/00-00-00_lift", seed=5)
    Path("train.json").write_text('{"job_name": "lift", "seed": 9, "policy": {"type": "sac"}}')
    found, config = resumed("train.json", ["resume=true", "policy.utd_ratio=7"])
    assert found == run
    assert (config.seed, config.resume, config.output_dir) == (5, True, str(run))
    assert config.policy is not None
    assert config.policy.utd_ratio == 7  # type: ignore[union-attr]


def test_output_dir_is_enough_to_go_on_with_other_values() -> None:
    run = make_run("2026-01-01/00-00-00_lift", seed=5)
    said = ["resume=true", f"output_dir={run}", "policy.online_steps=7"]
    assert asks_to_resume(said)
    assert not asks_to_resume([*said[1:], "policy.type=sac"])
    found, config = resumed(None, said)
    assert (found, config.seed) == (run, 5)
    assert config.policy is not None
    assert config.policy.online_steps == 7  # type: ignore[union-attr]


def test_a_run_of_which_only_a_checkpoint_is_left() -> None:
    run = make_run("2026-01-01/00-00-00_lift", seed=5)
    (run / "config.json").unlink()
    saved = run / "checkpoints/0004000/pretrained_model/train_config.json"
    found, config = resumed(saved, ["resume=true"])
    assert (found, config.seed) == (run, 5)
