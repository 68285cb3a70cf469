"""The actor: runs episodes with the newest weights and the operator, and sends what happens."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators.base import Event
from hilt.rollout.evaluation import evaluate_policy, evaluation_seeds
from hilt.rollout.rollout import Episode, Rollout, Session
from hilt.runs.history import judged, summarise
from hilt.training.latest_policy import LatestPolicy
from hilt.training.pacing import Every
from hilt.training.sequential_test import SequentialTest
from hilt.training.validation import SIGN_OF_LIFE_S
from hilt.transport.messages import Directive, Record

_POLL_S = 0.1


class LearnerLink(Protocol):
    """What an actor needs of its learner."""

    def send(self, transition: Transition) -> None:
        """Keep `transition` until the learner has it; never blocks."""
        ...

    def report(self, record: Record) -> None:
        """Tell the learner about an episode."""
        ...

    @property
    def directive(self) -> Directive:
        """The learner's newest word."""
        ...


class Actor:
    """Runs training episodes until the learner or a person says stop.

    Episode k of actor INDEX has the k-th seed of the stream `training/INDEX`: no two actors play the same
    ones, and another run of the same seed begins with the same ones.

    Args:
        first: number of the first episode: an actor that goes on with a run plays new ones.
        session: the people there. They watch tests of the policy, too; the rollout has its own observers.
        figures: what else is to be reported of an episode.
    """

    def __init__(
        self,
        rollout: Rollout,
        policy: LatestPolicy,
        link: LearnerLink,
        *,
        index: int,
        seed: int,
        first: int = 0,
        session: Session | None = None,
        figures: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._rollout, self._policy, self._link = rollout, policy, link
        self._index, self._seed, self._number, self._figures = index, seed, first, figures
        self._session = session or Session()
        self._episodes = episode_ids()
        self._tested = 0
        self._quit = False

    def run(self) -> bool:
        """Episode after episode; True when the operator ended it."""
        last: Episode | None = None
        for episode_id in self._episodes:
            self._session.prepare(last)
            if self._stopping():
                break
            last = self._play(episode_id)
            if self._index == 0:
                self._test_if_asked(self._rollout.env)
        return self._quit

    def _play(self, episode_id: int) -> Episode:
        seed = episode_seed(f"training/{self._index}", self._seed, self._number)
        self._number += 1
        started = time.monotonic()
        episode = self._rollout.run_episode(episode_id, seed, self._stopping)
        self._quit = episode.event is Event.QUIT
        if episode.length or episode.refused:
            self._link.report(self._account(episode, time.monotonic() - started))
        if episode.event is Event.RERECORD:
            self._link.report({"thrown_away": str(episode.episode_id)})
        if episode.length == 0:  # a policy that gives nothing but NaN must not flood the learner with reports
            time.sleep(_POLL_S)
        return episode

    def _stopping(self) -> bool:
        return self._quit or self._session.should_stop() or self._link.directive.stop

    def _account(self, episode: Episode, seconds: float) -> Record:
        record: dict[str, float | str] = {**summarise(episode), **judged(episode), **self._figures()}
        record["Policy frequency [Hz]"] = episode.length / max(seconds, 1e-9)
        record["Weights age [s]"] = self._policy.age_s
        clock = self._rollout.clock
        if clock is not None and clock.lateness_s:
            record["Control jitter p99 [ms]"] = 1e3 * float(np.percentile(np.abs(clock.lateness_s), 99))
            clock.lateness_s.clear()
        return record

    def _test_if_asked(self, env: Environment) -> None:
        """Test the newest weights alone and say how they did, as soon as that is clear."""
        asked = self._link.directive.test
        if asked is None or asked.version == self._tested:
            return
        self._policy.refresh()
        if self._policy.version != asked.version:
            return
        self._tested = asked.version
        test = SequentialTest(asked.target, asked.episodes, asked.number)
        signs_of_life = Every(SIGN_OF_LIFE_S)

        def should_stop() -> bool:
            if signs_of_life.due():
                self._link.report({"testing": asked.version, "played": test.played, "longest": test.longest})
            return test.is_over or self._stopping() or self._link.directive.test != asked

        played = evaluate_policy(
            env,
            self._policy.deterministic(),
            evaluation_seeds(asked.version, test.longest, stream="validation"),
            on_episode=lambda result: test.add(result.is_success, result.length),
            should_stop=should_stop,
            observers=[self._session],
        )
        steps = sum(result.length for result in played)
        self._link.report({"test_steps": float(steps), "test_episodes": float(len(played))})
        if test.is_over:
            self._link.report({"tested": asked.version, **test.result})


def episode_ids() -> itertools.count[int]:
    """Ids that no other actor process of any run draws: random high bits, then a counter."""
    high = int(np.random.SeedSequence().generate_state(1)[0]) & 0x7FFFFFFF
    return itertools.count(high << 32)
