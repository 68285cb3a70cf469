"""Training where only a person says what success is, or where steps are slow: it ends at its target."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from runs import NETWORK, Hilt

from hilt.runs.metrics import read_metrics

pytestmark = pytest.mark.timeout(600)
TRAINING: dict[str, Any] = {
    "env": {"type": "gymnasium", "task": "silent_world:SilentDot-v0"},
    "operator": "scripted",
    "operator_options": {"attention": 1.0, "patience": 6, "hold": [1, 6], "success_delay_s": [0.5, 0.5]},
    "demonstrations": {"num_episodes": 10},
    "batch_size": 64,
    "target_success_rate": 0.8,
    "time_limit_s": 300,
    "eval": {"n_episodes": 3},
    "ui": {"enable": False},
    "output_dir": "run",
    "policy": {
        "type": "sac",
        "online_steps": 20_000,
        "pretrain_updates": 300,
        "critic_network_kwargs": NETWORK,
        "actor_network_kwargs": NETWORK,
    },
}


def train(folder: Path, **changes: Any) -> Hilt:
    shutil.copy(Path(__file__).with_name("silent_world.py"), folder)
    (folder / "train.json").write_text(json.dumps({**TRAINING, **changes}))
    training = Hilt(folder, "train", "--config_path=train.json")
    assert training.wait() == 0, training.said
    assert "Traceback" not in training.said
    return training


def validations(folder: Path) -> list[dict[str, Any]]:
    return [
        record for record in read_metrics(folder / "run" / "metrics.jsonl") if "Validation passed" in record
    ]


def test_a_person_who_presses_enter_late_is_the_only_judge_and_training_ends_at_its_target(
    tmp_path: Path,
) -> None:
    training = train(tmp_path)
    tests = validations(tmp_path)
    assert tests, training.said
    assert tests[-1]["Validation passed"] == 1
    episodes = [r for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if "Judge" in r]
    assert {record["Judge"] for record in episodes} <= {"person", "nobody"}
    assert (tmp_path / "run" / "checkpoints" / "best").exists()
    evaluation = json.loads((tmp_path / "run" / "eval" / "eval.json").read_text())
    assert evaluation["judge"] == "nobody"
    assert "nobody judged them" in training.said


@pytest.mark.slow
def test_an_environment_of_two_steps_a_second_passes_its_test_and_ends(tmp_path: Path) -> None:
    env = {**TRAINING["env"], "kwargs": {"step_s": 0.5, "tells": True}}
    train(tmp_path, env=env, operator_options={}, demonstrations={"num_episodes": 3})
    assert validations(tmp_path)[-1]["Validation passed"] == 1
