"""Tokens reach the processes that need them and no file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.config.variables import TOKEN, UI_TOKEN
from hilt.config.write import to_dict, to_json
from hilt.training.connection import connect, listen
from hilt.training.replay_memory import Memory
from hilt.training.supervisor import Supervisor
from tests.training.parts import SCHEMA
from tests.transport.transport_tools import spec_of

SECRET, SEAT = "correct-horse", "battery-staple"


def config_with_secrets() -> RunConfig:
    link = {"token": SECRET}
    return load_config({"policy": {"type": "sac", "actor_learner_config": link}, "ui": {"token": SEAT}})


def test_no_secret_is_written() -> None:
    config = config_with_secrets()
    for text in (to_json(config), json.dumps(to_dict(config))):
        assert SECRET not in text
        assert SEAT not in text
    assert load_config(json.loads(to_json(config))).ui.token is None


def test_processes_get_them_by_their_environment(tmp_path: Path) -> None:
    child = Supervisor(config_with_secrets(), tmp_path, print)._learner
    assert (child._environment[TOKEN], child._environment[UI_TOKEN]) == (SECRET, SEAT)
    assert not any(SECRET in argument or SEAT in argument for argument in child._arguments)


def test_without_a_token_each_run_has_one_of_its_own(tmp_path: Path) -> None:
    config = load_config({"policy": {"type": "sac"}})
    tokens = {Supervisor(config, tmp_path, print)._learner._environment[TOKEN] for _ in range(2)}
    assert len(tokens) == 2
    assert all(len(token) >= 24 for token in tokens)


def test_the_environment_says_what_the_configuration_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, TOKEN, "from-the-environment")
    link = {"learner_port": 50999}
    config = load_config({"policy": {"type": "sac", "actor_learner_config": link}})
    memory = Memory(tmp_path / "log", SCHEMA, online_capacity=9, demonstration_capacity=9)
    server = listen(config, spec_of(SCHEMA), memory, print)
    try:
        with connect(config, spec_of(SCHEMA), tmp_path / "spool", 0) as client:
            server.direct(client.directive)
            client.drain(5)
            while not client.connected:
                assert "refused" not in client.waiting_for
        monkeypatch.setitem(os.environ, TOKEN, "another")
        with connect(config, spec_of(SCHEMA), tmp_path / "spool", 0) as client:
            while "refused" not in client.waiting_for:
                assert not client.connected
    finally:
        server.stop()
        memory.close()
