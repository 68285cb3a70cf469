"""The connection between a learner and its actors, as the configuration describes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.learning import ActorLearnerConfig
from hilt.config.run import RunConfig
from hilt.config.variables import TOKEN
from hilt.data.env_spec import EnvSpec
from hilt.data.transition import Transition
from hilt.training.learner_parts import learning_policy
from hilt.training.replay_memory import Memory
from hilt.transport.client import LearnerClient
from hilt.transport.listening import Security
from hilt.transport.reception import receive_spec
from hilt.transport.server import TransitionServer


def _address(link: ActorLearnerConfig) -> str:
    return f"{link.learner_host}:{link.learner_port}"


def _token(link: ActorLearnerConfig) -> str | None:
    return link.token or os.environ.get(TOKEN)


class _Store:
    """Puts what actors send into memory; a disk that refuses is told of once, and so is its end."""

    def __init__(self, memory: Memory, tell: Callable[[str], None]) -> None:
        self._memory, self._tell = memory, tell
        self._refuses = False

    def __call__(self, actor: str, transitions: list[Transition]) -> None:
        """Raises OSError with none of `transitions` in the log: the actor keeps them and sends them again."""
        folder = self._memory.log.folder
        try:
            self._memory.receive(transitions)
        except OSError as error:
            if not self._refuses:
                self._tell(f"{folder} cannot be written: actors keep their steps until it can ({error})")
            self._refuses = True
            raise
        if self._refuses:
            self._tell(f"{folder} can be written again")
        self._refuses = False


def await_actor(
    config: RunConfig, should_stop: Callable[[], bool], tell: Callable[[str], None]
) -> EnvSpec | None:
    """The environment of the first actor that calls; None: `should_stop()`.

    Raises ConfigError, as `listen` does.
    """
    wait = "waiting for an actor, which opens the environment and says what it is like"
    with _listening(config) as (address, security):
        return receive_spec(address, should_stop, security, lambda: tell(wait))


def listen(config: RunConfig, spec: EnvSpec, memory: Memory, tell: Callable[[str], None]) -> TransitionServer:
    """A server that has begun to listen. Raises ConfigError when it cannot, or must not."""
    with _listening(config) as (address, security):
        server = TransitionServer(
            address,
            spec,
            sink=_Store(memory, tell),
            seen=memory.seen,
            on_interrupted=lambda actor, episode_id: memory.abandon(episode_id),
            security=security,
        )
        server.start()
    return server


@contextmanager
def _listening(config: RunConfig) -> Iterator[tuple[str, Security]]:
    """Where to listen, and who may connect. Raises ConfigError when that cannot, or must not, be."""
    link = learning_policy(config).actor_learner_config
    tls = (Path(link.tls_cert), Path(link.tls_key)) if link.tls_cert and link.tls_key else None
    _require_files(link, "tls_cert", "tls_key")
    try:
        yield _address(link), Security(_token(link), tls, link.allow_insecure)
    except ValueError as error:
        keys = "token, tls_cert and tls_key, learner_host, allow_insecure"
        raise ConfigError("policy.actor_learner_config", f"{error} ({keys})") from error
    except OSError as error:
        raise ConfigError("policy.actor_learner_config.learner_port", str(error)) from error


def _require_files(link: ActorLearnerConfig, *keys: str) -> None:
    """Raises ConfigError, with the key, when a certificate is named that is not there."""
    for key in keys:
        path = getattr(link, key)
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"policy.actor_learner_config.{key}", f'"{path}": there is no such file')


def connect(config: RunConfig, spec: EnvSpec, spool: Path | None, index: int) -> LearnerClient:
    link = learning_policy(config).actor_learner_config
    _require_files(link, "tls_cert")
    try:
        return LearnerClient(
            _address(link),
            spec,
            actor_id=f"{os.uname().nodename}-{index}-{os.getpid()}",
            token=_token(link),
            tls_ca=Path(link.tls_cert) if link.tls_cert else None,
            spool=spool,
        )
    except (OSError, ValueError) as error:
        raise ConfigError("policy.actor_learner_config", str(error)) from error
