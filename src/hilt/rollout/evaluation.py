"""Evaluation: seeded randomised episodes, the policy alone, and what to say about them."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hilt.data.transition import Judge
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators.base import NoOperator, Operator
from hilt.rollout.rollout import Episode, Observer, Policy, Rollout


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One evaluated episode; `cycle_time_s` is its simulated duration [s]."""

    seed: int
    is_success: bool
    """The word of `judge`."""
    length: int
    reward: float
    cycle_time_s: float
    refused: str | None = None
    judge: Judge = Judge.ENVIRONMENT
    ground_truth: bool | None = None
    """The environment's own word; None: it has none."""


@dataclass(frozen=True, slots=True)
class CycleTimes:
    """How long successful episodes took [s of the arm]: a quarter of them less than `lower_quartile`."""

    lower_quartile: float
    median: float
    upper_quartile: float

    @staticmethod
    def of(results: Sequence[EpisodeResult]) -> CycleTimes | None:
        """Of those that succeeded; None: none did."""
        times = [result.cycle_time_s for result in results if result.is_success]
        if not times:
            return None
        return CycleTimes(*statistics.quantiles(times * 2 if len(times) == 1 else times, method="inclusive"))

    def __str__(self) -> str:
        return f"{self.median:.1f} s ({self.lower_quartile:.1f} to {self.upper_quartile:.1f})"


