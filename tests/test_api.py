"""The commands as functions, from scripts and notebooks."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import hilt
from hilt.commands.prepare import abandon, begun
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.errors import UserError
from hilt.training.processes import StopRequest


def recording(root: Path) -> dict[str, Any]:
    return {
        "env": {"task": "hilt/PickCube-v0"},
        "operator": "scripted",
        "dataset": {"root": str(root), "num_episodes_to_record": 3},
        "ui": {"enable": False},
    }


def test_every_function_says_what_it_does() -> None:
    for name in hilt.__all__:
        assert getattr(hilt, name).__doc__
        assert name in dir(hilt)
    with pytest.raises(AttributeError, match="dance"):
        _ = hilt.dance


def test_a_configuration_is_a_file_a_dict_or_an_object(tmp_path: Path) -> None:
    data = {**recording(tmp_path / "set"), "policy": {"type": "acfql", "preset": "reference"}}
    file = tmp_path / "train.json"
    file.write_text(json.dumps(data))
    words = ["--policy.chunk_size=4", "policy.n_action_steps=2", "env.task=PandaPickCubeFtBase-v0"]
    expected = load_config(data, words)
    assert load_config(file, words) == expected
    assert load_config(load_config(data), words) == expected
    assert load_config(expected) == expected


def test_signals_are_the_callers_and_a_thread_will_do(tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    done: list[Any] = []

    def work() -> None:
        done.append(hilt.record(recording(tmp_path / "set"), "dataset.num_episodes_to_record=1"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(done[0].episodes) == 1
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    played = hilt.replay(recording(done[0].root), "dataset.replay_episode=0", f"output_dir={tmp_path}")
    assert played.largest_deviation == 0


def test_a_wish_to_end_is_heard(tmp_path: Path) -> None:
    stop = StopRequest()
    stop.request()
    assert hilt.record(recording(tmp_path / "set"), stop=stop).episodes == []


def test_what_a_person_can_mend_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="policy.type: missing"):
        hilt.train({"seed": 1})
    for call in (
        lambda: hilt.evaluate({}, f"policy.pretrained_path={tmp_path / 'absent'}"),
        lambda: hilt.relabel(tmp_path / "absent", tmp_path / "absent"),
        lambda: hilt.replay(recording(tmp_path / "absent"), "dataset.replay_episode=0"),
    ):
        with pytest.raises(UserError, match="absent"):
            call()


def test_a_run_that_never_began_can_be_begun_again(tmp_path: Path) -> None:
    source = {"policy": {"type": "sac"}, "output_dir": str(tmp_path / "run")}
    config, run = begun(source, (), "train")
    with pytest.raises(ConfigError, match="holds a run"):
        begun(source, (), "train")
    abandon(config, run)
    assert begun(source, (), "train") == (config, run)


def test_a_file_that_says_resume_goes_on_with_the_run(tmp_path: Path) -> None:
    source = {"policy": {"type": "sac"}, "output_dir": str(tmp_path / "run"), "seed": 4}
    begun(source, (), "train")
    config, run = begun({**source, "resume": True, "seed": 5}, ("batch_size=8",), "train")
    assert (config.resume, config.seed, config.batch_size) == (True, 4, 8)
    assert run == tmp_path / "run"
