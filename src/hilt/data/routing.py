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


def route(
    transition: Transition,
    source: Source,
    online: ReplayBuffer,
    demonstrations: ReplayBuffer,
    ahead: int = 0,
) -> bool:
    """Demonstrations to the one buffer, online steps to the other, interventions to both (RLPD).

    Chunks that begin in an intervention span `ahead` more steps. So that a correction shorter than a chunk
    counts, too, the policy's steps that followed it stand beside it: chunks run into them, none begins there.
    What is missing after those is not bridged. False when the step was known already.
    """
    if source is Source.DEMONSTRATION:
        return demonstrations.add(transition)
    if transition.is_intervention:
        demonstrations.add(transition)
    else:
        demonstrations.extend(transition, ahead)
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
