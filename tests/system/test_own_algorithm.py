"""An algorithm of the user's, named in `policy.type`: trained, resumed and evaluated by the real commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from tests.system.runs import TINY, Hilt, checkpoint_step, logged, write_config

pytestmark = pytest.mark.timeout(400)
KIND = "own_algorithm:Cloning"
POLICY: dict[str, Any] = {"type": KIND, "online_steps": 150, "hidden": [16], "exploration": 0.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the user's module, and what `train` made of it."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(Path(__file__).with_name("own_algorithm.py"), folder)
    write_config(folder, {**TINY, "policy": POLICY, "output_dir": "run"})
    train = Hilt(folder, "train", "--config_path=train.json")
    assert train.wait() == 0, train.said
    assert "Traceback" not in train.said
    return folder


def test_it_trains_and_its_policy_is_saved_with_its_keys(folder: Path) -> None:
    assert len(logged(folder / "run")) >= 150
    assert checkpoint_step(folder / "run") > 20
    saved = json.loads((folder / "run/checkpoints/last/pretrained_model/config.json").read_text())
    assert saved["type"] == KIND
    assert (saved["policy"]["hidden"], saved["policy"]["exploration"]) == ([16], 0.2)


def test_it_goes_on_after_a_resume(folder: Path) -> None:
    before = checkpoint_step(folder / "run")
    more = "--policy.online_steps=200"
    again = Hilt(folder, "train", "--resume=true", "--output_dir=run", more)
    assert again.wait() == 0, again.said
    assert len(logged(folder / "run")) >= 200
    assert checkpoint_step(folder / "run") >= before  # fifty steps may be over before another update


def test_its_policy_is_evaluated_alone(folder: Path) -> None:
    saved = "--policy.pretrained_path=run/checkpoints/last"
    evaluate = Hilt(
        folder, "eval", saved, "--output_dir=again", "--eval.n_episodes=1", "--eval.videos=0", "--no-ui"
    )
    assert evaluate.wait() == 0, evaluate.said
    assert json.loads((folder / "again" / "eval.json").read_text())["n_episodes"] == 1


BROKEN = """
class Nothing: pass
from hilt.algorithms.base import Algorithm
from hilt.config import LearningPolicy
class Half(Algorithm):
    config_class = LearningPolicy
"""


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("absent_package:Mine", "there is no module 'absent_package'"),
        ("own_algorithm:Absent", "'own_algorithm' has no class 'Absent'"),
        ("raising_algorithm:Mine", "NameError: name 'absent_name' is not defined"),
        ("broken_algorithm:Nothing", "must have a config_class"),
        ("broken_algorithm:Half", "lacks make_policy, update"),
        (":Mine", "cannot be imported"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(folder: Path, kind: str, message: str) -> None:
    (folder / "broken_algorithm.py").write_text(BROKEN)
    (folder / "raising_algorithm.py").write_text("absent_name")
    train = Hilt(folder, "train", "--no-ui", f"--policy.type={kind}", "--output_dir=other")
    assert train.wait() == 2
    assert f'policy.type = "{kind}"' in train.said
    assert message in train.said
    assert "Traceback" not in train.said
    assert not (folder / "other").exists()


def test_its_unknown_keys_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with pytest.raises(ConfigError, match='policy.hiden = .*the closest is "policy.hidden"'):
        load_config({"policy": {"type": KIND, "hiden": [3]}})
    with pytest.raises(ConfigError, match="policy.exploration = -1.0"):
        load_config({"policy": {"type": KIND, "exploration": -1.0}})
    assert load_config({"policy": {"type": KIND}}).name.endswith("_Cloning")
