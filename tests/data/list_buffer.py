"""What the replay buffer promises, in the plainest way there is: a list of frames and a loop per sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilt.data.transition import Transition


@dataclass
class Frame:
    episode: int
    step: int
    taken: Transition | None = None


@dataclass
class Return:
    """One sample: over k <= n steps."""

    k: int
    reward: float
    penalty: float
    bootstrap: float
    next_frame: tuple[int, int]
    actions: list[NDArray[np.float32]]


class ListBuffer:
    """Keeps the `capacity` newest frames of episodes that are never cut."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.frames: list[Frame] = []

    def add(self, new: Transition) -> None:
        full = len(self.frames) == self.capacity
        candidates = self.frames[1:] if full else self.frames
        open_frame = [f for f in candidates if (f.episode, f.step) == (new.episode_id, new.step)]
        if not open_frame:
            self._append(Frame(new.episode_id, new.step))
        (open_frame or self.frames)[-1].taken = new
        self._append(Frame(new.episode_id, new.step + 1))

    def _append(self, frame: Frame) -> None:
        self.frames = [*self.frames, frame][-self.capacity :]

    @property
    def steps(self) -> dict[tuple[int, int], Transition]:
        return {(f.episode, f.step): f.taken for f in self.frames if f.taken is not None}

    def n_step(self, episode: int, step: int, n: int, discount: float) -> Return:
        steps = self.steps
        taken: list[Transition] = []
        while len(taken) < n and (episode, step + len(taken)) in steps:
            taken.append(steps[episode, step + len(taken)])
            if taken[-1].done:
                break
        k = len(taken)
        return Return(
            k=k,
            reward=sum(discount**i * t.reward for i, t in enumerate(taken)),
            penalty=sum(discount**i * t.discrete_penalty for i, t in enumerate(taken)),
            bootstrap=0.0 if taken[-1].terminated else discount**k,
            next_frame=(episode, step + k),
            actions=[t.action for t in taken],
        )
