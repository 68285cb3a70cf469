"""Which transition goes into which buffer."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.transition import Transition


class Source(enum.IntEnum):
    """Where a transition came from."""

    ONLINE = 0
    DEMONSTRATION = 1


def route(transition: Transition, source: Source, online: ReplayBuffer, demonstrations: ReplayBuffer) -> bool:
    """Demonstrations to the one buffer, online steps to the other, interventions to both (RLPD).

    Among the demonstrations an intervention keeps its own next observation: the policy's steps after it are
    missing there, and what is missing is not bridged. False when the step was known already.
    """
    if source is Source.DEMONSTRATION:
        return demonstrations.add(transition)
    if transition.is_intervention:
        demonstrations.add(transition)
    if transition.done and transition.is_success:
        demonstrations.mark_success(transition.episode_id)
    return online.add(transition)


def until_success(transitions: Iterable[Transition]) -> Iterator[Transition]:
    """Each episode up to its first success, which becomes its terminal.

    For demonstrations that were recorded with `number_of_steps_after_success` and are to train a policy.
    """
    succeeded: set[int] = set()
    for transition in transitions:
        if transition.episode_id in succeeded:
            continue
        if transition.is_success:
            succeeded.add(transition.episode_id)
            yield replace(transition, terminated=True, truncated=False)
        else:
            yield transition
