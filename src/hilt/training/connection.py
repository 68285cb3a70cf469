"""The connection between a learner and its actors, as the configuration describes it."""

from __future__ import annotations

import os
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.learning import ActorLearnerConfig
from hilt.config.run import RunConfig
from hilt.data.transition import Schema
from hilt.training.building import learning_policy
from hilt.training.memory import Memory
from hilt.training.supervisor import TOKEN
from hilt.transport.client import LearnerClient
from hilt.transport.server import TransitionServer


def _address(link: ActorLearnerConfig) -> str:
    return f"{link.learner_host}:{link.learner_port}"


def _token(link: ActorLearnerConfig) -> str | None:
    return link.token or os.environ.get(TOKEN)


def listen(config: RunConfig, schema: Schema, memory: Memory) -> TransitionServer:
    """A server that has begun to listen. Raises ConfigError when it cannot, or must not."""
    link = learning_policy(config).actor_learner_config
    tls = (Path(link.tls_cert), Path(link.tls_key)) if link.tls_cert and link.tls_key else None
    try:
        server = TransitionServer(
            _address(link),
            schema,
            sink=lambda actor, transitions: memory.receive(transitions),
            seen=memory.seen,
            on_interrupted=lambda actor, episode_id: memory.abandon(episode_id),
            token=_token(link),
            tls=tls,
            allow_insecure=link.allow_insecure,
        )
        server.start()
    except (OSError, ValueError) as error:
        raise ConfigError("policy.actor_learner_config", str(error)) from error
    return server


def connect(config: RunConfig, schema: Schema, spool: Path | None, index: int) -> LearnerClient:
    link = learning_policy(config).actor_learner_config
    try:
        return LearnerClient(
            _address(link),
            schema,
            actor_id=f"{os.uname().nodename}-{index}-{os.getpid()}",
            token=_token(link),
            tls_ca=Path(link.tls_cert) if link.tls_cert else None,
            spool=spool,
        )
    except (OSError, ValueError) as error:
        raise ConfigError("policy.actor_learner_config", str(error)) from error
