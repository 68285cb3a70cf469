"""Whatever a file holds, the answer is a configuration or one line."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

from hilt.config import ConfigError, RunConfig, load_config, parse_command_line, to_json

CONFIGS = Path(__file__).parents[2] / "configs"
JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    2.5,
    "x",
    "",
    [],
    [1],
    ["a"],
    {},
    {"a": 1},
    {"type": "sac"},
    [[]],
    10**30,
    -0.0,
]
KEYS = [
    "policy",
    "algorithm",
    "reward_model",
    "env",
    "type",
    "fps",
    "optimizer",
    "lr",
    "features",
    "x.y",
    "",
    "é",
]


def everything() -> dict[str, Any]:
    """A configuration that says all that it can."""
    features = {
        "observation.images.front": {"type": "VISUAL", "shape": [3, 64, 64]},
        "observation.state": {"type": "STATE", "shape": [18]},
        "action": {"type": "ACTION", "shape": [4]},
    }
    said = load_config({"env": {"features": features}, "policy": {"type": "sac"}})
    data: dict[str, Any] = json.loads(to_json(said))
    return data


def containers(node: Any) -> list[Any]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    here = [node] if isinstance(node, dict | list) and node else []
    return here + [found for child in inner for found in containers(child)]


def mutate(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    data = copy.deepcopy(data)
    for _ in range(rng.randint(1, 2)):
        node = rng.choice(containers(data) or [data])
        junk = copy.deepcopy(rng.choice(JUNK))
        if isinstance(node, list):
            node[rng.randrange(len(node))] = junk
        else:
            node[rng.choice([*node, *KEYS])] = junk
    return data


def load(source: dict[str, Any], overrides: list[str]) -> RunConfig | None:
    """The configuration, or None where the answer is an error of one line; anything else breaks the test."""
    try:
        return load_config(source, overrides)
    except ConfigError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    return None


def test_no_file_breaks_the_loader() -> None:
    rng = random.Random(0)
    sources = [everything(), *(json.loads(file.read_text()) for file in sorted(CONFIGS.glob("*.json")))]
    configs = [load(mutate(rng.choice(sources), rng), []) for _ in range(400)]
    loaded = [config for config in configs if config is not None]
    assert loaded
    for config in loaded:
        assert load_config(json.loads(to_json(config))) == config


def test_no_command_line_breaks_the_loader() -> None:
    rng = random.Random(1)
    words = [
        *(
            "--env.fps",
            "--env",
            "--fps=2",
            "--env.fps=1e999",
            "--env.features.a.b=1",
            "--dataset=[]",
            "--ui.port=0",
        ),
        *(
            "--policy.type",
            "--policy.type=sac",
            "--policy.type={}",
            "--policy={}",
            "--policy=null",
            "--policy.path=x",
        ),
        *("--reward_model.type=1", "--algorithm=3", "--optimizer.lr=1", "--job_name=3"),
        *("--a..b", "--=1", "sac", "{}", "[1", "-1"),
    ]
    for _ in range(400):
        with contextlib.suppress(ConfigError):
            load({}, parse_command_line(rng.choices(words, k=rng.randint(1, 4)))[1])
