"""Demonstrations, as an actor gives them when the learner asks: a person's, or simulated ones."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hilt.build.envs import make_environment
from hilt.build.operators import make_operator
from hilt.config.errors import ConfigError
from hilt.config.operator_options import PEOPLE
from hilt.config.run import RunConfig
from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators.base import Event
from hilt.rollout.rollout import Clock, Episode, HoldStill, Observer, Rollout
from hilt.session.operator_session import OperatorSession
from hilt.session.stats import outcome_of
from hilt.training.actor import episode_ids
from hilt.training.demonstrations import OVER
from hilt.transport.client import LearnerClient
from hilt.transport.messages import DemonstrationRequest

_POLL_S = 0.1
_MAX_FAILURES = 10
"""Per demonstration that is wanted."""
_MAX_AT_FIRST = 8
"""Before the first success."""
_NO_MORE = sys.maxsize
"""A number of demonstrations that the learner will never count."""


class Demonstrators:
    """Those at an actor who can demonstrate.

    Args:
        observers: hear of every simulated step.
        answers_for_all: where nobody can take the controls here, nobody can anywhere.
    """

    def __init__(
        self,
        config: RunConfig,
        env: Environment,
        client: LearnerClient,
        session: OperatorSession,
        *observers: Observer,
        answers_for_all: bool,
    ) -> None:
        self._config, self._env, self._client, self._session = config, env, client, session
        self._observers = observers
        self._answers = answers_for_all or session.operator.has_people
        self._given = 0  # what the learner has or is about to get

    def answer(self) -> None:
        """Give what the learner asks for now; returns when it asks this actor for no more.

        Raises:
            ConfigError: the simulated operator cannot do it.
        """
        request = self._client.directive.demonstrations
        if request is None:
            return
        if self._given == _NO_MORE:
            self._given = 0
        if request.actor_id == self._client.actor_id:
            self._simulate(request)
        elif not request.actor_id and self._answers:
            self._invite()

    # -- people

    def _invite(self) -> None:
        """Each begins when the person takes over. Those that succeed are sent, the others discarded."""
        session, steps, remark = self._session, list[Transition](), ""
        rollout = session.rollout(HoldStill(self._env), steps.append)
        if not session.operator.has_people:
            self._end("nobody can take the controls")
        self._client.real_time = True
        for attempt, episode_id in enumerate(episode_ids()):
            request = self._next_request()
            if request is None:
                return
            steps.clear()
            seed = episode_seed("demonstration", self._config.seed, request.given + attempt)
            rollout.begin(episode_id, seed)
            if not session.invite(
                f"{remark}Demonstration {request.given + 1} of {request.wanted}: take over to begin."
            ):
                self._end("that is enough")
                continue
            episode = rollout.finish(session.should_stop)
            remark = "" if episode.is_success else f"{outcome_of(episode).capitalize()}: discarded. "
            if episode.is_success:
                self._send(steps, request.given + 1)

    # -- simulated

    def _simulate(self, request: DemonstrationRequest) -> None:
        """All at once: the learner need not have stored one before the next begins."""
        name = self._config.demonstrator
        self._given = max(self._given, request.given)
        if name is None or name in PEOPLE:
            self._end("this actor's configuration names no simulated operator (demonstrations.operator)")
        elif name == "scripted" and self._env.expert is None:
            self._end("this environment has no expert to demonstrate")
        while self._is_asked():
            if self._given < request.wanted:
                self._play(request.wanted)
            self._session.note("the learner to store the demonstrations")
            time.sleep(_POLL_S)

    def _play(self, wanted: int) -> None:
        stopped = False

        def should_stop() -> bool:
            nonlocal stopped
            stopped |= not self._is_asked()
            return stopped

        with _judged_by_itself(self._config, self._env) as env:
            for steps in simulated(self._config, env, self._given, wanted, should_stop, *self._observers):
                self._send(steps, self._given + 1)
                self._session.note("simulated demonstrations")
        if self._given < wanted and not stopped:
            self._end("the operator quit")

    def _is_asked(self) -> bool:
        request = self._client.directive.demonstrations
        asked = request is not None and request.actor_id == self._client.actor_id
        return asked and not self._session.should_stop()

    # -- both

    def _send(self, steps: list[Transition], given: int) -> None:
        for step in steps:
            self._client.send(step)
        self._given = given

    def _end(self, reason: str) -> None:
        """Tell the learner that there are no more."""
        self._client.report({OVER: reason})
        self._given = _NO_MORE

    def _next_request(self) -> DemonstrationRequest | None:
        """What the learner asks for when it has what was given; None: it asks for no more."""
        while not self._session.should_stop():
            request = self._client.directive.demonstrations
            if request is None or self._given <= request.given < request.wanted:
                return request
            self._session.note("the learner to store the demonstration")
            time.sleep(_POLL_S)
        return None


def simulated(
    config: RunConfig,
    env: Environment,
    given: int,
    wanted: int,
    should_stop: Callable[[], bool],
    *observers: Observer,
) -> Iterator[list[Transition]]:
    """Successful episodes of the demonstrator, who is in control of every step; failed ones are discarded.

    `given` of the `wanted` are there already, from other seeds than those that are played here.

    Raises:
        ConfigError: the demonstrator fails too often.
    """
    operator = make_operator(
        config,
        env,
        seed=config.seed + given,
        name=config.demonstrator,
        options=habits_of_demonstrator(config),
    )
    steps: list[Transition] = []
    clock = Clock(env.fps) if operator.interactive else None
    rollout = Rollout(env, HoldStill(env), operator, steps.append, observers, clock)
    failed, allowed, began = list[Episode](), _MAX_AT_FIRST, given
    for index, episode_id in zip(itertools.count(given), episode_ids(), strict=False):
        if should_stop() or given >= wanted:
            break
        steps.clear()
        seed = episode_seed("demonstration", config.seed, index)
        episode = rollout.run_episode(episode_id, seed, should_stop)
        if episode.event is Event.QUIT:
            break
        if episode.is_success and episode.is_complete:
            given, allowed = given + 1, _MAX_FAILURES * wanted
            yield list(steps)
        elif not should_stop():  # one that was refused counts, too: it would be refused for ever
            failed.append(episode)
            if len(failed) >= allowed:
                raise ConfigError("demonstrations", _refusal(config, env, failed, given - began))
    operator.close()


def _refusal(config: RunConfig, env: Environment, failed: list[Episode], succeeded: int) -> str:
    """What ended the demonstrations that failed, and the way out."""
    cut = sum(episode.truncated for episode in failed)
    limit = "" if env.time_limit_s is None else f" of {env.time_limit_s:g} s"
    played = len(failed) + succeeded
    said = f"operator {config.demonstrator!r} failed in {len(failed)} of {played} demonstrations"
    if 2 * cut < len(failed):
        return f"{said}, {len(failed) - cut} of them by a mistake that ended the episode: give a dataset"
    own = getattr(getattr(env.gym.unwrapped, "task", None), "time_limit_s", None)
    way = "" if own is None or own == env.time_limit_s else f" (null: the task's own {own:g} s)"
    return f"{said}: the time limit{limit} cut {cut}: raise env.processor.reset.control_time_s{way}"


@contextmanager
def _judged_by_itself(config: RunConfig, env: Environment) -> Iterator[Environment]:
    """`env`; where a person is the only judge of it, another one, for no person judges what is simulated."""
    if not config.env.trust_operator:
        yield env
        return
    other = make_environment(config)
    try:
        yield other
    finally:
        other.close()


def habits_of_demonstrator(config: RunConfig) -> dict[str, Any]:
    """The simulated demonstrator holds the controls at every step, and declares success as it does later."""
    options = dict(config.demonstrations.operator_options)
    if config.demonstrator != "scripted":
        return options
    later = config.options_of_operator if config.operator_name == "scripted" else {}
    same = {name: value for name, value in later.items() if name in ("person", "success_delay_s")}
    return {"always": True, **same, **options}
