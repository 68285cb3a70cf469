"""LeRobot's own LeRobotDataset reads what hilt writes, and hilt reads what it writes.

LeRobot needs other versions of Python and torch: HILT_LEROBOT_PYTHON names the interpreter of an environment
in which `lerobot[dataset]` is installed. Without it these tests are skipped.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hilt.data.lerobot import DatasetReader
from tests.data.test_lerobot import FRONT, SCHEMA, STATE, WRIST, make_episode, picture, record

PYTHON = os.environ.get("HILT_LEROBOT_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="HILT_LEROBOT_PYTHON names no LeRobot environment"),
]

READ = """
import sys, numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
dataset = LeRobotDataset("local/set", root=sys.argv[1])
rows = [dataset[k] for k in range(len(dataset))]
columns = {key: np.stack([np.asarray(row[key]) for row in rows]) for key in rows[0] if key != "task"}
columns |= {"task": np.array([row["task"] for row in rows]), "n_episodes": dataset.num_episodes}
np.savez(sys.argv[2], **columns)
"""

WRITE = """
import sys, numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
root, kind, source = sys.argv[1:]
data = np.load(source)
image = {"dtype": kind, "shape": (3, 32, 48), "names": ["channels", "height", "width"]}
features = {
    "observation.state": {"dtype": "float32", "shape": (18,), "names": None},
    "observation.images.front": image, "observation.images.wrist": image,
    "action": {"dtype": "float32", "shape": (4,), "names": ["x", "y", "z", "gripper"]},
    "next.reward": {"dtype": "float32", "shape": (1,), "names": None},
    "next.done": {"dtype": "bool", "shape": (1,), "names": None},
}
dataset = LeRobotDataset.create("local/set", 10, root=root, use_videos=True, features=features)
for k in range(len(data["next.reward"])):
    dataset.add_frame({**{key: data[key][k] for key in features}, "task": "pick"})
    if data["next.done"][k, 0]:
        dataset.save_episode()
dataset.finalize()
"""


def run_lerobot(script: str, *arguments: str) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(
        [PYTHON, "-c", script, *arguments], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.parametrize(("image_format", "tolerance"), [("video", 3 / 255), ("png", 0)])
def test_lerobot_reads_what_hilt_wrote(tmp_path: Path, image_format: str, tolerance: float) -> None:
    episodes = [make_episode(0, 7), make_episode(1, 5, "truncated"), make_episode(2, 6)]
    record(tmp_path / "set", episodes, image_format=image_format)
    run_lerobot(READ, str(tmp_path / "set"), str(tmp_path / "out.npz"))
    rows = np.load(tmp_path / "out.npz")
    steps = [step for episode in episodes for step in episode]
    assert rows["n_episodes"] == 3
    assert set(rows["task"]) == {"pick"}
    for name, expected in (
        ("action", [step.action for step in steps]),
        (STATE, [step.observation[STATE] for step in steps]),
        ("next.reward", [step.reward for step in steps]),
        ("next.done", [step.terminated for step in steps]),
        ("next.truncated", [step.truncated for step in steps]),
        ("complementary_info.is_intervention", [step.is_intervention for step in steps]),
        ("complementary_info.policy_action", [step.policy_action for step in steps]),
        ("index", np.arange(len(steps))),
        ("episode_index", [step.episode_id for step in steps]),
        ("frame_index", [step.step for step in steps]),
    ):
        np.testing.assert_array_equal(rows[name], np.asarray(expected, rows[name].dtype), err_msg=name)
    own = list(DatasetReader(tmp_path / "set").transitions())
    for name in (FRONT, WRIST):
        original = np.stack([step.observation[name] for step in steps]) / 255
        assert np.abs(rows[name] - original).mean(axis=(1, 2, 3)).max() <= tolerance + 1e-6
        ours = np.stack([step.observation[name] for step in own]) / 255
        assert np.abs(rows[name] - ours).max() <= 3 / 255


@pytest.mark.parametrize(("kind", "tolerance"), [("video", 6), ("image", 0)])
def test_hilt_reads_what_lerobot_wrote(tmp_path: Path, kind: str, tolerance: float) -> None:
    lengths = (6, 9, 4)
    n = sum(lengths)
    rng = np.random.default_rng(0)
    states = rng.normal(size=(n, 18)).astype(np.float32)
    states[:, 14] = np.where(np.arange(n) % 2, 255, 0)
    done = np.isin(np.arange(n), np.cumsum(lengths) - 1)
    reward = (done & (np.arange(n) != sum(lengths) - 1)).astype(np.float32)
    columns = {
        STATE: states,
        FRONT: np.stack([picture(4 * k) for k in range(n)]),
        WRIST: np.stack([picture(90 - 4 * k) for k in range(n)]),
        "action": rng.uniform(0, 2, (n, 4)).astype(np.float32),
        "next.reward": reward[:, None],
        "next.done": done[:, None],
    }
    np.savez(tmp_path / "in.npz", **columns)
    run_lerobot(WRITE, str(tmp_path / "set"), kind, str(tmp_path / "in.npz"))
    reader = DatasetReader(tmp_path / "set", schema=SCHEMA, fps=10)
    steps = list(reader.transitions())
    assert [episode.length for episode in reader.episodes] == list(lengths)
    assert reader.gripper_convention == "gym_hil"
    np.testing.assert_allclose([step.action[3] for step in steps], 2 - columns["action"][:, 3], atol=1e-6)
    np.testing.assert_array_equal([step.reward for step in steps], reward)
    np.testing.assert_array_equal([step.terminated for step in steps], done & (reward > 0))
    np.testing.assert_array_equal([step.truncated for step in steps], done & (reward == 0))
    for name in (FRONT, WRIST):
        got = np.stack([step.observation[name] for step in steps]).astype(int)
        assert np.abs(got - columns[name]).mean(axis=(1, 2, 3)).max() <= tolerance
