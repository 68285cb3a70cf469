"""Evaluation: seeded randomised episodes, the policy alone, and what to say about them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hilt.data.transition import Transition
from hilt.envs.feature_env import Environment, Judge, episode_seed
from hilt.operators.base import NoOperator
from hilt.rollout.rollout import Audience, Episode, Policy, Rollout


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
class Evaluation:
    """The content of `eval.json`."""

    success_rate: float
    wilson95: tuple[float, float]
    n_episodes: int
    mean_cycle_time_s: float | None
    mean_episode_length: float
    seed: int
    interventions: int
    human_seconds: float | None
    """What training the policy took of a person's time at the controls [s]; None: not known."""
    human_takeovers: int | None
    per_episode: list[EpisodeResult]
    judge: str
    """Whose word success is: person, classifier or environment."""
    ground_truth_success_rate: float | None
    """By the environment's own word; None: it has none."""
    disagreements: int | None
    """Episodes in which the judge differed from the environment."""

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
    audience: Audience | None = None,
    record: Callable[[Transition], None] = lambda transition: None,
) -> list[EpisodeResult]:
    """Run the episode of each seed with nobody at the controls; `audience` may watch."""
    rollout = Rollout(env, policy, NoOperator(), record=record)
    if audience is not None:
        rollout.on_step, rollout.on_episode = audience.on_step, audience.on_episode
    results = []
    for index, seed in enumerate(seeds):
        if should_stop():
            break
        episode = rollout.run_episode(index, seed, should_stop)
        if not episode.over:
            break
        results.append(_result(episode, env.fps))
        on_episode(results[-1])
    return results


def summarise(
    results: Sequence[EpisodeResult], seed: int, human: tuple[float, int] | None = None
) -> Evaluation:
    """Success rate with its interval, cycle time of the successes, and every episode.

    `human` is what training took of a person: seconds of control and takeovers.
    """
    n = len(results)
    truths = [result.ground_truth for result in results if result.ground_truth is not None]
    cycles = [result.cycle_time_s for result in results if result.is_success]
    return Evaluation(
        success_rate=len(cycles) / n if n else 0.0,
        wilson95=wilson_interval(len(cycles), n),
        n_episodes=n,
        mean_cycle_time_s=sum(cycles) / len(cycles) if cycles else None,
        mean_episode_length=sum(result.length for result in results) / n if n else 0.0,
        seed=seed,
        interventions=0,
        human_seconds=None if human is None else human[0],
        human_takeovers=None if human is None else human[1],
        per_episode=list(results),
        judge=", ".join(sorted({result.judge for result in results})),
        ground_truth_success_rate=sum(map(bool, truths)) / len(truths) if truths else None,
        disagreements=sum(r.is_success != r.ground_truth for r in results) if truths else None,
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


def describe(evaluation: Evaluation) -> str:
    """One line for a person."""
    low, high = evaluation.wilson95
    cycle = evaluation.mean_cycle_time_s
    times = "" if cycle is None else f", mean cycle time {cycle:.1f} s"
    successes = sum(result.is_success for result in evaluation.per_episode)
    cost = evaluation.human_seconds
    taught = "" if cost is None else f"; taught by {cost:.0f} s of human control"
    audit = ""
    if evaluation.judge != Judge.ENVIRONMENT and evaluation.disagreements is not None:
        differed = f"which differed from the environment {evaluation.disagreements} times"
        audit = f"; judged by {evaluation.judge}, {differed}"
    return (
        f"{successes} of {evaluation.n_episodes} episodes succeeded "
        f"({evaluation.success_rate:.0%}, 95 % interval {low:.0%} to {high:.0%}){times}{taught}{audit}"
    )
