"""A learner and its actors as separate commands: a network to disturb, a port to shoot at."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.config.variables import TOKEN
from hilt.data.env_spec import EnvSpec
from tests.system.runs import TINY, Hilt, write_config
from tests.transport.transport_tools import Relay, free_port


class Apart:
    """`hilt learner` and `hilt actor` of one run as separate commands, with a relay between them, and a token
    that strangers do not know."""

    def __init__(self, folder: Path, config: Mapping[str, Any] = TINY) -> None:
        self.folder, self.run = folder, folder / "run"
        self.port = free_port()
        self.relay = Relay(self.port)
        self._config = write_config(folder, config)
        self._secret = {TOKEN: secrets.token_hex(8)}

    def learner(self, *more: str) -> Hilt:
        """New, or going on where the last one was."""
        if (self.run / "config.json").is_file():
            return Hilt(
                self.folder, "learner", "--resume=true", f"--output_dir={self.run}", *more, **self._secret
            )
        said = ("--config_path", self._config, f"--output_dir={self.run}", _port(self.port), *more)
        return Hilt(self.folder, "learner", *said, **self._secret)

    def actor(self) -> Hilt:
        said = ("--config_path", self._config, f"--output_dir={self.folder / 'acting'}")
        return Hilt(self.folder, "actor", *said, _port(self.relay.port), **self._secret)

    @property
    def address(self) -> str:
        """Of the learner, past the relay."""
        return f"127.0.0.1:{self.port}"

    def spec(self) -> EnvSpec:
        """What a well-informed stranger says its environment is like."""
        env = make_environment(load_config(self._config))
        env.close()
        return env.spec


def _port(port: int) -> str:
    return f"--policy.actor_learner_config.learner_port={port}"
