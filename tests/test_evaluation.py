"""Evaluation: seeded episodes, an honest interval, files that are whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import Action, Observation
from hilt.envs.feature_env import Environment
from hilt.rollout.evaluation import (
    CycleTimes,
    EpisodeResult,
    describe,
    evaluate_policy,
    evaluation_seeds,
    summarise,
    wilson_interval,
)
from hilt.rollout.film import Footage, film
from hilt.rollout.video import write_mp4
from hilt.runs.history import History
from hilt.training.teacher import teach_alone


class Sometimes:
    """The task's expert in every other episode; nothing in the others."""

    def __init__(self, env: Environment) -> None:
        self._env, self._episode = env, -1

    def reset(self, seed: int) -> None:
        self._episode += 1

    def __call__(self, observation: Observation) -> Action:
        expert = self._env.expert
        assert expert is not None
        return self._env.neutral_action if self._episode % 2 else expert.action()

    def interrupt(self) -> None:
        raise AssertionError("nobody is at the controls")


@pytest.fixture(scope="module")
def env() -> Iterator[Environment]:
    made = make_environment(load_config({"env": {"processor": {"reset": {"control_time_s": 8.0}}}}))
    yield made
    made.close()


def result(seed: int, is_success: bool, length: int = 10) -> EpisodeResult:
    return EpisodeResult(seed, is_success, length, float(is_success), length / 10)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (98, 100, 0.9300, 0.9945), (50, 50, 0.9286, 1.0)],
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_covers_the_rate_and_knows_nothing_without_episodes() -> None:
    for n in range(1, 30):
        for successes in range(n + 1):
            low, high = wilson_interval(successes, n)
            assert 0 <= low <= successes / n + 1e-12
            assert successes / n - 1e-12 <= high <= 1
    assert wilson_interval(0, 0) == (0, 1)


def test_episodes_are_those_of_their_seeds_in_any_order(env: Environment) -> None:
    seeds = evaluation_seeds(0, 4)
    assert seeds == evaluation_seeds(0, 6)[:4]
    assert not set(seeds) & set(evaluation_seeds(1, 4))
    once = evaluate_policy(env, Sometimes(env), seeds)
    assert [r.is_success for r in once] == [True, False, True, False]
    again = evaluate_policy(env, Sometimes(env), seeds[2:] + seeds[:2])
    assert again == once[2:] + once[:2]


def test_evaluation_stops_between_episodes_when_told(env: Environment) -> None:
    heard: list[EpisodeResult] = []
    results = evaluate_policy(
        env, Sometimes(env), evaluation_seeds(0, 9), heard.append, lambda: len(heard) == 2
    )
    assert results == heard
    assert len(results) == 2


def test_the_file_holds_what_was_measured(tmp_path: Path) -> None:
    evaluation = summarise([result(1, True, 12), result(2, False, 80), result(3, True, 14)], seed=9)
    evaluation.write(tmp_path / "eval" / "eval.json")
    data = json.loads((tmp_path / "eval" / "eval.json").read_text())
    assert data["success_rate"] == pytest.approx(2 / 3)
    assert data["wilson95"] == pytest.approx(list(wilson_interval(2, 3)))
    assert (data["n_episodes"], data["seed"], data["mean_cycle_time_s"]) == (3, 9, pytest.approx(1.3))
    assert data["mean_episode_length"] == pytest.approx(106 / 3)
    assert [entry["seed"] for entry in data["per_episode"]] == [1, 2, 3]
    assert [path.name for path in (tmp_path / "eval").iterdir()] == ["eval.json"]
    assert "2 of 3" in describe(evaluation)


def test_what_training_took_of_a_person_stands_beside_what_it_achieved() -> None:
    cost = History(10, human_steps=124, demonstrations=2, demonstration_steps=35).cost()
    evaluation = summarise([result(1, True)], 0, cost)
    assert evaluation.training_cost == cost
    assert "taught by 2 demonstrations (4 s), 12 s at the controls" in describe(evaluation)
    assert "taught" not in describe(summarise([result(1, True)], 0))


def test_cycle_times_are_a_distribution_of_the_successes() -> None:
    lengths = [10, 12, 14, 16, 18]
    results = [result(i, True, length) for i, length in enumerate(lengths)] + [result(9, False, 100)]
    assert summarise(results, 0).cycle_time_s == CycleTimes(1.2, 1.4, 1.6)
    assert "cycle time 1.4 s (1.2 to 1.6)" in describe(summarise(results, 0))
    assert CycleTimes.of([result(1, True, 20)]) == CycleTimes(2.0, 2.0, 2.0)


