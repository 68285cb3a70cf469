"""`hilt train` on one machine: a learner and its actors, started together, watched, and ended together."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hilt.config.run import RunConfig
from hilt.config.variables import ACTOR_INDEX, TOKEN, UI_TOKEN
from hilt.training.processes import Child, ChildFailedError, StopRequest
from hilt.training.resources import computing_threads, cores

OPERATOR_QUIT = 5
"""Exit code of a supervised actor that a person told to stop, not its learner."""
_POLL_S = 0.1
_LEARNER_GRACE_S = 30.0
_ACTOR_GRACE_S = 5.0


class Supervisor:
    """Starts the processes of the run in `folder`, whose configuration is written there already.

    The learner decides when training is over: it ends with exit code 0, and the actors with it. A process
    that dies is started again, the learner from its last checkpoint and log. A person who tells an actor to
    stop ends the training.
    """

    def __init__(self, config: RunConfig, folder: Path, tell: Callable[[str], None]) -> None:
        self._tell = tell
        known = _known_token(config)
        secret = _secrets(config, known or secrets.token_urlsafe(24))
        port = _port(config, known=known is not None)
        common = [
            f"--config_path={folder / 'config.json'}",
            "--resume=true",
            f"--output_dir={folder}",
            f"--policy.actor_learner_config.learner_port={port}",
            f"--ui.port={config.ui.port}",
        ]
        learner = {**secret, **_threads(cores())}
        self._learner = Child("learner", ["learner", *common], learner)
        self._actors = [
            Child(f"actor {index}", ["actor", *common], {**secret, **_threads(1), ACTOR_INDEX: str(index)})
            for index in range(config.num_actors)
        ]

    def run(self, stop: StopRequest) -> bool:
        """Until the learner is done (True), a person at an actor has quit, or `stop` says so.

        Raises:
            ChildFailedError: a process cannot be kept alive.
        """
        for child in (self._learner, *self._actors):
            child.start()
        try:
            while not (self._learner.exit_code == 0 or self._operator_has_quit() or stop()):
                for child in (self._learner, *self._actors):
                    if child.exit_code not in (None, 0, OPERATOR_QUIT):
                        child.revive(self._tell)
                time.sleep(_POLL_S)
        finally:
            self.end()
        return self._learner.exit_code == 0

    def _operator_has_quit(self) -> bool:
        return any(actor.exit_code == OPERATOR_QUIT for actor in self._actors)

    def end(self) -> None:
        """The actors first, so that the learner gets their last steps; then the learner, which saves."""
        for actor in self._actors:
            actor.terminate()
        for actor in self._actors:
            actor.wait(_ACTOR_GRACE_S)
        self._learner.terminate()
        self._learner.wait(_LEARNER_GRACE_S)

    def kill(self) -> None:
        """End all processes at once; when it returns, none is left."""
        children = (self._learner, *self._actors)
        for child in children:
            child.kill()
        for child in children:
            child.bury()


def _known_token(config: RunConfig) -> str | None:
    """The token that others may have, too, so that their actors can join this learner."""
    link = getattr(config.policy, "actor_learner_config", None)
    return (link.token if link is not None else None) or os.environ.get(TOKEN)


def _secrets(config: RunConfig, token: str) -> dict[str, str]:
    """What the processes have to know and no file or command line may show."""
    secret = {TOKEN: token}
    return secret if config.ui.token is None else {**secret, UI_TOKEN: config.ui.token}


def _threads(count: int) -> dict[str, str]:
    """So many, unless the environment says how many."""
    return {} if "OMP_NUM_THREADS" in os.environ else computing_threads(count)


def _port(config: RunConfig, *, known: bool) -> int:
    """The configured port when others may join and nobody has it, else any that is free.

    Two trainings that start together would both find the configured one free, seconds before they listen.
    """
    link = getattr(config.policy, "actor_learner_config", None)
    for port in (link.learner_port if link is not None and known else 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ChildFailedError("no port is free on 127.0.0.1", 1)
