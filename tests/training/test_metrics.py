"""Metrics: the field's names, files that survive, counters that go on."""

from __future__ import annotations

import json
import math
import os
import resource
from pathlib import Path

import pytest

from hilt.rollout.rollout import Episode
from hilt.runs.history import History, summarise
from hilt.runs.metrics import (
    JsonLines,
    Metrics,
    TensorBoard,
    WeightsAndBiases,
    read_metrics,
)


def played(
    length: int = 40, *, success: bool = True, helped: int = 0, is_complete: bool = True
) -> dict[str, float]:
    episode = Episode(1, 2, length=length, reward=float(success), is_success=success)
    episode.intervention_steps, episode.takeovers = helped, int(helped > 0)
    episode.terminated = is_complete
    return summarise(episode)


def test_an_episode_is_logged_under_the_names_of_the_field() -> None:
    record = History(fps=10).add({**played(helped=10), "Policy frequency [Hz]": 9.9, "Weights age [s]": 0.2})
    assert record["Episodic reward"] == 1
    assert record["Intervention rate"] == 0.25
    assert record["Policy frequency [Hz]"] == 9.9
    assert record["Cycle time [s]"] == 4
    assert (record["Human seconds"], record["Episode human seconds"]) == (1, 1)
    assert (record["Takeovers"], record["Episode takeovers"]) == (1, 1)
    assert record["Interventions per 1000 steps"] == 25
    assert record["Weights age [s]"] == 0.2
    assert all(isinstance(value, int | float) for value in record.values())


def test_success_rates_with_and_without_help_are_those_of_the_last_twenty() -> None:
    history = History(fps=10)
    assert (history.success_rate, history.success_rate_without_help) == (0, 0)
    history.add(played(success=True, helped=5))
    assert (history.success_rate, history.success_rate_without_help) == (1, 0)
    for number in range(40):
        history.add(played(success=number >= 30, helped=5 * (number >= 35)))
    assert (history.success_rate, history.success_rate_without_help) == (0.5, 0.25)


def test_a_broken_off_episode_is_effort_and_says_nothing_of_success() -> None:
    history = History(fps=10)
    history.add(played())
    history.add(played(success=False, helped=20, is_complete=False))
    assert history.success_rate == 1
    assert (history.cost()["human_s"], history.cost()["resets"]) == (2, 2)


def test_cost_counts_demonstrations_episodes_and_tests() -> None:
    history = History(fps=10, demonstrations=3, demonstration_steps=60)
    watched = Episode(1, 2, length=40, intervention_steps=10, watched_steps=30, takeovers=2, terminated=True)
    history.add(summarise(watched))
    history.add_test(lengths=100, episodes=5)
    assert history.cost() == {
        "human_s": 1,
        "watching_s": 3,
        "takeovers": 2,
        "demonstrations": 3,
        "demonstrations_s": 6,
        "resets": 9,
        "arm_s": 20,
        "env_steps": 40,
        "test_steps": 100,
    }


def test_a_failure_has_no_cycle_time() -> None:
    assert "Cycle time [s]" not in History(fps=10).add(played(success=False))


def test_steps_that_were_refused_are_counted_and_are_no_episodes() -> None:
    history = History(fps=10)
    history.add(played())
    nothing = summarise(Episode(1, 2, refused="the policy's action is not finite"))
    assert history.add(nothing) == {"Refused steps": 1}
    assert (history.success_rate, history.episodes) == (1.0, 1)


def test_a_restored_history_goes_on_as_if_nothing_had_happened() -> None:
    whole, first = History(fps=10), History(fps=10)
    episodes = [played(10 + n, success=n % 3 > 0, helped=n % 4) for n in range(50)]
    for episode in episodes[:30]:
        whole.add(episode)
        first.add(episode)
    second = History(fps=10)
    second.restore(json.loads(json.dumps(first.state())))
    for episode in episodes[30:]:
        assert whole.add(episode) == second.add(episode)


def test_records_are_lines_with_step_and_time(tmp_path: Path) -> None:
    path = tmp_path / "run" / "metrics.jsonl"
    metrics = Metrics([JsonLines(path)], elapsed_s=100)
    metrics.log(7, {"train/loss_critic": 0.5, "train/temperature": math.nan})
    metrics.close()
    (record,) = read_metrics(path)
    assert (record["step"], record["train/loss_critic"], record["train/temperature"]) == (7, 0.5, None)
    assert record["time_s"] >= 100
    assert "NaN" not in path.read_text()  # which is not JSON


def test_a_torn_line_is_cut_off_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "tra')
    assert [record["step"] for record in read_metrics(path)] == [1]
    lines = JsonLines(path)
    lines.write({"step": 3})
    lines.close()
    assert [record["step"] for record in read_metrics(path)] == [1, 3]


def test_there_is_nothing_to_read_before_the_first_record(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_a_full_disk_costs_records_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path)
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        for step in range(200):
            lines.write({"step": step})
        os._exit(0 if lines.lost else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    lines.write({"step": 1000})
    steps = [record["step"] for record in read_metrics(path)]
    assert steps == [*range(len(steps) - 1), 1000]
    assert path.read_bytes().endswith(b"}\n")


def test_tensorboard_gets_the_scalars(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    metrics = Metrics([TensorBoard(tmp_path)])
    metrics.log(3, {"train/loss_critic": 0.5, "note": "not a number"})
    metrics.log(9, {"train/loss_critic": 0.25})
    metrics.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert events.Tags()["scalars"] == ["train/loss_critic"]
    scalars = events.Scalars("train/loss_critic")
    assert [(event.step, event.value) for event in scalars] == [(3, 0.5), (9, 0.25)]


def test_weights_and_biases_works_without_an_account(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    options = {"project": "hilt", "mode": "offline", "name": "test"}
    metrics = Metrics([WeightsAndBiases(options, tmp_path, {"seed": 1})])
    metrics.log(3, {"train/loss_critic": 0.5})
    metrics.close()
    assert list(tmp_path.rglob("*.wandb"))
