"""Learner and actor in virtual environments of their own; Meta-World and MuJoCo 3.3 are the actor's alone."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from hilt.data.env_spec import load_spec
from hilt.data.episode_log import read_log
from hilt.data.routing import Source
from tests.system.runs import Hilt, logged
from tests.transport.transport_tools import free_port

pytestmark = [pytest.mark.timeout(1800), pytest.mark.slow]
EXAMPLE = Path(__file__).parents[2] / "examples" / "metaworld"
SHORT = (
    "--demonstrations.num_episodes=5",
    "--policy.pretrain_updates=300",
    "--policy.online_steps=600",
    '--policy.actor_network_kwargs={"hidden_dims": [64, 64]}',
    "--eval.n_episodes=3",
    "--eval.videos=0",
    "--no-ui",
)


@pytest.fixture(scope="module")
def actors_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment with Meta-World; the rest of its packages are those here."""
    if importlib.util.find_spec("metaworld") is not None:
        pytest.skip("the learner's environment must not have metaworld")
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    packages = ("mujoco==3.3.0", "metaworld", "scipy", "imageio")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", *packages]
    if subprocess.run(install, capture_output=True).returncode != 0:
        pytest.skip("metaworld and MuJoCo 3.3 cannot be installed here")
    own, here = (sysconfig.get_path("purelib", vars=paths) for paths in ({"base": str(folder)}, None))
    (Path(own) / "rest.pth").write_text(f"{here}\n")
    return python


@pytest.fixture(scope="module")
def run(actors_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training whose learner has nothing but the configuration."""
    learning, acting = (tmp_path_factory.mktemp(name) for name in ("learning", "acting"))
    shutil.copy(EXAMPLE / "train.json", learning)
    shutil.copytree(EXAMPLE, acting, dirs_exist_ok=True)
    port = f"--policy.actor_learner_config.learner_port={free_port()}"
    common = ("--config_path=train.json", port, *SHORT)
    learner = Hilt(learning, "learner", "--output_dir=run", *common)
    actor = Hilt(acting, "actor", "--output_dir=mine", *common, python=actors_python)
    assert learner.wait(1200) == 0, learner.said + actor.said
    assert actor.wait() == 0, actor.said
    assert "opens the environment and says what it is like" in learner.said
    assert "Traceback" not in learner.said + actor.said
    saved = f"--policy.pretrained_path={learning / 'run' / 'checkpoints' / 'last'}"
    evaluate = Hilt(acting, "eval", *common, saved, "--output_dir=eval", python=actors_python)
    assert evaluate.wait() == 0, evaluate.said
    shutil.copy(acting / "eval" / "eval.json", learning / "run")
    return learning / "run"


def test_the_learner_knows_the_environment_by_the_actors_word(run: Path) -> None:
    spec = load_spec(run / "spec.json")
    assert spec is not None
    assert (spec.schema.observation["observation.state"].shape, spec.fps) == ((39,), 80)
    assert (spec.action_low, spec.action_high) == ((-1.0,) * 4, (1.0,) * 4)


def test_the_experts_demonstrations_and_corrections_have_arrived(run: Path) -> None:
    steps = list(read_log(run / "replay"))
    shown = [step for step, source in steps if source is Source.DEMONSTRATION]
    assert sum(step.done and step.is_success for step in shown) == 5
    assert all(step.is_intervention for step in shown)
    assert len(logged(run)) >= 600
    corrected = [step for step, source in steps if source is Source.ONLINE and step.is_intervention]
    assert 0 < len(corrected) < len(steps) - len(shown)


def test_what_was_learned_there_is_evaluated_here(run: Path) -> None:
    evaluation = json.loads((run / "eval.json").read_text())
    assert evaluation["n_episodes"] == 3
    assert evaluation["success_rate"] > 0
