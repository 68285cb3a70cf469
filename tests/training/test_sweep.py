"""What becomes of a training of a sweep when its job ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hilt.config.load import load_config
from hilt.training.resources import GIB, Needs, at_a_time, cores, largest, needs_of, shares
from hilt.training.sweep import State, Trial


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial("x", tmp_path, load_config({"policy": {"type": "sac"}, "eval": {"n_episodes": 4}}))


def checkpoint(trial: Trial, number: int) -> None:
    folder = trial.folder / "checkpoints" / f"{number:07d}"
    folder.mkdir(parents=True)
    (folder.parent / "last").unlink(missing_ok=True)
    (folder.parent / "last").symlink_to(folder.name)


def evaluate(trial: Trial, episodes: int) -> None:
    (trial.folder / "eval").mkdir(exist_ok=True)
    (trial.folder / "eval" / "eval.json").write_text(json.dumps({"n_episodes": episodes}))


def test_one_that_gets_further_each_time_is_never_given_up(trial: Trial) -> None:
    for number in range(1, 20):
        checkpoint(trial, number)
        trial.ended(-9)
        assert trial.state is State.WAITING
    assert trial.resumed == 19


def test_one_that_gets_no_further_is(trial: Trial) -> None:
    checkpoint(trial, 1)
    for _ in range(3):
        trial.ended(-9)
        assert trial.state is State.WAITING
    trial.ended(1)
    assert trial.state is State.FAILED
    assert "got no further" in trial.why


def test_what_is_to_be_mended_fails_at_once_with_its_own_words(trial: Trial) -> None:
    (trial.folder / "train.log").write_text("hilt: run in x\nhilt: x is damaged\n")
    trial.ended(2)
    assert trial.state is State.FAILED
    assert "x is damaged" in trial.why


def test_it_is_over_when_the_evaluation_is_whole(trial: Trial) -> None:
    evaluate(trial, 3)
    trial.ended(130)
    assert trial.state is State.WAITING
    evaluate(trial, 4)
    trial.ended(0)
    assert trial.state is State.DONE


def test_trainings_share_the_cores() -> None:
    halves = shares(2)
    assert len(halves) == 2
    assert sum(map(len, halves)) == max(2, cores() // 2 * 2)
    assert shares(1)[0] == set.union(*shares(1))
    assert at_a_time(Needs(10**6, 1)) == at_a_time(Needs(1, 10**18)) == 1


def test_pictures_need_memory() -> None:
    state = needs_of(load_config({"policy": {"type": "sac"}, "num_actors": 3}))
    assert (state.cores, state.memory) == (4, 2.5 * GIB)
    source = {
        "policy": {"type": "sac", "online_steps": 1000},
        "env": {"obs_type": "pixels", "image_size": 64},
    }
    assert largest([state, Needs(2, 9 * GIB)]) == Needs(4, 9 * GIB)
    assert needs_of(load_config(source)).memory == 1.5 * GIB + 2000 * 2 * 3 * 64**2
