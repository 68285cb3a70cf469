"""Every configuration that hilt ships runs with every operator: options belong to one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilt.build.envs import make_environment
from hilt.build.operators import make_operator
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.operator_options import OPERATORS
from hilt.config.requirements import Verb, remarks, require
from hilt.config.run import RunConfig
from hilt.envs.feature_env import Environment
from hilt.operators.base import Operator
from hilt.operators.controls import Controls

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(path.name for path in CONFIGS.glob("*.json") if "classifier" not in path.name)
VERBS: dict[str, Verb] = {"env.json": "teleop", "record.json": "record"}


class Desk:
    """What serves the page, as far as an operator sees it."""

    controls = Controls()


@pytest.fixture(scope="module")
def env() -> Environment:
    return make_environment(load_config())


def operator_of(config: RunConfig, env: Environment) -> Operator:
    options = dict(config.options_of_operator)
    if config.operator_name in ("browser", "quest"):
        options["seat"] = Desk()
    if config.operator_name == "gamepad":
        options["wait_for_pad"] = True
    return make_operator(config, env, seed=0, options=options)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("file", FILES)
def test_every_configuration_runs_with_every_operator(file: str, operator: str, env: Environment) -> None:
    overrides = [f"operator={operator}"] + ["dataset.root=x"] * (file == "record.json")
    config = load_config(CONFIGS / file, overrides)
    require(config, VERBS.get(file, "train"))
    assert config.operator_name == operator
    if operator != "keyboard":  # reads the terminal of the process
        operator_of(config, env).close()
    in_file = load_config(CONFIGS / file)
    left_out = bool(in_file.options_of_operator) and in_file.operator_name != operator
    assert any("left out" in remark for remark in remarks(config)) == left_out


def test_options_are_said_for_each_operator_or_for_the_one_at_the_controls() -> None:
    data = {
        "operator": "scripted",
        "operator_options": {"scripted": {"skill": 0.5}, "browser": {"position_scale": 2.0}},
    }
    assert load_config(data).options_of_operator == {"skill": 0.5}
    assert load_config(data, ["operator=browser"]).options_of_operator == {"position_scale": 2.0}
    more = load_config(data, ["operator_options.noise=0.1"])
    assert more.options_of_operator == {"skill": 0.5, "noise": 0.1}
    flat = {"operator": "scripted", "operator_options": {"skill": 0.5}}
    assert load_config(flat, ["operator_options.skill=0.7"]).options_of_operator == {"skill": 0.7}
    other = load_config(flat, ["operator=browser", "operator_options.position_scale=3.0"])
    assert other.options_of_operator == {"position_scale": 3.0}
    assert load_config(load_config(other)).options_of_operator == other.options_of_operator


def test_an_option_that_the_operator_does_not_have_is_named_with_the_closest_one(env: Environment) -> None:
    config = load_config({"operator": "scripted", "operator_options": {"atention": 1.0}})
    with pytest.raises(ConfigError, match=r'operator_options\.atention: .*"attention"'):
        operator_of(config, env)


@pytest.mark.parametrize(
    ("operator", "demonstrations", "who"),
    [
        ("scripted", None, "scripted"),
        ("browser", None, "browser"),
        ("gamepad", None, "gamepad"),
        ("browser", "scripted", "scripted"),
        ("none", None, None),
    ],
)
def test_who_is_at_the_controls_demonstrates_unless_another_is_asked_for(
    operator: str, demonstrations: str | None, who: str | None
) -> None:
    config = load_config({"operator": operator, "demonstrations": {"operator": demonstrations}})
    assert config.demonstrator == who
