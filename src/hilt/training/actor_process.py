"""The actor's process: the environment, the people at it, and the line to the learner."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hilt.build.envs import make_environment
from hilt.config.run import RunConfig
from hilt.config.variables import ACTOR_INDEX
from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, Outcome
from hilt.rewards.reward_function import ClassifierMonitor
from hilt.runs.lock import TAKEOVER_S, first_free, sole_user
from hilt.session.operators import Role
from hilt.session.session import Stage
from hilt.session.stats import Account
from hilt.training.actor import Actor
from hilt.training.connection import connect
from hilt.training.latest_policy import LatestPolicy
from hilt.training.learner_parts import learning_policy
from hilt.transport.client import LearnerClient
from hilt.transport.weights import Weights

Stop = Callable[[], bool]
_POLL_S = 0.25
_HOLD_S = 0.01
_LONG_HOLD_S = 0.5
_DRAIN_S = 5.0
_PHASES = {
    "": "starting",
    "demonstrations": "collecting demonstrations",
    "offline": "imitating",
    "warm-up": "warming up",
    "online": "learning",
    "validation": "testing the policy alone",
}


def run_actor(config: RunConfig, folder: Path, should_stop: Stop) -> bool:
    """Act for the learner that `config` names until it, or a person, says stop; True: a person did.

    What the learner does not have yet is kept below `folder`, in a place of this actor's own.
    """
    torch.set_num_threads(1)
    env = make_environment(config, trust_operator=config.env.trust_operator)
    try:
        with _own_spool(folder) as (index, spool):
            return _act(config, env, index, spool, should_stop)
    finally:
        env.close()


@contextmanager
def _own_spool(folder: Path) -> Iterator[tuple[int, Path]]:
    """(index, spool): those that `hilt train` gave this process, else the first that no other actor has."""
    index = os.environ.get(ACTOR_INDEX)
    if index is None:
        with first_free(folder / "spool", "actor-") as free:
            yield free
        return
    spool = folder / "spool" / f"actor-{index}"
    with sole_user(spool, TAKEOVER_S, _tell):
        yield int(index), spool


def _act(config: RunConfig, env: Environment, index: int, spool: Path, should_stop: Stop) -> bool:
    """Of the actors that `hilt train` starts, the first serves the page whose link that has told."""
    supervised = ACTOR_INDEX in os.environ
    with (
        connect(config, env.schema, spool, index) as client,
        Stage(
            config,
            env,
            Role.HELP,
            "starting",
            seed=config.seed + index,
            should_stop=lambda: should_stop() or client.directive.stop,
            tell=_tell,
            serves=not supervised or index == 0,
            announced=supervised,
            has_terminal=not supervised,
        ) as stage,
    ):
        stage.figures = figures = LearnersFigures(client)
        first = _first_weights(client, stage)
        has_quit = False
        if first is not None:
            figures.policy = policy = LatestPolicy(first, client.weights, seed=config.seed + index)
            has_quit = _actor(config, policy, client, stage, index).run()
        if client.connected:
            client.drain(_DRAIN_S)
        return has_quit or stage.dismissed


def _actor(config: RunConfig, policy: LatestPolicy, client: LearnerClient, stage: Stage, index: int) -> Actor:
    """Everything that acts, put together."""
    monitor = ClassifierMonitor()
    rollout = stage.rollout(policy, client.send)

    def after_step(transition: Transition, outcome: Outcome) -> None:
        monitor.add(outcome)
        stage.on_step(transition, outcome)
        client.real_time = stage.operator.interactive
        _hold(client, stage)

    rollout.on_step = after_step
    stage.account.episodes = int(client.directive.figures.get("episodes", 0))
    actor = Actor(
        rollout,
        policy,
        client,
        index=index,
        seed=learning_policy(config).online_env_seed,
        prepare=stage.prepare,
        audience=stage,
        should_stop=stage.should_stop,
    )
    actor.figures = monitor.take
    return actor


class LearnersFigures:
    """What only the learner knows of a run, for the page: its phase, rates, and what people spent in all."""

    def __init__(self, client: LearnerClient) -> None:
        self._client = client
        self.policy: LatestPolicy | None = None
        """Acts by the learner's weights, once there are any."""
        self._human_seconds, self._takeovers = 0.0, 0

    def __call__(self, account: Account) -> Mapping[str, Any]:
        """The learner counts whole episodes, a moment after their ends; that under way is the actor's."""
        directive = self._client.directive
        figures = directive.figures
        seconds = figures.get("human_seconds", 0.0) + account.human_steps_episode / account.fps
        takeovers = int(figures.get("takeovers", 0)) + account.takeovers_episode
        self._human_seconds = max(self._human_seconds, seconds)
        self._takeovers = max(self._takeovers, takeovers)
        phase = "validation" if directive.test is not None else directive.phase
        return {
            "phase": _PHASES.get(phase, phase) + _count(phase, figures),
            "waiting_for": self._client.waiting_for or directive.waiting_for or None,
            "success_rate": figures.get("success_rate"),
            "intervention_rate": figures.get("intervention_rate"),
            "learner_hz": figures.get("updates_per_s"),
            "weights_age_s": None if self.policy is None else self.policy.age_s,
            "human_seconds": self._human_seconds,
            "takeovers": self._takeovers,
        }


def _count(phase: str, figures: Mapping[str, float]) -> str:
    """How far a phase has come that people wait for."""
    unit = {"demonstrations": "episodes", "offline": "updates", "warm-up": "steps"}.get(phase)
    if unit is None or "total" not in figures:
        return ""
    return f", {figures['done']:.0f} of {figures['total']:.0f} {unit}"


def _hold(client: LearnerClient, stage: Stage) -> None:
    """Wait while the learner lags behind, unless a person is there: nobody is held up."""
    since = time.monotonic()
    while client.congested or client.directive.hold:
        if stage.operator.interactive or stage.should_stop():
            return
        if time.monotonic() - since > _LONG_HOLD_S:
            stage.note("the learner to catch up")
        time.sleep(_HOLD_S)


def _first_weights(client: LearnerClient, stage: Stage) -> Weights | None:
    """Waits for the learner and says for what; None when it is over before it began."""
    said = ""
    while not stage.should_stop():
        weights = client.wait_for_weights(_POLL_S)
        if weights is not None:
            return weights
        reason = client.waiting_for.partition(" (")[0]
        stage.note(reason)
        if reason and reason != said:
            said = reason
            _tell(f"waiting for {client.waiting_for}")
    return None


def _tell(text: str) -> None:
    print(f"actor: {text}", file=sys.stderr, flush=True)
