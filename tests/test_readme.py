"""The commands and the Python of the README run."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hilt
from hilt.commands.main import USAGE
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


SHORT = {
    "record": ["dataset.num_episodes_to_record=1"],
    "evaluate": ["eval.n_episodes=1", "eval.videos=0"],
    "train": [
        *("demonstrations.num_episodes=2", "batch_size=16", "policy.pretrain_updates=5"),
        *("policy.online_steps=20", "target_success_rate=null", "eval.n_episodes=1", "eval.videos=0"),
    ],
}


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but for the length of what it records, trains and evaluates."""
    for name, overrides in SHORT.items():
        monkeypatch.setattr(hilt, name, shortened(getattr(hilt, name), overrides), raising=False)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})


def shortened(function: Callable[..., Any], overrides: list[str]) -> Callable[..., Any]:
    keys = {override.partition("=")[0] for override in overrides}

    def call(config: str, *given: str) -> Any:
        return function(config, *(word for word in given if word.partition("=")[0] not in keys), *overrides)

    return call


def test_the_command_that_is_installed_is_there() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["hilt"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
