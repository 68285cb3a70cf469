"""The commands and the Python of the README run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hilt.api import Source
from hilt.cli import USAGE
from hilt.config.load import load_config
from hilt.config.overrides import parse_command_line
from hilt.config.requirements import Verb, require

ROOT = Path(__file__).parents[1]
CONFIGURED: list[Verb] = ["teleop", "record", "replay", "train", "learner", "actor", "eval"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def commands() -> list[list[str]]:
    lines = "\n".join(blocks("bash")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_is_one_and_finds_what_it_needs(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    program, verb, *arguments = words
    if program == "make":
        assert f"\n{verb}:" in (ROOT / "Makefile").read_text()
        return
    assert program == "hilt"
    assert f"\n  hilt {verb} " in USAGE
    if verb in CONFIGURED:
        monkeypatch.chdir(ROOT)
        require(load_config(*parse_command_line(arguments)), verb)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, with trainings and recordings cut short."""
    import hilt

    short = {
        "train": SHORT,
        "record": ["dataset.num_episodes_to_record=1"],
        "evaluate": ["eval.n_episodes=1"],
    }
    for name, overrides in short.items():
        monkeypatch.setattr(hilt, name, _shortened(getattr(hilt, name), overrides), raising=False)
    for folder in ("configs",):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})


SHORT = [
    "demonstrations.num_episodes=2",
    "batch_size=16",
    "policy.pretrain_updates=5",
    "policy.online_steps=20",
    "target_success_rate=null",
    "eval.n_episodes=1",
    "eval.videos=0",
]


def _shortened(function: object, overrides: list[str]) -> object:
    def call(config: Source = None, *given: str) -> object:
        assert callable(function)
        return function(config, *given, *overrides)

    return call