@dataclass(frozen=True, slots=True)
class Teacher:
    """What the simulated person who taught the policy achieves on the same starts, alone."""

    success_rate: float
    n_episodes: int
    cycle_time_s: CycleTimes | None
    cycle_ratio: float | None
    """Median, over the starts on which both succeed, of the policy's cycle time by the teacher's."""
    per_episode: list[EpisodeResult]

    @staticmethod
    def beside(results: Sequence[EpisodeResult], own: Sequence[EpisodeResult]) -> Teacher:
        """`own` are the teacher's episodes, `results` the policy's."""
        times = {result.seed: result.cycle_time_s for result in own if result.is_success}
        both = [r.cycle_time_s / times[r.seed] for r in results if r.is_success and r.seed in times]
        return Teacher(
            success_rate=len(times) / len(own) if own else 0.0,
            n_episodes=len(own),
            cycle_time_s=CycleTimes.of(own),
            cycle_ratio=statistics.median(both) if both else None,
            per_episode=list(own),
        )

    def __str__(self) -> str:
        successes = round(self.success_rate * self.n_episodes)
        ratio = "" if self.cycle_ratio is None else f"; the policy takes {self.cycle_ratio:.2f} of their time"
        return f"{successes} of {self.n_episodes}, cycle time {self.cycle_time_s or 'none'}{ratio}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The content of `eval.json`."""

    success_rate: float
    wilson95: tuple[float, float]
    n_episodes: int
    mean_cycle_time_s: float | None
    cycle_time_s: CycleTimes | None
    mean_episode_length: float
    seed: int
    training_cost: Mapping[str, float] | None
    """What training the policy took of people and of the arm (`hilt.runs.history`); None: not known."""
    per_episode: list[EpisodeResult]
    judge: str
    """Whose word success is: person, classifier or environment."""
    ground_truth_success_rate: float | None
    """By the environment's own word; None: it has none."""
    disagreements: int | None
    """Episodes in which the judge differed from the environment."""
    teacher: Teacher | None = None
    """None: no simulated person taught it."""

    def write(self, path: Path) -> None:
        """Write `eval.json`, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        temporary.write_text(json.dumps(asdict(self), indent=2) + "\n")
        temporary.replace(path)


def wilson_interval(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson, 1927); (0, 1) without episodes."""
    if n == 0:
        return (0.0, 1.0)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return (max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def evaluation_seeds(seed: int, n: int, stream: str = "evaluation") -> list[int]:
    """Seeds of `n` episodes that training never sees."""
    return [episode_seed(stream, seed, index) for index in range(n)]


def evaluate_policy(
    env: Environment,
    policy: Policy,
    seeds: Iterable[int],
    on_episode: Callable[[EpisodeResult], None] = lambda result: None,
    should_stop: Callable[[], bool] = lambda: False,
    observers: Sequence[Observer] = (),
    judge: Callable[[Episode], bool | None] = lambda episode: None,
    operator: Operator | None = None,
) -> list[EpisodeResult]:
    """Run the episode of each seed with nobody at the controls, or `operator`; `observers` may watch.

    `judge` is asked for a person's word where neither a classifier nor the environment has one.
    """
    rollout = Rollout(
        env, policy, operator or NoOperator(), record=lambda transition: None, observers=observers
    )
    results = []
    for index, seed in enumerate(seeds):
        if should_stop():
            break
        episode = rollout.run_episode(index, seed, should_stop)
        if not episode.over:
            break
        if episode.judge is Judge.NOBODY and (word := judge(episode)) is not None:
            episode.is_success, episode.judge = word, Judge.PERSON
        results.append(_result(episode, env.fps))
        on_episode(results[-1])
    return results


def summarise(
    results: Sequence[EpisodeResult],
    seed: int,
    training_cost: Mapping[str, float] | None = None,
    teacher: Sequence[EpisodeResult] = (),
) -> Evaluation:
    """Success rate with its interval, cycle time of the successes, and every episode; `teacher`: theirs."""
    n = len(results)
    truths = [result.ground_truth for result in results if result.ground_truth is not None]
    cycles = [result.cycle_time_s for result in results if result.is_success]
    return Evaluation(
        success_rate=len(cycles) / n if n else 0.0,
        wilson95=wilson_interval(len(cycles), n),
        n_episodes=n,
        mean_cycle_time_s=sum(cycles) / len(cycles) if cycles else None,
        cycle_time_s=CycleTimes.of(results),
        mean_episode_length=sum(result.length for result in results) / n if n else 0.0,
        seed=seed,
        training_cost=training_cost,
        per_episode=list(results),
        judge=", ".join(sorted({result.judge for result in results})),
        ground_truth_success_rate=sum(map(bool, truths)) / len(truths) if truths else None,
        disagreements=sum(r.is_success != r.ground_truth for r in results) if truths else None,
        teacher=Teacher.beside(results, teacher) if teacher else None,
    )


def _result(episode: Episode, fps: float) -> EpisodeResult:
    return EpisodeResult(
        seed=episode.seed,
        is_success=episode.is_success,
        length=episode.length,
        reward=episode.reward,
        cycle_time_s=episode.length / fps,
        refused=episode.refused,
        judge=episode.judge,
        ground_truth=episode.ground_truth,
    )


def describe_cost(cost: Mapping[str, float]) -> str:
    """What training took of a person and of the arm, in words."""
    return (
        f"taught by {cost['demonstrations']:.0f} demonstrations ({cost['demonstrations_s']:.0f} s), "
        f"{cost['human_s']:.0f} s at the controls and {cost['watching_s']:.0f} s watching, in "
        f"{cost['arm_s']:.0f} s of the arm"
    )


def describe(evaluation: Evaluation) -> str:
    """One line for a person."""
    low, high = evaluation.wilson95
    cycle = evaluation.cycle_time_s
    times = "" if cycle is None else f", cycle time {cycle}"
    if evaluation.teacher is not None:
        times += f"; its teacher, on the same starts: {evaluation.teacher}"
    successes = sum(result.is_success for result in evaluation.per_episode)
    cost = evaluation.training_cost
    taught = "" if cost is None else f"; {describe_cost(cost)}"
    if evaluation.judge == Judge.NOBODY:
        return (
            f"{evaluation.n_episodes} episodes were played, and nobody judged them: the environment reports "
            "no success. Look at the page of `hilt eval` and answer it after each episode, or name a "
            "classifier (env.processor.reward_classifier.pretrained_path)"
        )
    audit = ""
    if evaluation.judge != Judge.ENVIRONMENT and evaluation.disagreements is not None:
        differed = f"which differed from the environment {evaluation.disagreements} times"
        audit = f"; judged by {evaluation.judge}, {differed}"
    return (
        f"{successes} of {evaluation.n_episodes} episodes succeeded "
        f"({evaluation.success_rate:.0%}, 95 % interval {low:.0%} to {high:.0%}){times}{taught}{audit}"
    )
