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

from hilt.build.envs import described, make_environment
from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.config.variables import ACTOR_INDEX
from hilt.data.env_spec import EnvSpec, load_spec
from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, Outcome
from hilt.rewards.reward_function import ClassifierMonitor
from hilt.rollout.rollout import Episode, Observer
from hilt.runs.layout import SPEC
from hilt.runs.lock import TAKEOVER_S, first_free, sole_user
from hilt.runs.trace import trace_kept
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role, SessionOptions
from hilt.session.real_arm import SafetyMonitor, watch_learner
from hilt.training.actor import Actor
from hilt.training.connection import connect
from hilt.training.demonstrators import Demonstrators
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
    "demonstrations": "demonstrations",
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
    with trace_kept(folder, _tell):
        env = make_environment(config, trust_operator=config.env.trust_operator)
        try:
            spec = described(config, env)
            _require_same_environment(spec, folder)
            with _own_spool(folder) as (index, spool):
                return _act(config, env, spec, index, spool, should_stop)
        finally:
            env.close()


def _require_same_environment(spec: EnvSpec, folder: Path) -> None:
    """Raises ConfigError where `folder` is that of a run which began with another environment."""
    began = load_spec(folder / SPEC)
    if began is not None and (changed := began.difference(spec, here="then", there="now")):
        raise ConfigError(str(folder), f"this run began with another environment: {changed}")


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


def _act(
    config: RunConfig, env: Environment, spec: EnvSpec, index: int, spool: Path, should_stop: Stop
) -> bool:
    """Of the actors that `hilt train` starts, the first serves the page whose link that has told."""
    supervised = ACTOR_INDEX in os.environ
    with (
        connect(config, spec, spool, index) as client,
        OperatorSession(
            config,
            env,
            Role.HELP,
            "starting",
            SessionOptions(
                seed=config.seed + index,
                serves=not supervised or index == 0,
                announced=supervised,
                has_terminal=not supervised,
            ),
            should_stop=lambda: should_stop() or client.directive.stop,
            tell=_tell,
        ) as session,
    ):
        watch_learner(env, lambda: client.connected)
        session.figures = figures = LearnersFigures(client, env.fps)
        monitor = ActingMonitor(client, session, spec.real_time)
        demonstrators = Demonstrators(config, env, client, session, monitor, answers_for_all=index == 0)
        first = _first_weights(client, session, demonstrators)
        has_quit = False
        if first is not None:
            _require_same_type(config, first)
            figures.policy = policy = LatestPolicy(first, client.weights, seed=config.seed + index)
            monitor.take()
            has_quit = _actor(config, policy, client, session, monitor, index).run()
        if client.connected:
            client.drain(_DRAIN_S)
        return has_quit or session.dismissed


def _actor(
    config: RunConfig,
    policy: LatestPolicy,
    client: LearnerClient,
    session: OperatorSession,
    monitor: ActingMonitor,
    index: int,
) -> Actor:
    """Everything that acts, put together."""
    played = session.history.episodes = int(client.directive.figures.get("episodes", 0))
    return Actor(
        session.rollout(policy, client.send, monitor),
        policy,
        client,
        index=index,
        seed=learning_policy(config).online_env_seed,
        first=played,
        session=session,
        figures=monitor.take,
    )


class ActingMonitor(Observer):
    """Keeps an actor beside its learner, and counts what else is to be reported of an episode."""

    def __init__(self, client: LearnerClient, session: OperatorSession, real_time: bool) -> None:
        self._client, self._session, self._real_time = client, session, real_time
        self._classifier, self._safety, self._said = ClassifierMonitor(), SafetyMonitor(), ""

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        self._classifier.add(outcome)
        self._safety.on_step(episode, transition, outcome)
        self._client.real_time = self._real_time or self._session.operator.interactive
        if not self._real_time:
            _hold(self._client, self._session)

    def take(self) -> dict[str, float]:
        """What to report of the episode that is over. Lost steps are said at once, too."""
        if (sentence := losses(self._client)) != self._said:
            self._said = sentence
            _tell(sentence)
        counts = {"Lost steps": self._client.dropped, "Steps refused by the learner": self._client.refused[0]}
        figures = {**self._classifier.take(), **self._safety.take()}
        return {**figures, **{name: float(count) for name, count in counts.items() if count}}