def test_the_teacher_is_compared_on_the_starts_that_both_solve() -> None:
    policy = [result(1, True, 10), result(2, True, 12), result(3, False), result(4, True, 30)]
    own = [result(1, True, 40), result(2, True, 24), result(3, True, 20), result(4, False, 100)]
    evaluation = summarise(policy, 0, teacher=own)
    assert evaluation.teacher is not None
    assert evaluation.teacher.success_rate == 0.75
    assert evaluation.teacher.cycle_ratio == pytest.approx((0.25 + 0.5) / 2)
    assert evaluation.teacher.cycle_time_s == CycleTimes(2.2, 2.4, 3.2)
    assert "3 of 4, cycle time 2.4 s (2.2 to 3.2); the policy takes 0.38 of" in describe(evaluation)
    assert json.loads(json.dumps(asdict(evaluation)))["teacher"]["per_episode"][1]["cycle_time_s"] == 2.4


def test_the_teacher_plays_the_same_starts_by_their_own_habits() -> None:
    config = load_config({"operator": "scripted", "operator_options": {"person": "novice"}})
    expert = load_config({"operator": "scripted"})
    seeds = evaluation_seeds(0, 4)
    slow, fast = (teach_alone(one, seeds, lambda: False) for one in (config, expert))
    assert [r.seed for r in slow] == [r.seed for r in fast] == seeds
    assert sum(r.length for r in slow) > 1.5 * sum(r.length for r in fast)
    assert teach_alone(load_config({"operator": "browser"}), seeds, lambda: False) == []


def test_without_success_there_is_no_cycle_time() -> None:
    assert summarise([result(1, False)], 0).mean_cycle_time_s is None
    assert summarise([result(1, False)], 0).cycle_time_s is None
    assert summarise([], 0).wilson95 == (0, 1)


def test_films_show_failures_first_and_play(env: Environment, tmp_path: Path) -> None:
    seeds = evaluation_seeds(0, 2)
    results = evaluate_policy(env, Sometimes(env), seeds)
    film(env, Sometimes(env), results[::-1], tmp_path, 1)
    (video,) = tmp_path.glob("*.mp4")
    assert video.name == "episode_000_failure.mp4"
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) > 1
    assert np.ptp(frames[0]) > 50  # not one colour
    assert (tmp_path / "summary.png").stat().st_size > 1000


def frames_of(video: Path) -> list[np.ndarray]:
    with av.open(str(video)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_films_are_cut_and_each_is_told_of(env: Environment, tmp_path: Path) -> None:
    results = evaluate_policy(env, Sometimes(env), evaluation_seeds(0, 2))
    told: list[str] = []
    film(env, Sometimes(env), results, tmp_path, 2, video_s=1.0, tell=told.append)
    assert [len(frames_of(video)) for video in sorted(tmp_path.glob("*.mp4"))] == [10, 10]
    assert [line.partition(",")[0] for line in told] == [
        "film 1 of 2: episode 1",
        "film 2 of 2: episode 0",
    ]


def test_nothing_is_filmed_for_who_has_said_stop(env: Environment, tmp_path: Path) -> None:
    film(env, Sometimes(env), [result(1, True)], tmp_path, 1, should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_sees_is_filmed_by_what_it_saw(tmp_path: Path) -> None:
    """No episode is played twice; what would not be filmed is forgotten."""
    source = {
        "env": {"obs_type": "pixels", "image_size": 32, "processor": {"reset": {"control_time_s": 3.0}}}
    }
    env = make_environment(load_config(source))
    policy = Sometimes(env)
    footage = Footage(n=2, frames=12)
    results = evaluate_policy(env, policy, evaluation_seeds(0, 5), footage.on_result, observers=[footage])
    env.close()
    failures = [index for index, result in enumerate(results) if not result.is_success][:2]
    assert list(footage.kept) == [results[index].seed for index in failures]
    film(env, policy, results, tmp_path, 2, video_s=1.2, footage=footage)
    assert policy._episode == 4
    video = tmp_path / f"episode_{failures[0]:03d}_failure.mp4"
    first, *others = frames_of(video)
    assert (first.shape, len(others)) == ((256, 512, 3), 11)
    seen = footage.kept[results[failures[0]].seed][0]["observation.images.front"].transpose(1, 2, 0)
    assert np.abs(first[4::8, 4:256:8].astype(int) - seen).mean() < 6


def test_pictures_of_odd_sizes_make_a_film(tmp_path: Path) -> None:
    write_mp4(tmp_path / "odd.mp4", [np.full((31, 45, 3), 120, np.uint8)] * 3, 10)
    assert [frame.shape for frame in frames_of(tmp_path / "odd.mp4")] == [(30, 44, 3)] * 3
