"""The files that users have, each with the command it is for, cut short on the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from hilt.data.lerobot import DatasetReader
from tests.networks.resnet10_files import SECOND, weights, write
from tests.system.runs import Hilt, logged

pytestmark = pytest.mark.timeout(600)
USERS = Path(__file__).parents[3] / "shared" / "reference_configs"
SHORT = ("--env.processor.reset.control_time_s=6", "--env.processor.reset.reset_time_s=0", "--no-ui")
TRAIN = (
    *SHORT,
    *("--policy.device=cpu", "--policy.vision_encoder_name=resnet10", "--batch_size=8", "--log_freq=5"),
    *("--policy.online_steps=60", "--policy.online_step_before_learning=10", "--policy.utd_ratio=1"),
    *("--eval.n_episodes=1", "--eval.videos=0"),
)


def config(name: str) -> str:
    path = USERS / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return f"--config_path={path}"


def run(folder: Path, *words: str) -> str:
    """What the command said, which must end well."""
    command = Hilt(folder, *words)
    assert command.wait() == 0, command.said
    assert "Traceback" not in command.said
    return command.said


def record(folder: Path, *words: str) -> None:
    run(
        folder,
        *("record", config("gym_hil_env.json"), *SHORT, "--operator", "scripted", *words),
        *("--dataset.num_episodes_to_record", "4", "--number_of_steps_after_success", "3"),
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset recorded by the users' environment file, and the encoder that they name."""
    folder = tmp_path_factory.mktemp("users")
    write(folder / "resnet10", weights(SECOND))
    record(folder, "--dataset.root=set")
    return folder


def test_record(place: Path) -> None:
    reader = DatasetReader(place / "set")
    assert len(reader.episodes) == 4
    features = reader.schema.observation
    assert features["observation.images.front"].shape == features["observation.images.wrist"].shape
    assert features["observation.images.front"].shape == (3, 128, 128)
    assert (features["observation.state"].shape, reader.schema.action.shape) == ((18,), (4,))
    again = Hilt(place, "record", config("gym_hil_env.json"), "--dataset.root=set", "--operator=scripted")
    assert again.wait() == 2
    assert "already holds a dataset" in again.said


@pytest.mark.slow
def test_the_classifier_learns_from_it(place: Path) -> None:
    said = run(
        place,
        *("train", config("reward_classifier_train_config.json"), "--dataset.root=set", "--steps=6"),
        *("--policy.device=cpu", "--policy.model_name=resnet10", "--output_dir=classifier"),
    )
    assert "report: classifier/report" in said
    assert (place / "classifier/report/precision_recall.png").stat().st_size > 1000


def test_sac_learns_from_it_with_no_pad_in_the_house(place: Path) -> None:
    """Three continuous dimensions, and the gripper from the discrete critic."""
    run(
        place,
        *("train", config("train_gym_hil_env_sac.json"), *TRAIN, "--dataset.root=set", "--output_dir=sac"),
        *("--policy.pretrain_updates=2", "--policy.critic_warmup_updates=0"),
    )
    assert len(logged(place / "sac")) >= 60
    assert "train/loss_discrete_critic" in (place / "sac" / "metrics.jsonl").read_text()
    assert json.loads((place / "sac/eval/eval.json").read_text())["n_episodes"] == 1


@pytest.mark.slow
def test_acfql_learns_from_it_and_is_evaluated(place: Path) -> None:
    run(
        place,
        *("train", config("train_gym_hil_env_fql.json"), *TRAIN, "--dataset.root=set", "--output_dir=fql"),
        "--policy.offline_steps=4",
    )
    assert len(logged(place / "fql")) >= 60
    said = run(
        place,
        *("eval", config("eval_gym_hil_env_fql.json"), *SHORT, "--policy.device=cpu"),
        *("--policy.pretrained_path=fql/checkpoints/last", "--eval.n_episodes=1", "--eval.videos=1"),
    )
    assert "1 episodes" in said
    assert list((place / "fql/checkpoints/last/eval").glob("episode_*.mp4"))


@pytest.mark.slow
def test_acfql_with_force_and_torque(place: Path) -> None:
    record(
        place,
        *("--dataset.root=ft", "--env.task=PandaPickCubeFtGamepad-v0"),
        "--env.features.observation.state.shape=[42]",
    )
    run(
        place,
        *(
            "train",
            config("train_gym_hil_env_fql_ft.json"),
            *TRAIN,
            "--dataset.root=ft",
            "--output_dir=ft_run",
        ),
        "--policy.offline_steps=4",
    )
    assert len(logged(place / "ft_run")) >= 60


@pytest.mark.slow
def test_the_headset_file_drives_and_says_what_it_lacks(place: Path) -> None:
    file = config("gym_hil_env_metaquest.json")
    run(
        place,
        *("record", file, *SHORT, "--operator=scripted", "--dataset.root=quest"),
        "--dataset.num_episodes_to_record=1",
    )
    assert DatasetReader(place / "quest").schema.action.shape == (7,)
    absent = Hilt(place, "record", file, "--no-ui", "--dataset.root=nobody")
    assert absent.wait() == 2
    assert len(absent.said.strip().splitlines()) <= 2  # one of them lists the keys without effect
    assert not (place / "nobody").exists()
    driving = Hilt(place, "teleop", file, *SHORT, "--operator=scripted")
    driving.until(lambda: "episode 0" in driving.said, "an episode")
    driving.signal(signal.SIGINT)
    assert driving.wait() == 130, driving.said
