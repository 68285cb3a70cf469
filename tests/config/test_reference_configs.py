"""The files that users have load, and so do the project's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hilt.config import ConfigError, load_config, remarks, require, to_json, without_effect
from hilt.config.environment import ACTION_MODES
from hilt.config.requirements import Verb

ROOT = Path(__file__).parents[2]
USERS = ROOT.parent / "shared" / "reference_configs"
OWN = sorted((ROOT / "configs").glob("*.json"))

VERBS: dict[str, Verb] = {
    "eval_gym_hil_env_fql.json": "eval",
    "gym_hil_env.json": "record",
    "gym_hil_env_metaquest.json": "teleop",
    "reward_classifier_train_config.json": "train",
    "train_gym_hil_env_fql.json": "learner",
    "train_gym_hil_env_fql_ft.json": "actor",
    "train_gym_hil_env_sac.json": "train",
}


def file_of(name: str) -> Path:
    path = USERS / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path


def overrides_for(name: str) -> list[str]:
    policy = json.loads(file_of(name).read_text()).get("policy")
    common = ["device=cpu", "dataset.root=data"]
    return common + (["policy.device=cpu"] if policy else [])


@pytest.mark.parametrize("name", VERBS)
def test_a_users_file_loads_and_serves_its_command(name: str) -> None:
    config = load_config(file_of(name), overrides_for(name))
    require(config, VERBS[name])
    assert config.device_name == "cpu"
    assert load_config(json.loads(to_json(config))) == config


@pytest.mark.parametrize("name", VERBS)
def test_every_value_of_a_users_file_arrives(name: str) -> None:
    """What the file says is what the configuration holds: nothing is dropped or replaced by a default."""
    said = json.loads(file_of(name).read_text())
    held = json.loads(to_json(load_config(file_of(name))))
    moved = [("optimizer",), ("env", "pretrained_policy_name_or_path")]
    moved += [("env", "robot")] if said.get("env", said).get("robot", 0) is None else []  # null: the Panda
    lost = [path for path in differences(said, held) if path not in moved]
    assert lost == []


def differences(said: Any, held: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(said, dict) and isinstance(held, dict):
        return [d for key, value in said.items() for d in differences(value, held.get(key), (*path, key))]
    return [] if said == held else [path]


def test_the_start_says_what_will_be_otherwise() -> None:
    ignored, save_freq = remarks(load_config(file_of("train_gym_hil_env_fql.json")))
    assert "num_workers" in ignored
    assert "every 60 s" in save_freq
    assert remarks(load_config({"save_freq": 10})) == []


def test_what_has_no_effect_is_known() -> None:
    config = load_config(file_of("train_gym_hil_env_sac.json"))
    assert {"num_workers", "policy.storage_device", "policy.concurrency.actor"} <= set(without_effect(config))


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_the_projects_own_files_load(file: Path) -> None:
    config = load_config(file)
    assert without_effect(config) == []
    require(config, "train" if config.policy else "record" if config.mode else "teleop")


@pytest.mark.parametrize(
    ("source", "verb", "part"),
    [
        ({}, "train", "policy.type: missing"),
        ({"policy": {"pretrained_path": "x"}}, "train", "policy.type: missing"),
        ({"policy": {"type": "reward_classifier"}}, "train", "dataset.root: missing"),
        ({"policy": {"type": "reward_classifier"}}, "learner", "hilt train"),
        ({}, "record", "dataset.repo_id: missing"),
        ({"repo_id": "a/b"}, "replay", "dataset.replay_episode: missing"),
        ({"policy": {"type": "sac"}}, "eval", "policy.pretrained_path: missing"),
    ],
)
def test_what_a_command_lacks_is_named(source: dict[str, Any], verb: Verb, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        require(load_config(source), verb)


def test_the_dataset_folder_follows_the_ecosystem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_LEROBOT_HOME", "/data")
    assert load_config({"repo_id": "a/b"}).dataset.directory == Path("/data/a/b")
    assert load_config({"dataset": {"repo_id": "a/b", "root": "here"}}).dataset.directory == Path("here")
    assert load_config({}).dataset.directory is None


def test_all_action_sizes_have_a_mode() -> None:
    assert set(ACTION_MODES) == {3, 4, 6, 7}
