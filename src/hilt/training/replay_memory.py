"""Everything a run has experienced: the log on disk, and both buffers in memory."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hilt.data.episode_log import EpisodeLog
from hilt.data.replay_buffer import FrameTransform, ReplayBuffer
from hilt.data.routing import Source, route
from hilt.data.transition import Schema, Transition

FORGOTTEN = "forgotten_episodes.txt"
"""Beside the log: ids of episodes in it that a person threw away, a line each."""
_INBOX_SIZE = 20_000
_POLL_S = 0.1
_ABSORB_S = 0.1


class Memory:
    """The log is written by the thread that receives transitions, the buffers by the one that learns.

    `receive` returns when the transitions are in the log and may be called while another thread learns;
    `absorb` moves what was received into the buffers. After a crash `restore` rebuilds both from the log:
    what was not absorbed is not lost.
    """

    def __init__(
        self,
        folder: Path,
        schema: Schema,
        *,
        online_capacity: int,
        demonstration_capacity: int,
        transform: FrameTransform | None = None,
        penalty_in_reward: bool = False,
        step_cost: float = 0.0,
        ahead: int = 0,
    ) -> None:
        """`penalty_in_reward`: the buffers' rewards, not the log's, hold the gripper penalty; so does
        `step_cost`, which is subtracted at every step. `ahead`: steps that a sample spans after its first."""
        self.log = EpisodeLog(folder, schema)
        self.online = ReplayBuffer(online_capacity, schema, transform)
        self.demonstrations = ReplayBuffer(demonstration_capacity, schema, transform)
        self.env_steps = 0
        """Steps of the actors in the buffer or forgotten by it, over all restarts."""
        self.successful_steps = 0
        """Those of them in episodes that have ended in success."""
        self.source = Source.ONLINE
        """What the transitions are that arrive from now on."""
        self._penalty_in_reward, self._step_cost, self._ahead = penalty_in_reward, step_cost, ahead
        self.demonstrated: set[int] = set()
        """Ids of the demonstrations that are there to their last step."""
        self.demonstration_steps = 0
        self._logged: dict[int, int] = {}  # episode -> its newest step in the log
        self._inbox: queue.Queue[tuple[Transition, Source] | int] = queue.Queue(_INBOX_SIZE)
        self._resting = threading.Event()
        self._forgotten = set(map(int, _lines(folder / FORGOTTEN)))

    def restore(self, progress: Callable[[int], None] = lambda count: None) -> int:
        """Rebuild the buffers from the log; how many transitions were there is returned.

        `progress` hears of each how many there are so far: a frozen encoder looks at all their pictures.
        """
        restored = 0
        for transition, source in self.log.read():
            self._logged[transition.episode_id] = transition.step
            self._add(transition, source)
            restored += 1
            progress(restored)
        return restored

    def demonstrate(self, transitions: Iterable[Transition]) -> None:
        """Keep demonstrations: log and buffer. Steps that are there already are left out."""
        seen = self.demonstrations.seen
        kept = [transition for transition in transitions if not seen(transition.episode_id, transition.step)]
        self.log.append(kept, Source.DEMONSTRATION)
        self.log.sync()
        for transition in kept:
            self._add(transition, Source.DEMONSTRATION)

    def receive(self, transitions: list[Transition]) -> None:
        """Keep what actors send; blocks while the learner is far behind. One thread at a time."""
        source = self.source
        self.log.append(transitions, source)
        for transition in transitions:
            self._logged[transition.episode_id] = transition.step
            self._put((transition, source))

    def forget(self, episode_id: int) -> None:
        """A person threw this online episode away: nothing is learned from it any more, not even by a resume.

        Its steps stay in the log, and count as steps of the environment. Those to come are forgotten, too.
        """
        with (self.log.folder / FORGOTTEN).open("a") as file:
            file.write(f"{episode_id}\n")
        self._forgotten.add(episode_id)
        self.online.forget(episode_id)
        self.demonstrations.forget(episode_id)

    def abandon(self, episode_id: int) -> None:
        """The actor of this episode is gone: what had arrived stays, truncated. Safe for threads."""
        self._put(episode_id)

    def rest(self) -> None:
        """`absorb` is not called any more: what is received from now on is logged only, without blocking."""
        self._resting.set()

    def _put(self, item: tuple[Transition, Source] | int) -> None:
        waiting = True
        while waiting and not self._resting.is_set():
            try:
                self._inbox.put(item, timeout=_POLL_S)
                waiting = False
            except queue.Full:
                continue

    def absorb(self, timeout_s: float = 0.0) -> int:
        """Move what has arrived into the buffers, waiting at most `timeout_s` for the first; the number.

        Returns after a while even if more is there: where a frozen encoder makes insertion slower than
        acting, a learner that took everything would do nothing else.
        """
        count, until = 0, time.monotonic() + timeout_s + _ABSORB_S
        try:
            item = self._inbox.get(timeout=timeout_s) if timeout_s else self._inbox.get_nowait()
            while True:
                if isinstance(item, int):
                    self._cut(item)
                else:
                    count += self._add(*item)
                if time.monotonic() > until:
                    return count
                item = self._inbox.get_nowait()
        except queue.Empty:
            return count

    @property
    def waiting(self) -> int:
        """What was received and is not in the buffers yet."""
        return self._inbox.qsize()

    def seen(self, episode_id: int, step: int) -> bool:
        """Whether this step, or a later one of its episode, is in the log already."""
        return step <= self._logged.get(episode_id, -1)

    def close(self) -> None:
        self.log.close()

    def _add(self, transition: Transition, source: Source) -> bool:
        if transition.episode_id in self._forgotten:
            self.env_steps += 1
            return False
        if self._penalty_in_reward:
            reward = transition.reward + transition.discrete_penalty
            transition = replace(transition, reward=reward, discrete_penalty=0.0)
        if self._step_cost:
            transition = replace(transition, reward=transition.reward - self._step_cost)
        added = route(transition, source, self.online, self.demonstrations, self._ahead)
        if added and source is Source.ONLINE:
            self.env_steps += 1
            if transition.done and transition.is_success:
                self.successful_steps += transition.step + 1
        if source is Source.DEMONSTRATION:
            self.demonstration_steps += added
            if transition.done:
                self.demonstrated.add(transition.episode_id)
        return added

    def _cut(self, episode_id: int) -> None:
        self.online.cut(episode_id)
        self.demonstrations.cut(episode_id)


def _lines(path: Path) -> list[str]:
    """The whole lines of a file; a torn last one is left out."""
    return path.read_text().split("\n")[:-1] if path.is_file() else []
