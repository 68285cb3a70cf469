"""`hilt eval --workers`: the same numbers as with one process, whatever happens to the others."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.runs.checkpoints import write_model
from hilt.training.learner_parts import Builder
from hilt.training.replay_memory import Memory
from tests.system.runs import NETWORK, Hilt

pytestmark = pytest.mark.timeout(400)
SHORT = {"reset": {"control_time_s": 2.0}}
CONFIG: dict[str, Any] = {
    "env": {"task": "hilt/PickCube-v0", "reward_type": "dense", "processor": SHORT},
    "policy": {"type": "sac", "critic_network_kwargs": NETWORK, "actor_network_kwargs": NETWORK},
    "ui": {"enable": False},
    "eval": {"n_episodes": 30, "videos": 1},
}
"""The sum of a dense reward shows the last bit of every action."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a configuration and a policy that has learned nothing."""
    made = tmp_path_factory.mktemp("eval")
    (made / "train.json").write_text(json.dumps(CONFIG))
    config = load_config(CONFIG)
    env = make_environment(config)
    memory = Memory(made / "log", env.schema, online_capacity=9, demonstration_capacity=9)
    policy = Builder(config, env.spec, "cpu").algorithm(memory, None).policy
    write_model(made / "policy", policy.config, policy.state_dict(), {})
    memory.close()
    env.close()
    return made


def evaluation(folder: Path, name: str, *more: str) -> Hilt:
    said = ("--config_path=train.json", "--policy.pretrained_path=policy", f"--output_dir={name}")
    return Hilt(folder, "eval", *said, *more)


def result(folder: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / name / "eval.json").read_text())
    return data


def helpers(command: Hilt) -> list[int]:
    """Process numbers of those that play episodes for `command`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, UnicodeDecodeError):
            continue
        if parent == command.pid and "hilt.training.evaluation_process" in words:
            found.append(int(path.name))
    return found


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    assert evaluation(folder, "alone").wait() == 0
    return result(folder, "alone")


def test_any_number_of_processes_gives_the_same_numbers_and_films(
    folder: Path, alone: dict[str, Any]
) -> None:
    command = evaluation(folder, "three", "--workers=3")
    command.until(lambda: len(helpers(command)) == 2, "two more processes")
    assert command.wait() == 0
    assert result(folder, "three") == alone
    assert len({episode["reward"] for episode in alone["per_episode"]}) == 30
    films = [sorted(path.name for path in (folder / name).iterdir()) for name in ("alone", "three")]
    assert films[0] == films[1] == ["episode_000_failure.mp4", "eval.json", "summary.png"]


def test_a_process_that_dies_costs_no_episode(folder: Path, alone: dict[str, Any]) -> None:
    command = evaluation(folder, "killed", "--workers=2", "--eval.n_episodes=120")
    command.until(lambda: bool(helpers(command)), "another process")
    (helper,) = helpers(command)
    os.kill(helper, signal.SIGKILL)
    assert command.wait() == 0
    assert "a process of this evaluation died" in command.said
    episodes = result(folder, "killed")["per_episode"]
    assert len(episodes) == 120
    assert episodes[:30] == alone["per_episode"]


def test_ctrl_c_ends_all_processes(folder: Path) -> None:
    command = evaluation(folder, "stopped", "--workers=2", "--eval.n_episodes=5000")
    command.until(lambda: "of 5000 episodes" in command.said, "episodes")
    there = helpers(command)
    assert there
    command.signal(signal.SIGINT)
    assert command.wait() == 130
    assert "Traceback" not in command.said
    assert not any(Path(f"/proc/{pid}").exists() for pid in there)
    assert 0 < result(folder, "stopped")["n_episodes"] < 5000
