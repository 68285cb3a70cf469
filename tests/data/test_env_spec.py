"""What is said of an environment: the same after JSON, and nothing else is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hilt.build.envs import described, make_environment
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.data.env_spec import EnvSpec, EnvSpecError, load_spec, parse_spec, save_spec
from hilt.data.transition import Feature, Schema
from hilt.envs.feature_env import Environment
from hilt.training.learner_process import _tests_alone

SPEC = EnvSpec(
    Schema(
        {"observation.state": Feature((2,)), "observation.images.front": Feature((3, 8, 8), "uint8")},
        Feature((2,)),
    ),
    action_low=(-1.0, -0.1),
    action_high=(1.0, 0.3),
    neutral_action=(0.0, 0.1),
    fps=10.0,
    real_time=True,
    names={"action": ("left", "right")},
)


def test_it_is_the_same_after_json_and_on_disk(tmp_path: Path) -> None:
    assert parse_spec(json.dumps(SPEC.to_json())) == SPEC
    assert load_spec(tmp_path / "spec.json") is None
    save_spec(SPEC, tmp_path / "spec.json")
    assert load_spec(tmp_path / "spec.json") == SPEC
    (tmp_path / "spec.json").write_text("{")
    with pytest.raises(EnvSpecError, match=r"spec.json: .*JSON"):
        load_spec(tmp_path / "spec.json")


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("fps"), "has action_high"),
        (lambda d: d.update(code="print()"), "has action_high"),
        (lambda d: d.update(fps=0), "fps"),
        (lambda d: d.update(fps=True), "fps"),
        (lambda d: d.update(fps=10**400), "fps"),
        (lambda d: d.update(fps=float("nan")), "fps"),
        (lambda d: d.update(real_time=1), "real_time"),
        (lambda d: d.update(action_low=[-1.0]), "2 numbers"),
        (lambda d: d.update(action_high=[float("inf"), 1.0]), "finite"),
        (lambda d: d.update(neutral_action=[2.0, 0.0]), "within"),
        (lambda d: d.update(schema=[]), "object"),
        (lambda d: d["schema"].update(observation={}), "features"),
        (lambda d: d["schema"]["observation"].update(a={"shape": [2], "dtype": "object"}), "float32"),
        (lambda d: d["schema"]["observation"].update(a={"shape": [2], "dtype": ["uint8"]}), "float32"),
        (lambda d: d["schema"]["observation"].update(a={"shape": [2, 2], "dtype": "float32"}), "vector"),
        (lambda d: d["schema"]["observation"].update(a={"shape": [True], "dtype": "float32"}), "integers"),
        (lambda d: d["schema"]["observation"].update(a={"shape": [3, 0, 4], "dtype": "uint8"}), "integers"),
        (
            lambda d: d["schema"]["observation"].update(a={"shape": [3, 2**14, 2**14], "dtype": "uint8"}),
            "larger",
        ),
        (
            lambda d: d["schema"]["observation"].update({"\x1b[2J": {"shape": [2], "dtype": "float32"}}),
            "name",
        ),
        (
            lambda d: d["schema"]["observation"].update({"x" * 999: {"shape": [2], "dtype": "float32"}}),
            "name",
        ),
        (lambda d: d.update(names={"action": ["left"]}), "word"),
        (lambda d: d.update(names={"observation.none": ["left"]}), "word"),
    ],
)
def test_anything_else_is_an_error(change: Change, words: str) -> None:
    data = json.loads(json.dumps(SPEC.to_json()))
    change(data)
    with pytest.raises(EnvSpecError, match=words) as error:
        parse_spec(json.dumps(data))
    assert str(error.value).isprintable()


@pytest.mark.parametrize("text", ["", "null", "[]", '"x"', "[" * 100_000])
def test_what_is_no_object_is_an_error(text: str) -> None:
    with pytest.raises(EnvSpecError):
        parse_spec(text)


def test_what_differs_is_said_in_words() -> None:
    assert SPEC.difference(replace(SPEC, names={}), here="then", there="now") == ""
    assert SPEC.difference(replace(SPEC, fps=20.0), here="then", there="now") == "fps: then 10.0, now 20.0"
    smaller = Schema({"observation.state": Feature((3,))}, Feature((2,)))
    said = SPEC.difference(replace(SPEC, schema=smaller, fps=20.0), here="then", there="now")
    assert "observation.state: then float32[2], now float32[3]" in said
    assert "observation.images.front: then uint8[3, 8, 8], now none" in said


class Arm(gym.Env[Any, Any]):
    """A robot that says what it is in its metadata."""

    metadata = {"render_fps": 25, "real_time": True, "resettable": False, "may_run_unattended": False}  # noqa: RUF012
    observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)


def test_an_environment_says_what_it_is_in_its_metadata() -> None:
    spec = Environment(Arm()).spec
    assert (spec.fps, spec.real_time, spec.resettable, spec.may_run_unattended) == (25, True, False, False)
    own = make_environment(load_config()).spec
    assert (own.real_time, own.resettable, own.may_run_unattended) == (False, True, True)


@pytest.mark.parametrize("said", [True, False, None])
def test_the_policy_is_tested_alone_where_nobody_forbids_it(said: bool | None) -> None:
    config = load_config({"env": {"may_run_unattended": said}})
    assert _tests_alone(config, SPEC) == (said is not False)
    assert _tests_alone(config, replace(SPEC, may_run_unattended=False)) == (said is True)
    assert not _tests_alone(config, replace(SPEC, resettable=False))


def test_actions_without_bounds_cannot_be_learned() -> None:
    env = Environment(Arm())
    env.action_high[:] = np.inf
    with pytest.raises(ConfigError, match="must have bounds"):
        described(load_config(), env)
