"""`ReplayBuffer`: the steps of many interleaved episodes, in memory, each observation stored once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.transition import Feature, Observation, Schema, Transition

Slots = NDArray[np.intp]
"""Indices into the buffer's columns."""


@dataclass(frozen=True, slots=True)
class FrameTransform:
    """What to store in place of an observation, such as the features of a frozen encoder.

    `apply` is called once per stored observation; its result must fit `features`.
    """

    features: Mapping[str, Feature]
    apply: Callable[[Observation], Observation]


class ReplayBuffer:
    """A ring of `capacity` slots in preallocated, lazily touched memory; the oldest goes first.

    A slot holds one observation and, where a step was taken from it (`has_step`), that step: `action` in
    environment units, `reward`, ... and `next_slot`, the slot of the observation after it. So an episode of T
    steps takes T + 1 slots, not side by side, and episodes of several actors may interleave. Links lead to
    younger slots only: what the head of the ring overwrites, no living slot points at.

    A step whose next slot has no step is the last of its segment: `terminated`, or else truncated, whether by
    the time limit, by the death of its actor, or because what followed was not added (yet). Nothing follows
    it. `ended` are the last steps of whole episodes.

    Samples begin at an `is_start` only; what `extend` adds is there for chunks and returns to run into.

    Not safe for threads: one thread adds and samples.
    """

    def __init__(self, capacity: int, schema: Schema, transform: FrameTransform | None = None) -> None:
        if capacity < 2:
            raise ValueError(f"replay buffer capacity {capacity}: at least 2 (one step, and where it led)")
        self.capacity = capacity
        self.schema = schema
        self.transform = transform
        self.features = dict(schema.observation if transform is None else transform.features)
        self.frames = {name: self._column(f.shape, f.dtype) for name, f in self.features.items()}
        self.action = self._column((schema.action_dim,))
        self.reward = self._column(())
        self.discrete_penalty = self._column(())
        self.is_intervention = self._column((), "bool")
        self.terminated = self._column((), "bool")
        self.ended = self._column((), "bool")
        self.is_start = self._column((), "bool")
        self.success = self._column((), "bool")
        self.next_slot = self._column((), "intp")
        self.episode_id = self._column((), "int64")
        self.has_step: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self._size = 0
        self._used = 0  # slots written at least once
        self._head = 0  # the slot to be written next
        self._last_step: dict[int, int] = {}  # episode -> newest step added
        self._open: dict[int, int] = {}  # episode -> slot of the observation that a step may follow
        self._extended: dict[int, int] = {}  # episode -> steps since its newest start

    def __len__(self) -> int:
        """Transitions that can be drawn."""
        return self._size

    @property
    def nbytes_per_transition(self) -> float:
        """Memory in use per transition that can be drawn."""
        columns = [
            *self.frames.values(),
            self.action,
            self.reward,
            self.discrete_penalty,
            self.is_intervention,
        ]
        columns += [self.terminated, self.ended, self.is_start, self.success]
        columns += [self.next_slot, self.episode_id, self.has_step]
        return sum(column.nbytes for column in columns) / self.capacity * self._used / max(self._size, 1)

    def seen(self, episode_id: int, step: int) -> bool:
        """Whether this step, or a later one of its episode, was added before."""
        return step <= self._last_step.get(episode_id, -1)

    def add(self, transition: Transition) -> bool:
        """Stores one step; False, and nothing changes, when it was `seen` before.

        Steps of an episode come in order, from any number of episodes at a time. A gap cuts the episode.
        Raises SchemaError when the transition breaks the schema, above all where it is not finite.
        """
        self.schema.check(transition)
        if self.seen(transition.episode_id, transition.step):
            return False
        self._extended[transition.episode_id] = 0
        self._add(transition, is_start=True)
        return True

    def extend(self, transition: Transition, most: int) -> None:
        """Stores a step that comes after those that were added, at most `most` after the newest of them.

        Chunks and returns that begin before it run into it; none begins there.
        """
        episode = transition.episode_id
        beyond = self._extended.get(episode, most)
        if beyond < most and self._last_step[episode] == transition.step - 1 and episode in self._open:
            self._extended[episode] = beyond + 1
            self._add(transition, is_start=False)

    def _add(self, transition: Transition, *, is_start: bool) -> None:
        slot = self._slot_of_observation(transition)
        after = self._store(transition.next_observation, transition.episode_id)
        self._store_step(slot, after, transition, is_start)
        self._last_step[transition.episode_id] = transition.step
        if not transition.done:
            self._open[transition.episode_id] = after
        elif transition.is_success:
            self.mark_success(transition.episode_id)

    def cut(self, episode_id: int) -> None:
        """The actor of this episode is gone: the last step that arrived is truncated and stays so."""
        self._open.pop(episode_id, None)

    def forget(self, episode_id: int) -> None:
        """No step of this episode is drawn any more; those that are still to come count as `seen`."""
        self._open.pop(episode_id, None)
        slots = np.flatnonzero((self.episode_id[: self._used] == episode_id) & self.has_step[: self._used])
        self._size -= int(self.is_start[slots].sum())
        self.has_step[slots] = False

    def mark_success(self, episode_id: int) -> None:
        """The episode ended in success, whether or not its last step is in this buffer."""
        self.success[: self._used][self.episode_id[: self._used] == episode_id] = True

    def draw(self, count: int, generator: np.random.Generator) -> Slots:
        """`count` starts, uniformly and with replacement. Raises ValueError when there is none."""
        if self._size == 0:
            raise ValueError("the replay buffer is empty: add transitions before drawing any")
        slots = generator.integers(self._used, size=count)
        while (missed := ~(self.has_step[slots] & self.is_start[slots])).any():
            slots[missed] = generator.integers(self._used, size=np.count_nonzero(missed))
        return slots

    def follow(self, start: Slots, n: int) -> tuple[Slots, NDArray[np.bool_]]:
        """Slots (n, B) of the n steps from `start` (B,), and which of them happened.

        Where the episode ends before n, its last step is repeated, marked as not happened.
        """
        slots = np.empty((n, len(start)), np.intp)
        happened = np.ones((n, len(start)), np.bool_)
        slots[0] = start
        for i in range(1, n):
            following = self.next_slot[slots[i - 1]]
            happened[i] = happened[i - 1] & self.has_step[following]
            slots[i] = np.where(happened[i], following, slots[i - 1])
        return slots, happened

    def _column(self, shape: tuple[int, ...], dtype: str = "float32") -> NDArray[Any]:
        try:
            return np.empty((self.capacity, *shape), dtype)
        except MemoryError as error:
            text = (
                f"no memory for {self.capacity} slots of {dtype}{shape}: lower the replay buffer's capacity"
            )
            raise MemoryError(text) from error

    def _slot_of_observation(self, transition: Transition) -> int:
        """Where the observation before the step lies, or is now stored."""
        slot = self._open.pop(transition.episode_id, None)
        follows = self._last_step.get(transition.episode_id) == transition.step - 1
        # A slot at the head would be overwritten by the very observation that its step led to.
        if slot is None or not follows or slot == self._head:
            return self._store(transition.observation, transition.episode_id)
        return slot

    def _store(self, observation: Observation, episode_id: int) -> int:
        """Writes a frame over the oldest slot and returns that slot."""
        if self.transform is not None:
            observation = self.transform.apply(observation)
        slot = self._head
        self._evict(slot)
        for name, frame in self.frames.items():
            frame[slot] = observation[name]
        self.episode_id[slot] = episode_id
        self.success[slot] = False
        self._used = max(self._used, slot + 1)
        self._head = (slot + 1) % self.capacity
        return slot

    def _store_step(self, slot: int, after: int, transition: Transition, is_start: bool) -> None:
        self.action[slot] = transition.action
        self.reward[slot] = transition.reward
        self.discrete_penalty[slot] = transition.discrete_penalty
        self.is_intervention[slot] = transition.is_intervention
        self.terminated[slot] = transition.terminated
        self.ended[slot] = transition.done
        self.is_start[slot] = is_start
        self.next_slot[slot] = after
        self.has_step[slot] = True
        self._size += is_start

    def _evict(self, slot: int) -> None:
        if self.has_step[slot]:
            self.has_step[slot] = False
            self._size -= bool(self.is_start[slot])
        elif slot < self._used and self._open.get(episode := int(self.episode_id[slot])) == slot:
            del self._open[episode]
