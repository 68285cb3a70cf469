"""Recording and replaying in the real simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilt.build.datasets import read_transitions
from hilt.build.envs import make_environment
from hilt.commands.record import record_episodes as record
from hilt.commands.replay import replay_episode as replay
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter, Origin
from hilt.data.lerobot.hub import push_to_hub
from hilt.data.transition import Controller


def configure(root: Path, *overrides: str, **env: Any) -> RunConfig:
    return load_config(
        {
            "env": {"task": "hilt/PickCube-v0", "number_of_steps_after_success": 3, **env},
            "dataset": {"root": str(root), "num_episodes_to_record": 2, "task": "pick the cube"},
            "operator": "scripted",
            "output_dir": str(root.parent / "replay"),
        },
        overrides,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    config = configure(tmp_path_factory.mktemp("recorded") / "set")
    record(config)
    return config


def test_an_operator_alone_is_in_control_at_every_step(recorded: RunConfig) -> None:
    reader = DatasetReader(recorded.dataset.root or "", fps=10)
    assert len(reader.episodes) == 2
    assert [episode.task for episode in reader.episodes] == ["pick the cube"] * 2
    for step in reader.transitions():
        assert step.controller is Controller.OPERATOR


def features_of(config: RunConfig) -> dict[str, Any]:
    return json.loads((Path(config.dataset.root or "") / "meta/info.json").read_text())["features"]


def test_what_nobody_proposes_is_not_recorded(recorded: RunConfig) -> None:
    assert "complementary_info.policy_action" not in features_of(recorded)
    for step in DatasetReader(recorded.dataset.root or "").transitions():
        np.testing.assert_array_equal(step.policy_action, step.action)


@pytest.mark.parametrize("task", ["PickCube", "ArrangeBoxes", "PegInsertion"])
@pytest.mark.parametrize("more", [{}, {"force_torque": True, "action_mode": "ee_delta_pose"}], ids=str)
def test_every_number_has_a_name(task: str, more: dict[str, Any]) -> None:
    env = make_environment(load_config({"env": {"task": f"hilt/{task}-v0", **more}}))
    sizes = {**env.schema.observation, "action": env.schema.action}
    assert {name: (len(names),) for name, names in env.names.items()} == {
        name: feature.shape for name, feature in sizes.items()
    }
    assert all(len(set(names)) == len(names) for names in env.names.values())
    env.close()


def test_names_are_in_the_dataset(recorded: RunConfig) -> None:
    features = features_of(recorded)
    assert features["action"]["names"] == ["delta_x", "delta_y", "delta_z", "gripper"]
    assert features["observation.state"]["names"][14:16] == ["gripper.opening", "tcp.x"]
    assert features["observation.environment_state"]["names"][0] == "cube.x"


def test_a_dataset_without_names_and_with_proposals_is_recorded_into(tmp_path: Path) -> None:
    """As hilt wrote them before."""
    config = configure(tmp_path / "set", "dataset.num_episodes_to_record=1")
    env = make_environment(config)
    with DatasetWriter(tmp_path / "set", env.schema, fps=10, task="pick", origin=Origin()) as writer:
        for step in read_transitions(recorded_again(tmp_path / "other"), env.schema):
            writer.add(step)
        writer.finish_episode()
    env.close()
    record(config.model_copy(update={"resume": True}))
    assert "complementary_info.policy_action" in features_of(config)
    assert len(DatasetReader(tmp_path / "set").episodes) == 2


def recorded_again(root: Path) -> RunConfig:
    config = configure(root, "dataset.num_episodes_to_record=1")
    record(config)
    return config


def test_positives_after_success_stay_labelled(recorded: RunConfig) -> None:
    reader = DatasetReader(recorded.dataset.root or "")
    for episode in reader.episodes:
        steps = reader.episode(episode)
        success = [step.is_success for step in steps]
        assert success[-4:] == [True] * 4
        assert [step.reward for step in steps] == [float(label) for label in success]
        assert [step.terminated for step in steps] == [False] * (len(steps) - 1) + [True]


def test_replay_reaches_the_same_states(recorded: RunConfig) -> None:
    for number in range(2):
        root = Path(recorded.dataset.root or "")
        result = replay(configure(root, f"dataset.replay_episode={number}"))
        assert result.has_initial_state
        assert result.largest_deviation == 0
        assert result.is_success
        assert result.video is None or result.video.stat().st_size > 1000


def test_resume_appends_other_episodes(tmp_path: Path) -> None:
    config = configure(tmp_path / "set", "dataset.num_episodes_to_record=1")
    record(config)
    with pytest.raises(DatasetError, match="already holds a dataset"):
        record(config)
    record(configure(tmp_path / "set", "resume=true"))
    reader = DatasetReader(tmp_path / "set")
    states = [episode.note.initial_state for episode in reader.episodes if episode.note is not None]
    assert len(states) == 3
    assert all(np.abs(states[a] - states[b]).max() > 1e-3 for a, b in ((0, 1), (0, 2), (1, 2)))


def test_what_was_recorded_can_be_trained_on(recorded: RunConfig) -> None:
    env = make_environment(recorded)
    steps = list(read_transitions(recorded, env.schema))
    assert steps[0].observation.keys() == env.schema.observation.keys()
    assert sum(step.done for step in steps) == 2


def test_stopping_keeps_finished_episodes_only(tmp_path: Path) -> None:
    asked = iter(range(10_000))
    recording = record(configure(tmp_path / "set"), should_stop=lambda: next(asked) > 25)
    assert recording.discarded == 1
    assert len(recording.episodes) == 1
    assert len(DatasetReader(tmp_path / "set").episodes) == 1


def test_nobody_at_the_controls_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody drives"):
        record(configure(tmp_path / "set", "operator=none"))
    assert not (tmp_path / "set").exists()


def test_a_failed_upload_keeps_the_data_and_says_how_to_try_again(recorded: RunConfig) -> None:
    script = f"""
from pathlib import Path
from hilt.data.lerobot.hub import push_to_hub
push_to_hub(Path({recorded.dataset.root!r}), "nobody/nothing")
"""
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "hf_none"}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60
    )
    assert f"hf upload nobody/nothing {recorded.dataset.root} --repo-type dataset" in result.stderr
    assert len(DatasetReader(recorded.dataset.root or "").episodes) == 2


def test_an_upload_sends_the_folder_and_marks_the_version(
    recorded: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub")
    calls: list[tuple[str, dict[str, Any]]] = []
    for name in ("create_repo", "upload_folder", "create_tag"):
        monkeypatch.setattr(
            huggingface_hub.HfApi, name, lambda self, *_, name=name, **options: calls.append((name, options))
        )
    push_to_hub(Path(recorded.dataset.root or ""), "me/set", private=True)
    assert [name for name, _ in calls] == ["create_repo", "upload_folder", "create_tag"]
    assert calls[0][1]["private"] is True
    assert calls[2][1]["tag"] == "v3.0"
