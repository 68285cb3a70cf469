"""The hub in both directions, with the real client, against a server of the tests on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hilt.build import dataset_download
from hilt.build.dataset_download import DownloadStoppedError
from hilt.build.datasets import local_dataset, open_dataset, recorded_schema
from hilt.build.models import is_hub_id, model_folder
from hilt.build.policies import load_policy
from hilt.build.rewards import load_reward_function
from hilt.build.upload import ModelUploadError, publish
from hilt.commands.main import main
from hilt.commands.record import record_episodes
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter
from hilt.data.lerobot.hub import push_to_hub
from hilt.data.transition import Controller, Feature, Schema, Transition
from hilt.networks.hub import find_model
from hilt.rewards.calibration import Quality, per_class
from hilt.rewards.model import ClassifierSpec, RewardClassifier
from hilt.rewards.report import Report
from hilt.runs.checkpoints import CheckpointError, write_model
from tests.networks.hub_server import TOKEN, Hub, serving
from tests.networks.resnet10_files import SECOND, weights
from tests.networks.resnet10_files import write as write_resnet10

hub_client = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")

import numpy as np  # noqa: E402

STATE, FRONT, WRIST = "observation.state", "observation.images.front", "observation.images.wrist"
SCHEMA = Schema(
    {STATE: Feature((3,)), FRONT: Feature((3, 32, 32), "uint8"), WRIST: Feature((3, 32, 32), "uint8")},
    Feature((2,)),
)
ONE_CAMERA = Schema({STATE: SCHEMA.observation[STATE], FRONT: SCHEMA.observation[FRONT]}, SCHEMA.action)


def write_dataset(root: Path, episodes: int = 3) -> Path:
    rng = np.random.default_rng(0)

    def look() -> dict[str, np.ndarray]:
        pictures = {name: rng.integers(0, 255, (3, 32, 32), np.uint8) for name in (FRONT, WRIST)}
        return {STATE: rng.normal(size=3).astype(np.float32), **pictures}

    with DatasetWriter(root, SCHEMA, fps=10, task="look") as writer:
        for _ in range(episodes):
            for step in range(4):
                writer.add(
                    Transition(
                        observation=look(),
                        action=np.zeros(2, np.float32),
                        policy_action=np.zeros(2, np.float32),
                        controller=Controller.OPERATOR,
                        reward=float(step == 3),
                        terminated=step == 3,
                        truncated=False,
                        next_observation=look(),
                        discrete_penalty=0.0,
                        episode_id=0,
                        step=step,
                        is_success=step == 3,
                    )
                )
            writer.finish_episode(seed=1)
    return root


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("recorded") / "set")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that this process talks to, from a home of its own, where nobody is logged in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path / "lerobot"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(tmp_path / "tokens"))
    with serving() as server:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long between two attempts, and little of what had arrived is lost."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))


def named(repo_id: str = "me/set", **said: Any) -> RunConfig:
    return load_config({"dataset": {"repo_id": repo_id, **said}})


def test_a_dataset_is_named_by_its_id_alone(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    hub.add("datasets", "me/set", dataset / "data", "main")
    read = list(open_dataset(named()).transitions())
    recorded = list(DatasetReader(dataset).transitions())
    assert len(read) == len(recorded)
    for one, other in zip(read, recorded, strict=True):
        for name in SCHEMA.observation:
            np.testing.assert_array_equal(one.observation[name], other.observation[name])
    assert (tmp_path / "lerobot/me/set/meta/info.json").is_file()
    hub.log.clear()
    assert len(list(open_dataset(named()).transitions())) == len(recorded)
    assert hub.log == []


def test_only_episodes_and_cameras_that_are_needed_are_downloaded(
    hub: Hub, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    assert recorded_schema(named()) == SCHEMA
    assert hub.asked_for("data/") == hub.asked_for("videos/") == []
    assert len(open_dataset(named(episodes=[1]), ONE_CAMERA).episodes) == 1
    assert hub.asked_for("data/") == ["data/chunk-000/file-001.parquet"]
    assert hub.asked_for("videos/") == [f"videos/{FRONT}/chunk-000/file-001.mp4"]
    said = capsys.readouterr().err
    assert re.search(r"downloading me/set \(2 files, \d+\.\d MB\) to .*me/set", said)
    open_dataset(named())
    assert len(hub.asked_for("data/")) == 3
    assert len(hub.asked_for("videos/")) == 6


def test_another_revision_is_another_dataset(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    hub.add("datasets", "me/set", write_dataset(tmp_path / "short", 1), "short")
    assert len(open_dataset(named()).episodes) == 3
    assert len(open_dataset(named(revision="short")).episodes) == 1
    assert len(open_dataset(named()).episodes) == 3
    with pytest.raises(DatasetError, match="me/set has no revision 'long' on the hub"):
        open_dataset(named(revision="long"))


def test_a_dataset_without_a_tag_is_taken_from_main_if_its_version_is_right(
    hub: Hub, dataset: Path, tmp_path: Path
) -> None:
    hub.add("datasets", "me/untagged", dataset)
    assert len(open_dataset(named("me/untagged")).episodes) == 3
    (tmp_path / "old/meta").mkdir(parents=True)
    (tmp_path / "old/meta/info.json").write_text('{"codebase_version": "v2.1"}')
    hub.add("datasets", "me/old", tmp_path / "old")
    with pytest.raises(DatasetError, match=r"me/old on the hub is of version 'v2.1', hilt reads v3.0"):
        open_dataset(named("me/old"))
    assert not (tmp_path / "lerobot/me/old").exists()


def test_a_private_dataset_needs_the_users_token(
    hub: Hub, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0", is_private=True)
    with pytest.raises(DatasetError, match="no dataset on the hub, or a private one: log in"):
        open_dataset(named())
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert len(open_dataset(named()).episodes) == 3


@pytest.mark.usefixtures("impatient")
def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub, dataset: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    data = "data/chunk-000/file-000.parquet"
    hub.cuts[data] = [1000, 500, 500]
    read = open_dataset(named(episodes=[0]), ONE_CAMERA)
    assert len(list(read.transitions())) == 4
    ranges = [sent for verb, path, sent in hub.log if verb == "GET" and path == data]
    assert ranges[:1] == [""]
    assert len(ranges) == 4
    assert all(sent.startswith("bytes=") for sent in ranges[1:])


@pytest.mark.usefixtures("impatient")
def test_a_download_that_broke_off_goes_on_the_next_time(
    hub: Hub, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_download, "_WORKERS", 1)
    hub.add("datasets", "me/set", dataset, "v3.0")
    video = f"videos/{WRIST}/chunk-000/file-002.mp4"
    hub.cuts[video] = [700, *[0] * 100]
    with pytest.raises(
        DatasetError, match=rf"{video} of me/set broke off \(8 of 9.*the same command goes on"
    ):
        open_dataset(named())
    hub.cuts.clear()
    hub.log.clear()
    assert len(list(open_dataset(named()).transitions())) == 12
    assert hub.asked_for() == [video]
    folder = tmp_path / "lerobot/me/set"
    assert (folder / video).read_bytes() == (dataset / video).read_bytes()


@pytest.mark.usefixtures("impatient")
def test_meta_that_broke_off_is_not_taken_for_whole(hub: Hub, dataset: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    table = "meta/episodes/chunk-000/file-000.parquet"
    hub.cuts[table] = [0] * 100
    with pytest.raises(DatasetError, match="broke off"):
        open_dataset(named())
    hub.cuts.clear()
    assert len(open_dataset(named()).episodes) == 3


def test_a_download_can_be_stopped(hub: Hub, dataset: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    with pytest.raises(DownloadStoppedError, match="the same command goes on") as stopped:
        local_dataset(named(), should_stop=lambda: len(hub.log) > 3)
    assert stopped.value.exit_code == 130
    assert len(open_dataset(named()).episodes) == 3


def test_what_was_recorded_here_is_never_asked_of_the_hub(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "lerobot/me/set")
    assert len(open_dataset(named()).episodes) == 3
    (tmp_path / "lerobot/me/set/data/chunk-000/file-001.parquet").unlink()
    with pytest.raises(DatasetError, match=r"file-001.parquet is missing: the dataset is not complete"):
        open_dataset(named())
    assert hub.log == []


def test_what_was_downloaded_by_lerobot_is_completed(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.add("datasets", "me/set", dataset, "v3.0")
    folder = tmp_path / "lerobot/me/set"
    hub_client.snapshot_download(
        "me/set", repo_type="dataset", revision="v3.0", local_dir=folder, allow_patterns="meta/*"
    )
    hub.log.clear()
    assert len(open_dataset(named()).episodes) == 3
    assert hub.asked_for("meta/") == []
    assert len(hub.asked_for("data/")) == 3


def test_offline_and_absent_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    words = r"^me/set is not in .*offline\?.*hf download me/set --repo-type dataset --revision v3.0"
    with pytest.raises(DatasetError, match=words):
        open_dataset(named())
    with pytest.raises(CheckpointError, match=r"^me/policy: no such folder.*hf download me/policy"):
        model_folder("me/policy")


def test_without_the_clients_package_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match=r"pip install 'hilt\[hub\]'"):
        open_dataset(named())
    with pytest.raises(CheckpointError, match=r"pip install 'hilt\[hub\]'"):
        model_folder("me/policy")


CAMERA = Feature((3, 32, 32), "uint8")


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """Untrained, which is enough to be saved, sent and loaded."""
    model = RewardClassifier(
        ClassifierSpec({FRONT: CAMERA.shape}, {}, {FRONT: {"mean": [0.5] * 3, "std": [0.3] * 3}})
    )
    write_model(tmp_path / "classifier", model.spec.to_json(), model.state_dict(), {})
    return tmp_path / "classifier"


def test_a_classifier_of_the_hub_judges_and_relabels(
    hub: Hub, dataset: Path, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("models", "me/classifier", classifier)
    hub.add("datasets", "me/set", dataset, "v3.0")
    judge = {"reward_classifier": {"pretrained_path": "me/classifier"}}
    camera = {FRONT: {"type": "VISUAL", "shape": [3, 32, 32]}}
    reward = load_reward_function(load_config({"env": {"features": camera, "processor": judge}}).env)
    assert reward is not None
    assert reward.features == [FRONT]
    assert main(["relabel", "--dataset=me/set", "--classifier=me/classifier", "--output=new"]) == 0
    assert len(DatasetReader(tmp_path / "new").episodes) == 3
    assert main(["data", "info", "me/set"]) == 0
    assert "3, 3 successful" in capsys.readouterr().out


def test_an_encoder_of_the_hub_is_found_by_its_id(hub: Hub, tmp_path: Path) -> None:
    write_resnet10(tmp_path / "resnet10", weights(SECOND))
    (tmp_path / "resnet10/modeling.py").write_text("raise SystemExit")
    hub.add("models", "helper/resnet10", tmp_path / "resnet10")
    folder = find_model("helper/resnet10")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert hub.asked_for("modeling.py") == []


def test_a_trained_classifier_is_uploaded_with_its_report(
    hub: Hub, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    shutil.copytree(classifier, tmp_path / "run/checkpoints/last/pretrained_model")
    told = Quality(n=20, accuracy=0.9, precision=0.95, recall=0.8, false_positives=1, false_negatives=1)
    classes = per_class(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 1]), 3)
    Report(0.7, 0.99, 0.97, told, told, classes, 100, [1]).write(tmp_path / "run/report/report.json")
    policy = {"type": "reward_classifier", "push_to_hub": True, "repo_id": "me/judge", "private": True}
    publish(load_config({"policy": policy, "output_dir": "run"}), tmp_path / "run")
    stored = hub.repositories["models", "me/judge"]
    assert stored.is_private
    card = stored.revisions["main"]["README.md"].decode()
    for words in (
        "| recall | 80.0% |",
        "| class 1 | precision 100.0%, recall 50.0%",
        "pretrained_path=me/judge",
    ):
        assert words in card


@pytest.mark.usefixtures("impatient")
def test_a_failed_upload_says_how_to_try_again(
    hub: Hub, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    shutil.copytree(classifier, tmp_path / "run/checkpoints/last/pretrained_model")
    hub.broken_commits = 100
    policy = {"type": "sac", "push_to_hub": True, "repo_id": "me/policy"}
    with pytest.raises(
        ModelUploadError, match=r"what was trained is safe. Try again: hf upload me/policy .*run/hub"
    ):
        publish(load_config({"policy": policy}), tmp_path / "run")
    assert "It was not evaluated." in (tmp_path / "run/hub/README.md").read_text()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("me/policy", True), ("policy", False), ("/me/policy", False), ("a/b/c", False), ("../policy", False)],
)
def test_hub_ids_have_a_form(name: str, expected: bool) -> None:
    assert is_hub_id(name) == expected


def test_a_folder_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me/policy").mkdir(parents=True)
    assert model_folder("me/policy") == Path("me/policy")


@pytest.mark.usefixtures("impatient")
def test_an_upload_survives_a_broken_connection(
    hub: Hub, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(dataset, tmp_path / "set")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.broken_commits = 1
    push_to_hub(tmp_path / "set", "me/set", private=True)
    stored = hub.repositories["datasets", "me/set"]
    assert stored.is_private
    assert stored.revisions.keys() == {"main", "v3.0"}
    assert len(open_dataset(named()).episodes) == 3


TRAIN = {
    "env": {"task": "hilt/PickCube-v0", "processor": {"reset": {"control_time_s": 2.0}}},
    "dataset": {"repo_id": "me/cubes"},
    "policy": {
        "type": "sac",
        "push_to_hub": True,
        "repo_id": "me/policy",
        "tags": ["cube"],
        "license": "apache-2.0",
        "online_step_before_learning": 5,
        "online_steps": 20,
        "pretrain_updates": 2,
        "critic_warmup_updates": 0,
    },
    "batch_size": 8,
    "operator": "none",
    "eval": {"n_episodes": 2, "videos": 1},
    "output_dir": "run",
}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cubes") / "set"
    record_episodes(
        load_config(
            {
                "dataset": {"root": str(root), "num_episodes_to_record": 2},
                "operator": "scripted",
                "ui": {"enable": False},
            }
        )
    )
    return root


def hilt(hub: Hub, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of a user who knows the hub by its address only."""
    home = {"HF_HOME": str(folder / "home"), "HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN}
    environment = {**os.environ, **home, "HF_LEROBOT_HOME": str(folder / "lerobot")}
    return subprocess.run(
        [sys.executable, "-m", "hilt", *words, "--no-ui"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=100,
    )


def test_from_the_hub_and_back(hub: Hub, cubes: Path, tmp_path: Path) -> None:
    hub.add("datasets", "me/cubes", cubes, "v3.0")
    (tmp_path / "train.json").write_text(json.dumps(TRAIN))
    trained = hilt(hub, tmp_path, "train", "--config_path", "train.json")
    assert trained.returncode == 0, trained.stderr
    assert "uploaded to" in trained.stderr
    files = hub.repositories["models", "me/policy"].revisions["main"]
    assert files.keys() >= {"config.json", "model.safetensors", "train_config.json", "eval.json", "README.md"}
    header, _, card = files["README.md"].decode().removeprefix("---\n").partition("\n---\n")
    said = json.loads(header)
    assert said["license"] == "apache-2.0"
    assert said["datasets"] == ["me/cubes"]
    assert {"hilt", "cube"} <= set(said["tags"])
    figures = json.loads(files["eval.json"])
    assert f"{figures['success_rate']:.1%} of 2 episodes" in card
    assert "hilt eval --config_path model/train_config.json" in card
    assert str(tmp_path) not in "".join(
        files[name].decode() for name in files if name.endswith((".json", ".md"))
    )
    if "film.mp4" in files:
        assert "<video" in card

    (tmp_path / "train_config.json").write_bytes(files["train_config.json"])
    evaluated = hilt(
        hub,
        tmp_path,
        *("eval", "--config_path", "train_config.json", "--policy.pretrained_path=me/policy"),
        *("--eval.n_episodes=1", "--eval.videos=0"),
    )
    assert evaluated.returncode == 0, evaluated.stderr
    assert (tmp_path / "outputs/eval/me/policy/eval.json").is_file()


def test_a_policy_of_the_hub_is_loaded_and_then_needs_no_network(
    hub: Hub, cubes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRAIN["policy"], "push_to_hub", False)  # type: ignore[arg-type]
    hub.add("datasets", "me/cubes", cubes, "v3.0")
    (tmp_path / "train.json").write_text(json.dumps(TRAIN))
    said = hilt(
        hub, tmp_path, "train", "--config_path", "train.json", "--eval.n_episodes=1", "--eval.videos=0"
    )
    assert said.returncode == 0, said.stderr
    assert ("models", "me/policy") not in hub.repositories
    hub.add("models", "me/policy", tmp_path / "run/checkpoints/last/pretrained_model")
    assert STATE in load_policy("me/policy").features
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert STATE in load_policy("me/policy").features


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["--policy.push_to_hub=true"], "policy.repo_id: missing"),
        (
            ["--policy.push_to_hub=true", "--policy.repo_id=me/x", "--save_checkpoint=false"],
            "nothing to upload",
        ),
        (["--policy.push_to_hub=true", "--policy.repo_id=me/x"], "nobody is logged in: `hf auth login`"),
    ],
)
def test_an_upload_that_cannot_work_is_refused_before_training(
    hub: Hub, keys: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--policy.type=sac", "--no-ui", *keys]) == 2
    assert words in capsys.readouterr().err
    assert hub.log == []
