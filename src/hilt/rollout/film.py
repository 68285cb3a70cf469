"""Films of evaluated episodes, failures first: what the evaluation itself saw, or the episode once more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hilt.data.transition import Observation, Transition
from hilt.envs.feature_env import Environment, Outcome
from hilt.operators.base import NoOperator
from hilt.rollout.evaluation import EpisodeResult
from hilt.rollout.rollout import Episode, Observer, Policy, Rollout
from hilt.rollout.video import Picture, write_mp4, write_strips

_COLUMNS = 6
_LARGEST_FRAME = 2**19
"""Bytes of the pictures of one step that are kept for films; larger ones are drawn again."""
_LEAST_HEIGHT = 240
"""Pixels: smaller pictures are enlarged."""


def _chosen(results: Sequence[EpisodeResult], n: int) -> list[int]:
    """Indices of the `n` episodes to film: failures first."""
    return sorted(range(len(results)), key=lambda index: (results[index].is_success, index))[:n]


@dataclass(slots=True)
class Footage(Observer):
    """Keeps what the policy's cameras saw of those episodes that will be filmed, while they are evaluated.

    `n`: films; `frames`: the longest, in pictures. Of policies without cameras there is none.
    """

    n: int
    frames: int
    kept: dict[int, list[Observation]] = field(default_factory=dict)
    """Seed of an episode -> what was seen."""
    _now: list[Observation] = field(default_factory=list)
    _results: list[EpisodeResult] = field(default_factory=list)

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        """One more step of the episode under way."""
        if transition.step == 0:
            self._now = [_pictures_of(transition.observation)]
        if len(self._now) < self.frames and 0 < _size(self._now[0]) <= _LARGEST_FRAME:
            self._now.append(_pictures_of(transition.next_observation))

    def on_result(self, result: EpisodeResult) -> None:
        """It is over: keep it if it would be filmed, and forget the one that it displaces."""
        self._results.append(result)
        if len(self._now) > 1:
            self.kept[result.seed] = self._now
        self._now = []
        wanted = {self._results[index].seed for index in _chosen(self._results, self.n)}
        self.kept = {seed: seen for seed, seen in self.kept.items() if seed in wanted}


def film(
    env: Environment,
    policy: Policy,
    results: Sequence[EpisodeResult],
    folder: Path,
    n: int,
    *,
    video_s: float = math.inf,
    footage: Footage | None = None,
    tell: Callable[[str], None] = lambda text: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """`n` episodes of `results`, failures first, into `episode_*.mp4` and `summary.png`.

    Of an episode that is in `footage` the film shows what the policy saw. Others are played again: seeds and
    a policy that repeats itself give the same ones. Films are cut at `video_s` seconds; `tell` hears of each.

    Raises:
        RenderingError: no pictures can be drawn.
    """
    kept = {} if footage is None else footage.kept
    rows: list[tuple[str, Sequence[Picture]]] = []
    chosen = _chosen(results, n)
    for number, index in enumerate(chosen, 1):
        if should_stop():
            break
        result, began = results[index], time.monotonic()
        count = frames_of(result, env.fps, video_s)
        seen = kept.get(result.seed)
        pictures = _side_by_side(seen) if seen is not None else _played_again(env, policy, result.seed)
        word = "success" if result.is_success else "FAILURE"
        strip = _Strip(pictures, count)
        write_mp4(folder / f"episode_{index:03d}_{word.lower()}.mp4", strip, env.fps)
        rows.append((f"episode {index}: {word}, {result.cycle_time_s:.1f} s", strip.chosen))
        tell(
            f"film {number} of {len(chosen)}: episode {index}, {word}, {strip.count} frames "
            f"in {time.monotonic() - began:.1f} s"
        )
    if rows:
        write_strips(folder / "summary.png", rows, _COLUMNS)


def frames_of(result: EpisodeResult, fps: float, video_s: float) -> int:
    """Pictures of a film of `result`: one per step and the first, at most `video_s` seconds of them."""
    return min(result.length + 1, longest(fps, video_s))


def longest(fps: float, video_s: float) -> int:
    """Pictures of the longest film."""
    return 2**31 if math.isinf(video_s) else max(1, round(video_s * fps))


class _Strip:
    """Passes the first `count` of `pictures` on, and keeps a few of them, evenly spaced."""

    def __init__(self, pictures: Iterator[Picture], count: int) -> None:
        self._pictures, self._limit = pictures, count
        self._columns = set(np.linspace(0, count - 1, _COLUMNS).round().astype(int).tolist())
        self.chosen: list[Picture] = []
        self.count = 0

    def __iter__(self) -> Iterator[Picture]:
        for picture in self._pictures:
            if self.count in self._columns:
                self.chosen.append(picture)
            self.count += 1
            yield picture
            if self.count == self._limit:
                return


def _played_again(env: Environment, policy: Policy, seed: int) -> Iterator[Picture]:
    rollout = Rollout(env, policy, NoOperator(), record=lambda transition: None)
    rollout.begin(0, seed)
    yield env.render()
    while not rollout.episode.over:
        rollout.step()
        yield env.render()


def _side_by_side(observations: Sequence[Observation]) -> Iterator[Picture]:
    """What all cameras saw, uint8 [H, W, 3], enlarged to be looked at."""
    for observation in observations:
        pictures = [picture.transpose(1, 2, 0) for picture in observation.values()]
        height = max(picture.shape[0] for picture in pictures)
        padded = [np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0))) for p in pictures]
        joined = np.concatenate(padded, axis=1)
        factor = max(1, math.ceil(_LEAST_HEIGHT / height))
        yield joined.repeat(factor, axis=0).repeat(factor, axis=1)


def _pictures_of(observation: Observation) -> Observation:
    return {name: array for name, array in observation.items() if array.ndim == 3}


def _size(observation: Observation) -> int:
    return sum(array.nbytes for array in observation.values())