class LearnersFigures:
    """What only the learner knows of a run, for the page: its phase, rates, and what people spent in all."""

    def __init__(self, client: LearnerClient, fps: float) -> None:
        self._client = client
        self.policy: LatestPolicy | None = None
        """Acts by the learner's weights, once there are any."""
        self._fps = fps
        self._most = {"human_s": 0.0, "watching_s": 0.0, "takeovers": 0.0}

    def __call__(self, episode: Episode) -> Mapping[str, Any]:
        """The learner counts whole episodes, a moment after their ends; that under way is the actor's."""
        directive = self._client.directive
        figures = directive.figures
        effort = self._effort(figures, episode)
        phase = "validation" if directive.test is not None else directive.phase
        return {
            "phase": _PHASES.get(phase, phase) + _count(phase, figures),
            "waiting_for": None if directive.demonstrations is not None else self._waiting_for,
            "success_rate": figures.get("success_rate"),
            "success_rate_without_help": figures.get("success_rate_without_help"),
            "intervention_rate": figures.get("intervention_rate"),
            "learner_hz": figures.get("updates_per_s"),
            "weights_age_s": None if self.policy is None else self.policy.age_s,
            "human_seconds": effort["human_s"],
            "watching_seconds": effort["watching_s"],
            "takeovers": int(effort["takeovers"]),
            **({"message": message} if (message := losses(self._client)) else {}),
        }

    @property
    def _waiting_for(self) -> str | None:
        return self._client.waiting_for or self._client.directive.waiting_for or None

    def _effort(self, figures: Mapping[str, float], episode: Episode) -> dict[str, float]:
        """Counters that never run backwards, whichever of the two sides is a moment behind."""
        under_way = {
            "human_s": episode.intervention_steps / self._fps,
            "watching_s": episode.watched_steps / self._fps,
            "takeovers": float(episode.takeovers),
        }
        if "human_s" not in figures:  # demonstrations, which are counted apart
            return under_way
        for name, here in under_way.items():
            self._most[name] = max(self._most[name], figures.get(name, 0.0) + here)
        return self._most


def _count(phase: str, figures: Mapping[str, float]) -> str:
    """How far a phase has come that people wait for."""
    unit = {"demonstrations": "episodes", "offline": "updates", "warm-up": "steps"}.get(phase)
    if unit is None or "total" not in figures:
        return ""
    return f", {figures['done']:.0f} of {figures['total']:.0f} {unit}"


def losses(client: LearnerClient) -> str:
    """Steps that training will never see, in a sentence for people; "" when there are none."""
    refused, reason = client.refused
    lost = client.dropped
    sentences = [
        f"{lost} steps are lost: the learner is away, memory and disk are full." if lost else "",
        f"The learner refused {refused} steps: {reason}." if refused else "",
    ]
    return " ".join(filter(None, sentences))


def _hold(client: LearnerClient, session: OperatorSession) -> None:
    """Wait while the learner lags behind, unless a person is there: nobody is held up."""
    since = time.monotonic()
    while client.congested or client.directive.hold:
        if session.operator.interactive or session.should_stop():
            return
        if time.monotonic() - since > _LONG_HOLD_S:
            session.note("the learner to catch up")
        time.sleep(_HOLD_S)


def _first_weights(
    client: LearnerClient, session: OperatorSession, demonstrators: Demonstrators
) -> Weights | None:
    """Waits for the learner, says for what, and demonstrates where it asks for that; None when it is over
    before it began."""
    said = ""
    while not session.should_stop():
        demonstrators.answer()
        weights = client.wait_for_weights(_POLL_S)
        if weights is not None:
            return weights
        reason = client.waiting_for.partition(" (")[0]
        session.note(reason)
        if reason and reason != said:
            said = reason
            _tell(f"waiting for {client.waiting_for}")
    return None


def _require_same_type(config: RunConfig, weights: Weights) -> None:
    """An actor imports no class but the one that its own configuration names. Raises ConfigError."""
    own, learned = learning_policy(config).type, weights.config["type"]
    if learned != own:
        raise ConfigError("configuration", f'policy.type = "{own}": the learner trains "{learned}"')


def _tell(text: str) -> None:
    print(f"actor: {text}", file=sys.stderr, flush=True)
