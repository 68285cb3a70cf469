"""What is wrong in a configuration is one line: where, which key, its value, what is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hilt.algorithms.sac.config import SACConfig
from hilt.config import (
    ClassifierConfig,
    ConfigError,
    PretrainedConfig,
    config_file,
    load_config,
    to_json,
    without_effect,
)


def error_of(source: Any, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(source, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ({"polcy": {}}, ["polcy", 'closest is "policy"']),
        ({"env": {"taks": "x"}}, ["env.taks", '"env.task"']),
        ({"policy": {"type": "sac", "num_critic": 2}}, ["policy.num_critic = 2", '"policy.num_critics"']),
        (
            {"policy": {"type": "sac", "learner_port": 1}},
            ["policy.learner_port", '"policy.actor_learner_config.learner_port"'],
        ),
        ({"policy": {"type": "sac", "alpha": 3.0}}, ["policy.alpha", '"sac"', "only in acfql"]),
        ({"env": {"processor": {"gripper": {"use_griper": 1}}}}, ["env.processor.gripper.use_griper = 1"]),
    ],
)
def test_an_unknown_key_is_named_with_its_path_and_the_closest(
    source: dict[str, Any], parts: list[str]
) -> None:
    message = error_of(source)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ({"seed": "x"}, ['seed = "x"', "integer"]),
        ({"seed": 1.5}, ["seed = 1.5", "integer"]),
        ({"env": {"fps": True}}, ["env.fps = true", "integer"]),
        ({"env": {"fps": 0}}, ["env.fps = 0", "greater than or equal to 1"]),
        ({"env": []}, ["env = []", "object"]),
        ({"mode": "teach"}, ['mode = "teach"', "'record' or 'replay'"]),
        ({"device": "gpu"}, ['device = "gpu"']),
        ({"policy": {"type": "act"}}, ['policy.type = "act"', "sac, acfql, hg_dagger, reward_classifier"]),
        ({"policy": {}}, ["policy.type", "sac, acfql, hg_dagger, reward_classifier"]),
        ({"policy": {"type": "sac", "discount": 1.5}}, ["policy.discount = 1.5", "less than or equal to 1"]),
        ({"policy": {"type": "sac", "num_discrete_actions": 5}}, ["policy.num_discrete_actions = 5", "3"]),
        (
            {"policy": {"type": "sac", "num_critics": 2, "num_subsample_critics": 3}},
            ["policy.num_subsample_critics = 3", "num_critics, 2"],
        ),
        (
            {"policy": {"type": "acfql", "chunk_size": 5, "n_action_steps": 6}},
            ["policy.n_action_steps = 6", "chunk_size, 5"],
        ),
        (
            {"policy": {"type": "sac", "critic_network_kwargs": {"hidden_dims": [256, 0]}}},
            ["policy.critic_network_kwargs.hidden_dims.1 = 0", "greater than 0"],
        ),
        ({"env": {"task": "PandaPickCub-v0"}}, ["env.task", "PandaPickCube-v0"]),
        ({"env": {"processor": {"control_mode": "leader"}}}, ["env.processor.control_mode", "'gamepad'"]),
        ({"operator": "ghost"}, ['operator = "ghost"', "scripted", "package.module:Class"]),
        ({"env": {"processor": {"gripper": {"gripper_penalty": 0.1}}}}, ["gripper_penalty = 0.1", "0"]),
        ({"job_name": "a/b"}, ['job_name = "a/b"']),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(source: dict[str, Any], parts: list[str]) -> None:
    message = error_of(source)
    assert all(part in message for part in parts), message


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "nan.json", '{"log_freq": 1, "save_every_s": NaN}')
    assert "save_every_s" in error_of(file)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"seed": 1,\n "device" "cpu"}', ["line 2, column 11"]),
        ("", ["line 1, column 1"]),
        ("[1]", ["must be a JSON object"]),
        ('{"seed": 1, "seed": 2}', ["seed = 1 and 2", "say it once"]),
        ("[" * 100_000, ["nested too deep"]),
        ("9" * 5000, ["a number that is too long"]),
    ],
)
def test_malformed_json_is_located(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = write(tmp_path / "broken.json", text)
    message = error_of(file)
    assert message.startswith(f"{file}: ")
    assert all(part in message for part in parts), message


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "not a text in UTF-8" in error_of(binary)
    assert "No such file" in error_of(tmp_path / "missing.json")
    assert "a folder without" in error_of(tmp_path)


def test_the_error_says_whether_file_or_command_line_is_wrong(tmp_path: Path) -> None:
    file = write(tmp_path / "run.json", '{"batch_size": 0}')
    assert error_of(file).startswith(f"{file}: batch_size = 0")
    assert error_of(file, "batch_size=-1").startswith("command line: batch_size = -1")
    assert error_of(file, "batch_size=4", "nonsense=1").startswith("command line: nonsense = 1")


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"env": {"robot": {"type": "so100_follower"}}}, "env.robot"),
        ({"env": {"teleop": {"type": "so101_leader"}}}, "env.teleop"),
        ({"env": {"name": "real_robot"}}, "env.name"),
        ({"peft": {"r": 8}}, "peft"),
        ({"policy": {"type": "sac", "n_obs_steps": 2}}, "policy.n_obs_steps"),
        ({"env": {"processor": {"gripper": {"max_bound_gripper_pos": 30.0}}}}, "max_bound_gripper_pos"),
    ],
)
def test_what_would_change_the_result_is_refused_with_the_reason(source: dict[str, Any], path: str) -> None:
    message = error_of(source)
    assert path in message
    assert "refused, " in message


def test_what_asks_for_nothing_is_not_refused() -> None:
    config = load_config({"env": {"robot": None, "teleop": None, "name": "gym_hil"}, "peft": None})
    assert without_effect(config) == []


def test_keys_without_effect_are_listed() -> None:
    source = {
        "num_workers": 4,
        "optimizer": None,
        "policy": {"type": "sac", "concurrency": {"actor": "threads"}},
    }
    assert without_effect(load_config(source)) == ["policy.concurrency.actor", "num_workers"]


def test_overrides_win_and_are_json_where_they_are() -> None:
    config = load_config(
        {"seed": 1, "policy": {"type": "sac", "critic_network_kwargs": {"hidden_dims": [64]}}},
        [
            "seed=2",
            "resume=True",
            "policy.critic_network_kwargs.hidden_dims=[32, 32]",
            "policy.vision_encoder_name=null",
            "env.processor.reset.control_time_s=3",
            "job_name=42",
        ],
    )
    assert isinstance(config.policy, SACConfig)
    assert (config.seed, config.resume, config.job_name) == (2, True, "42")
    assert config.policy.critic_network_kwargs.hidden_dims == [32, 32]
    assert config.env.processor.reset.control_time_s == 3.0


def test_an_override_reaches_names_with_dots_in_them() -> None:
    features = {"observation.state": {"type": "STATE", "shape": [18]}}
    config = load_config({"env": {"features": features}}, ["env.features.observation.state.shape=[42]"])
    assert config.env.force_torque


def test_an_override_below_a_value_is_an_error() -> None:
    assert "it has no keys" in error_of({"seed": 1}, "seed.x=1")
    assert "key=value" in error_of({}, "seed")


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ("repo_id", "dataset.repo_id"),
        ("dataset_root", "dataset.root"),
        ("reward_classifier_pretrained_path", "env.processor.reward_classifier.pretrained_path"),
    ],
)
def test_flat_keys_mean_the_nested_ones(flat: str, nested: str) -> None:
    assert load_config({flat: "a"}) == load_config({}, [f"{nested}=a"]) == load_config({}, [f"{flat}=a"])
    for message in (error_of({flat: "a"} | nest(nested, "b")), error_of({}, f"{flat}=a", f"{nested}=b")):
        assert flat in message
        assert nested in message
        assert "say it once" in message
    assert load_config({flat: "a"} | nest(nested, "a")) == load_config({flat: "a"})


def nest(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value  # type: ignore[no-any-return]


def test_the_command_line_beats_an_alias_in_the_file() -> None:
    config = load_config({"fps": 10, "num_episodes": 3}, ["env.fps=20", "num_episodes=4"])
    assert (config.env.fps, config.dataset.num_episodes_to_record) == (20, 4)


def test_the_newer_generation_is_folded_into_policy() -> None:
    newer = load_config(
        {
            "policy": {"type": "gaussian_actor", "latent_dim": 32},
            "algorithm": {"type": "sac", "utd_ratio": 3, "clip_grad_norm": 7.0},
        },
        ["algorithm.discount=0.9"],
    )
    older = {"type": "sac", "latent_dim": 32, "utd_ratio": 3, "grad_clip_norm": 7.0, "discount": 0.9}
    assert newer == load_config({"policy": older})
    message = error_of({"policy": {"type": "sac", "utd_ratio": 2}, "algorithm": {"utd_ratio": 3}})
    assert "algorithm.utd_ratio = 3 and policy.utd_ratio = 2" in message


def test_a_reward_model_is_a_classifier_wherever_it_stands() -> None:
    config = load_config({"reward_model": {"num_cameras": 1, "type": "reward_classifier"}})
    assert config.policy == ClassifierConfig(num_cameras=1)
    config = load_config({"reward_model": {"num_cameras": 1}}, ["policy.vision_encoder_name=null"])
    assert config.policy == ClassifierConfig(num_cameras=1)


def test_the_classifier_takes_its_optimiser_from_either_place() -> None:
    config = load_config({"policy": {"type": "reward_classifier"}, "optimizer": {"grad_clip_norm": 10.0}})
    assert isinstance(config.policy, ClassifierConfig)
    assert config.policy.grad_clip_norm == 10.0
    assert without_effect(config) == []


def test_a_policy_that_is_only_pointed_at_needs_no_type() -> None:
    config = load_config({"env": {"pretrained_policy_name_or_path": "old"}}, ["policy.path=new"])
    assert config.policy == PretrainedConfig(pretrained_path="new")


def test_explicit_keys_win_over_the_preset() -> None:
    reference = SACConfig(preset="reference")
    assert (reference.num_critics, reference.n_step) == (2, 1)
    mixed = load_config({"policy": {"type": "sac", "preset": "reference", "num_critics": 5}}).policy
    assert isinstance(mixed, SACConfig)
    assert (mixed.num_critics, mixed.n_step) == (5, 1)


def test_a_preset_fills_only_what_a_subsection_leaves_open() -> None:
    source = {"type": "acfql", "preset": "reference", "actor_network_kwargs": {"layer_norm": True}}
    policy = load_config({"policy": source}).policy
    assert policy is not None
    assert to_json(load_config({"policy": source})).count("512") == 8
    assert policy.actor_network_kwargs.layer_norm  # type: ignore[union-attr]


@pytest.mark.parametrize("policy_type", ["sac", "acfql", "reward_classifier"])
@pytest.mark.parametrize("preset", ["hilt", "reference"])
def test_the_resolved_configuration_loads_as_itself(policy_type: str, preset: str) -> None:
    policy = {"type": policy_type} | ({} if policy_type == "reward_classifier" else {"preset": preset})
    task = {"task": "PandaPickCubeFtGamepad-v0", "number_of_steps_after_success": 3}
    config = load_config({"policy": policy, "env": task, "num_workers": 2}, ["ui.port=0"])
    resolved = json.loads(to_json(config))
    assert load_config(resolved) == config
    assert to_json(load_config(resolved)) == to_json(config)
    assert without_effect(load_config(resolved)) == ["num_workers"]


def test_the_source_is_left_alone() -> None:
    source = {"fps": 20, "policy": {"type": "gaussian_actor"}}
    load_config(source, ["policy.latent_dim=8"])
    assert source == {"fps": 20, "policy": {"type": "gaussian_actor"}}


def test_a_saved_policy_leads_to_its_training_configuration(tmp_path: Path) -> None:
    saved = write(tmp_path / "train_config.json", '{"seed": 7}')
    write(tmp_path / "config.json", '{"type": "sac"}')
    for name in ("missing.json", "config.json"):
        file, remark = config_file(tmp_path / name)
        assert file == saved
        assert remark is not None
        assert "train_config.json" in remark
    assert config_file(tmp_path) == (saved, None)
    assert config_file(saved) == (saved, None)
    assert load_config(tmp_path / "missing.json").seed == 7


def test_loading_imports_no_torch() -> None:
    code = "import sys; from hilt.config import load_config; load_config(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
