"""Demonstrations that a person gives before training: the learner asks for them, an actor collects them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hilt.config.operator_options import PEOPLE
from hilt.config.run import RunConfig
from hilt.data.routing import Source
from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, episode_seed
from hilt.rollout.rollout import HoldStill
from hilt.session.operator_session import OperatorSession
from hilt.session.stats import outcome_of
from hilt.training.actor import episode_ids
from hilt.training.replay_memory import Memory
from hilt.transport.client import LearnerClient
from hilt.transport.messages import DemonstrationRequest, Directive

_POLL_S = 0.1
_OVER = "demonstrations_over"
"""Of an actor's report: why there are no more."""


class Asked(Protocol):
    """The actors, as far as the learner asks them for demonstrations."""

    def direct(self, directive: Directive) -> None: ...

    def reports(self) -> Sequence[tuple[str, Mapping[str, Any]]]: ...


def asks_people(config: RunConfig) -> bool:
    """A person gives the demonstrations of this training."""
    return config.dataset.directory is None and config.demonstrator in PEOPLE


def ask_for_demonstrations(
    config: RunConfig,
    memory: Memory,
    actors: Asked,
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> None:
    """The learner's side: what arrives are demonstrations, until there are enough or the person says so."""
    wanted, reason = config.demonstrations.num_episodes, ""
    if (missing := wanted - len(memory.demonstrated)) > 0:
        say(
            f"waiting for {missing} demonstrations: take over at the page or your device "
            "(or none: --demonstrations.num_episodes=0; or simulated: --demonstrations.operator=scripted)"
        )
    memory.source = Source.DEMONSTRATION
    while not reason and len(memory.demonstrated) < wanted and not should_stop():
        request = DemonstrationRequest(len(memory.demonstrated), wanted)
        actors.direct(Directive("demonstrations", demonstrations=request))
        memory.absorb(_POLL_S)
        reason = next((str(report[_OVER]) for _, report in actors.reports() if _OVER in report), "")
    memory.source = Source.ONLINE
    actors.direct(Directive("starting"))
    if reason:
        say(f"{reason}: training begins with {len(memory.demonstrated)} of {wanted} demonstrations")


def give_demonstrations(env: Environment, client: LearnerClient, session: OperatorSession, seed: int) -> None:
    """An actor's side, for as long as the learner asks. Where nobody can give any, the learner is told.

    Each begins when the person takes over. Those that succeed are sent, the others are thrown away.
    """
    steps: list[Transition] = []
    rollout = session.rollout(HoldStill(env), steps.append)
    given, remark = 0, ""
    if not session.operator.has_people:
        given = _end(client, "nobody can take the controls")
    client.real_time = True
    for attempt, episode_id in enumerate(episode_ids()):
        request = _next_request(client, session, given)
        if request is None:
            return
        steps.clear()
        rollout.begin(episode_id, episode_seed("demonstration", seed, request.given + attempt))
        if not session.invite(
            f"{remark}Demonstration {request.given + 1} of {request.wanted}: take over to begin."
        ):
            given = _end(client, "that is enough")
            continue
        episode = rollout.finish(session.should_stop)
        remark = "" if episode.is_success else f"{outcome_of(episode).capitalize()}: thrown away. "
        if episode.is_success:
            given = request.given + 1
            for step in steps:
                client.send(step)


def _end(client: LearnerClient, reason: str) -> int:
    """Tell the learner that there are no more; a number of demonstrations that it will never count."""
    client.report({_OVER: reason})
    return sys.maxsize


def _next_request(client: LearnerClient, session: OperatorSession, given: int) -> DemonstrationRequest | None:
    """What the learner asks for when it has the `given` ones; None: it asks for no more."""
    while not session.should_stop():
        request = client.directive.demonstrations
        if request is None or given <= request.given < request.wanted:
            return request
        session.note("the learner to store the demonstration")
        time.sleep(_POLL_S)
    return None
