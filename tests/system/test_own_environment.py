"""Environments that hilt does not ship: recorded, trained on, evaluated, with an operator of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hilt.data.lerobot import DatasetReader
from tests.system.runs import NETWORK, Hilt, logged

pytestmark = pytest.mark.timeout(400)
QUICK: dict[str, Any] = {
    "batch_size": 16,
    "max_env_steps_per_update": 8.0,
    "eval": {"n_episodes": 2, "videos": 1},
    "operator": "own_world:Guide",
    "operator_options": {"strength": 0.5},
    "ui": {"enable": False},
}
POLICY: dict[str, Any] = {
    "type": "sac",
    "online_steps": 200,
    "pretrain_updates": 10,
    "critic_network_kwargs": NETWORK,
    "actor_network_kwargs": NETWORK,
}
WORLDS: dict[str, dict[str, Any]] = {
    "reacher": {"task": "Reacher-v5", "success_reward_threshold": -0.1},
    "dot": {"task": "own_world:Dot-v0", "success_reward_threshold": 1.0, "kwargs": {"reach": 0.4}},
}


@pytest.fixture(scope="module", params=["dot", pytest.param("reacher", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the user's module, a configuration, and what `record` and `train` made of them."""
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(Path(__file__).with_name("own_world.py"), folder)
    config = {**QUICK, "env": {"type": "gymnasium", **WORLDS[request.param]}}
    (folder / "env.json").write_text(json.dumps(config))
    (folder / "train.json").write_text(
        json.dumps({**config, "dataset": {"root": "set"}, "policy": POLICY, "output_dir": "run"})
    )
    record = Hilt(
        folder,
        *("record", "--config_path=env.json", "--dataset.root=set", "--dataset.num_episodes_to_record=2"),
    )
    assert record.wait() == 0, record.said
    train = Hilt(folder, "train", "--config_path=train.json")
    assert train.wait() == 0, train.said
    assert "Traceback" not in record.said + train.said
    return folder


def test_what_was_recorded_is_the_environments_own(world: Path) -> None:
    reader = DatasetReader(world / "set")
    assert len(reader.episodes) == 2
    assert reader.info.fps == {"reacher": 50, "dot": 5}[name_of(world)]
    for step in reader.transitions():  # the user's operator drives at every second step
        assert step.is_intervention == (step.step % 2 == 0)
    pictures = [name for name in reader.schema.observation if name.startswith("observation.images.")]
    assert pictures == (["observation.images.camera"] if name_of(world) == "dot" else [])


def test_training_learned_from_it_and_was_evaluated(world: Path) -> None:
    assert len(logged(world / "run")) >= 200
    evaluation = json.loads((world / "run" / "eval" / "eval.json").read_text())
    assert evaluation["n_episodes"] == 2
    for episode in evaluation["per_episode"]:
        assert episode["refused"] is None
        if name_of(world) == "dot":  # the reward of 1 is success, and success the only reward
            assert episode["is_success"] == (episode["reward"] == 1)


def test_a_saved_policy_is_evaluated_again_with_the_same_result(world: Path) -> None:
    evaluate = Hilt(
        world,
        *("eval", "--config_path=train.json", "--output_dir=again", "--eval.videos=0"),
        "--policy.pretrained_path=run/checkpoints/last",
    )
    assert evaluate.wait() == 0, evaluate.said
    first, second = (
        json.loads((world / name / "eval.json").read_text())["per_episode"] for name in ("run/eval", "again")
    )
    assert first == second


def test_an_environment_that_raises_is_one_line_and_its_trace_is_kept(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("own_world.py"), tmp_path)
    env = {"type": "gymnasium", **WORLDS["dot"], "kwargs": {"lasts": 30}}
    (tmp_path / "train.json").write_text(json.dumps({**QUICK, "env": env, "policy": POLICY}))
    train = Hilt(tmp_path, "train", "--config_path=train.json", "--output_dir=run")
    assert train.wait() == 2, train.said
    assert "environment Dot-v0: step raised RuntimeError: the dot is worn out" in train.said
    assert "own_world.py:" in train.said
    assert "Traceback" not in train.said
    assert "self._wear()" in (tmp_path / "run" / "environment_error.txt").read_text()


def name_of(world: Path) -> str:
    return world.name.rstrip("0123456789")
