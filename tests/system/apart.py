"""A learner and its actors as separate commands: a network to disturb, a port to shoot at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runs import TINY, Hilt, Steps, logged, write_config
from strangers import STRANGE
from transport_tools import Relay, free_port

from hilt.config.load import load_config
from hilt.data.transition import Schema
from hilt.factory import make_environment


class Apart:
    """`hilt learner` and `hilt actor` of one run as separate commands, with a relay between them."""

    def __init__(self, folder: Path, config: Mapping[str, Any] = TINY) -> None:
        self.folder, self.run = folder, folder / "run"
        self.port = free_port()
        self.relay = Relay(self.port)
        self._config = write_config(folder, config)

    def learner(self, *more: str) -> Hilt:
        """New, or going on where the last one was."""
        if (self.run / "config.json").is_file():
            return Hilt(self.folder, "learner", "--resume=true", f"--output_dir={self.run}", *more)
        said = ("--config_path", self._config, f"--output_dir={self.run}", _port(self.port), *more)
        return Hilt(self.folder, "learner", *said)

    def actor(self) -> Hilt:
        said = ("--config_path", self._config, f"--output_dir={self.folder / 'acting'}")
        return Hilt(self.folder, "actor", *said, _port(self.relay.port))

    @property
    def address(self) -> str:
        """Of the learner, past the relay."""
        return f"127.0.0.1:{self.port}"

    def schema(self) -> Schema:
        """What a stranger must say to be listened to."""
        env = make_environment(load_config(self._config))
        env.close()
        return env.schema

    def logged(self) -> Steps:
        """What the actors have brought in, without what strangers have."""
        return [step for step in logged(self.run) if step[0] & 0xFFFFFFFF < STRANGE]


def _port(port: int) -> str:
    return f"--policy.actor_learner_config.learner_port={port}"
