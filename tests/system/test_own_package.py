"""A user's package, `examples/own_package`: its task, operator, algorithm and arm in the commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hilt.data.lerobot import DatasetReader
from hilt.runs.metrics import read_metrics
from tests.system.runs import Hilt

pytestmark = pytest.mark.timeout(400)
EXAMPLE = Path(__file__).parents[2] / "examples" / "own_package"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, in which the commands of its README were given."""
    folder = tmp_path_factory.mktemp("own") / "package"
    shutil.copytree(EXAMPLE, folder)
    lines = (folder / "README.md").read_text().partition("```bash\n")[2].partition("```")[0].splitlines()
    for line in lines[1:]:
        command = Hilt(folder, *line.split()[1:], "--no-ui")
        assert command.wait() == 0, command.said
        assert "Traceback" not in command.said
    return folder


def test_the_users_task_is_recorded_at_the_users_operators_hands(package: Path) -> None:
    reader = DatasetReader(package / "outputs" / "touches")
    assert len(reader.episodes) == 3
    assert reader.schema.observation["observation.environment_state"].shape == (3,)
    assert any(step.is_intervention for episode in reader.episodes for step in reader.episode(episode))


def test_the_users_algorithm_learned_the_users_task(package: Path) -> None:
    records = read_metrics(package / "outputs" / "touch" / "metrics.jsonl")
    assert any("train/loss_cloning" in record for record in records)
    assert sum(record.get("Human seconds", 0) > 0 for record in records) > 0
    evaluation = json.loads((package / "outputs" / "touch" / "eval" / "eval.json").read_text())
    assert evaluation["success_rate"] >= 0.8


def test_the_users_arm_picks_the_cube(package: Path) -> None:
    reader = DatasetReader(package / "outputs" / "picks")
    assert reader.info.robot_type == "six_axis_simulated"
    assert reader.schema.observation["observation.state"].shape == (16,)
    assert all(reader.episode(episode)[-1].reward == 1.0 for episode in reader.episodes)
    evaluation = json.loads((package / "outputs" / "pick" / "eval" / "eval.json").read_text())
    assert evaluation["success_rate"] >= 0.7


def test_a_size_that_the_users_arm_does_not_have_is_one_line(package: Path) -> None:
    features = '--env.features={"observation.state": {"type": "STATE", "shape": [18]}}'
    command = Hilt(package, "train", "--config_path=arm.json", features, "--output_dir=other")
    assert command.wait() == 2
    assert "the environment gives [16], not [18]" in command.said
    assert not (package / "other").exists()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("env.task", "my_robot.task:Nothing", "has no class"),
        ("env.task", "nowhere:Task", "there is no module"),
        ("env.task", "my_robot.operator:Nudge", "is no subclass"),
        ("env.robot", "my_robot.arm:Nothing", "has no class"),
        ("env.robot", "my_robot.task:TouchBall", "is no subclass"),
        ("env.processor.reset.fixed_reset_joint_positions", "[0, 0]", "7 items"),
        ("policy.type", "my_robot.algorithm:Nothing", "has no class"),
        ("policy.type", "my_robot.task:TouchBall", "config_class"),
    ],
)
def test_what_is_wrong_with_a_name_is_one_line(package: Path, key: str, value: str, said: str) -> None:
    command = Hilt(package, "train", "--config_path=train.json", f"--{key}={value}", "--output_dir=new")
    assert command.wait() == 2
    assert said in command.said
    assert "Traceback" not in command.said
    assert not (package / "new").exists()
