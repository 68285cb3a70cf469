"""Training where only a person says what success is, or where steps are slow: it ends at its target."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hilt.runs.metrics import read_metrics
from tests.system.runs import NETWORK, Hilt

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


def run(folder: Path, verb: str, config: dict[str, Any]) -> None:
    path = folder / f"{verb}.json"
    path.write_text(json.dumps(config))
    command = Hilt(folder, verb, f"--config_path={path}")
    assert command.wait() == 0, command.said


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


def test_a_classifier_that_learned_from_late_presses_is_the_judge_and_training_ends_at_its_target(
    tmp_path: Path,
) -> None:
    """What the person showed and declared is all that it knows; the environment's word is an audit's."""
    shutil.copy(Path(__file__).with_name("silent_world.py"), tmp_path)
    seen = {"type": "gymnasium", "task": "silent_world:SilentDot-v0", "kwargs": {"has_camera": True}}
    habits = {"always": True, "success_delay_s": [0.5, 0.5]}
    record = {"env": seen, "operator": "scripted", "operator_options": habits, "ui": {"enable": False}}
    dataset = {"root": "set", "num_episodes_to_record": 30}
    run(tmp_path, "record", {**record, "dataset": dataset})
    classifier = {"type": "reward_classifier", "learning_rate": 1e-3}
    fitting = {"steps": 300, "batch_size": 64, "output_dir": "classifier", "policy": classifier}
    run(tmp_path, "train", {"dataset": {"root": "set"}, **fitting})

    judged_by = {"pretrained_path": "classifier/checkpoints/last/pretrained_model", "debounce": 1}
    told = {**seen, "kwargs": {"has_camera": True, "tells": True}}
    features = {"observation.position": {"type": "STATE", "shape": [2]}}
    env = {**told, "features": features, "processor": {"reward_classifier": judged_by}}
    training = train(tmp_path, env=env, eval={"n_episodes": 20})
    assert validations(tmp_path)[-1]["Validation passed"] == 1, training.said
    evaluation = json.loads((tmp_path / "run" / "eval" / "eval.json").read_text())
    assert evaluation["judge"] == "classifier"
    differed = sum(e["is_success"] != e["ground_truth"] for e in evaluation["per_episode"])
    assert evaluation["disagreements"] == differed
    assert evaluation["ground_truth_success_rate"] >= 0.8
    assert f"differed from the environment {differed} times" in training.said


@pytest.mark.slow
def test_an_environment_of_two_steps_a_second_passes_its_test_and_ends(tmp_path: Path) -> None:
    env = {**TRAINING["env"], "kwargs": {"step_s": 0.5, "tells": True}}
    train(tmp_path, env=env, operator_options={}, demonstrations={"num_episodes": 3})
    assert validations(tmp_path)[-1]["Validation passed"] == 1
