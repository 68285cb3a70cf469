"""Demonstrations, as the learner gets them: from a dataset, or from an actor that it asks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from hilt.build.datasets import open_fitting, read_transitions
from hilt.config.errors import ConfigError
from hilt.config.operator_options import PEOPLE
from hilt.config.run import RunConfig
from hilt.data.routing import Source, until_success
from hilt.data.transition import Schema, Transition
from hilt.session.console import say
from hilt.training.replay_memory import Memory
from hilt.training.status import Count, Status, StatusView
from hilt.transport.messages import DemonstrationRequest, Directive
from hilt.transport.streams import ActorInfo

OVER = "demonstrations_over"
"""Of an actor's report: why there are no more."""
_POLL_S = 0.1


class Asked(Protocol):
    """The actors, as far as the learner asks them for demonstrations."""

    @property
    def actors(self) -> Sequence[ActorInfo]: ...

    def direct(self, directive: Directive) -> None: ...

    def reports(self) -> Sequence[tuple[str, Mapping[str, Any]]]: ...


def missing(config: RunConfig, memory: Memory) -> int:
    """How many demonstrations actors are still to give."""
    if config.dataset.directory is not None or config.demonstrator is None:
        return 0
    return max(0, config.demonstrations.num_episodes - len(memory.demonstrated))


def demonstrate(
    config: RunConfig, memory: Memory, actors: Asked, view: StatusView, should_stop: Callable[[], bool]
) -> None:
    """Puts into `memory` what it has not had yet: the dataset's episodes, else what actors give.

    Raises:
        ConfigError: there is no room for them on disk.
        DatasetError: the dataset cannot be read or does not fit the schema.
    """
    if config.dataset.directory is not None:
        _read(config, memory, actors, view)
    elif missing(config, memory):
        _ask(config, memory, actors, view, should_stop)
    elif config.demonstrator is None and config.demonstrations.num_episodes > len(memory.demonstrated):
        view.say(
            f"no dataset, and operator {config.operator_name!r} demonstrates nothing beforehand: training "
            "begins without demonstrations (dataset.root=DIR, or --demonstrations.operator=scripted)"
        )


def recorded(config: RunConfig, schema: Schema, have: Collection[int] = ()) -> Iterator[list[Transition]]:
    """The episodes of the dataset, without those whose ids are in `have`. Raises DatasetError."""
    transitions: Iterator[Transition] = read_transitions(config, schema, say)
    if config.env.number_of_steps_after_success == 0:
        transitions = until_success(transitions)
    for episode_id, episode in itertools.groupby(transitions, key=lambda transition: transition.episode_id):
        if episode_id not in have:
            yield list(episode)


def _read(config: RunConfig, memory: Memory, actors: Asked, view: StatusView) -> None:
    schema = memory.log.schema
    reader = open_fitting(config, schema)
    reader.close()
    tell = _Teller(memory, len(reader.episodes), actors, view)
    try:
        if tell.total > len(memory.demonstrated):
            tell()
        for episode in recorded(config, schema, memory.demonstrated):
            memory.demonstrate(episode)
            tell()
    except OSError as error:
        raise ConfigError(str(memory.log.folder), f"cannot be written: {error.strerror}") from error


def _ask(
    config: RunConfig, memory: Memory, actors: Asked, view: StatusView, should_stop: Callable[[], bool]
) -> None:
    """What arrives are demonstrations, until there are enough or an actor says that there are no more."""
    wanted, reason, simulator = config.demonstrations.num_episodes, "", ""
    tell = _Teller(memory, wanted, actors, view)
    _announce(config, wanted - len(memory.demonstrated), view.say)
    memory.source = Source.DEMONSTRATION
    while not reason and len(memory.demonstrated) < wanted and not should_stop():
        if config.demonstrator not in PEOPLE:
            simulator = _choose(actors.actors, simulator)
        tell(DemonstrationRequest(len(memory.demonstrated), wanted, simulator))
        memory.absorb(_POLL_S)
        reason = next((str(report[OVER]) for _, report in actors.reports() if OVER in report), "")
    memory.source = Source.ONLINE
    actors.direct(Directive("starting"))
    if reason:
        view.say(f"{reason}: training begins with {len(memory.demonstrated)} of {wanted} demonstrations")


def _announce(config: RunConfig, number: int, tell: Callable[[str], None]) -> None:
    if config.demonstrator in PEOPLE:
        tell(
            f"waiting for {number} demonstrations: take over at the page or your device "
            "(or none: --demonstrations.num_episodes=0; or simulated: --demonstrations.operator=scripted)"
        )
    elif config.operator_name != config.demonstrator:
        tell(f"demonstrations are given by operator {config.demonstrator!r}, as demonstrations.operator says")


def _choose(actors: Sequence[ActorInfo], current: str) -> str:
    """The one actor that simulates: the same for as long as it is there; "-" while there is none."""
    names = [actor.actor_id for actor in actors]
    return current if current in names else next(iter(names), "-")


class _Teller:
    """Tells people and actors how many there are."""

    def __init__(self, memory: Memory, total: int, actors: Asked, view: StatusView) -> None:
        self._memory, self._actors, self._view = memory, actors, view
        self.total, self._began = total, time.monotonic()

    def __call__(self, request: DemonstrationRequest | None = None) -> None:
        count = Count(len(self._memory.demonstrated), self.total, "episodes")
        self._view.show(Status("demonstrations", count=count, elapsed_s=time.monotonic() - self._began))
        figures = {"done": float(count.done), "total": float(count.total)}
        self._actors.direct(Directive("demonstrations", figures=figures, demonstrations=request))
