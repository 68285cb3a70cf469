"""A LeRobotDataset that hilt writes: what went in comes out, whatever interrupts the recording."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter
from hilt.data.transition import Controller, Feature, Schema, SchemaError, Transition
from tests.programs import environment_with_tests

FPS = 10
FRONT, WRIST = "observation.images.front", "observation.images.wrist"
STATE = "observation.state"
SCHEMA = Schema(
    {STATE: Feature((18,)), FRONT: Feature((3, 32, 48), "uint8"), WRIST: Feature((3, 32, 48), "uint8")},
    Feature((4,)),
)


def picture(value: int) -> np.ndarray:
    """Smooth, so that video keeps it, and different for every value."""
    ramp = np.arange(48, dtype=np.uint16)[None, None, :] + np.arange(3, dtype=np.uint16)[:, None, None] * 40
    return np.broadcast_to(ramp + value % 100, (3, 32, 48)).astype(np.uint8)


def make_episode(number: int, length: int, end: str = "success", schema: Schema = SCHEMA) -> list[Transition]:
    rng = np.random.default_rng(number)

    def observe(step: int) -> dict[str, np.ndarray]:
        state = rng.normal(size=18).astype(np.float32)
        state[14] = rng.uniform(0, 0.08)
        full = {STATE: state, FRONT: picture(10 * number + 3 * step), WRIST: picture(90 - 3 * step)}
        return {name: full[name] for name in schema.observation}

    observations = [observe(step) for step in range(length + 1)]
    return [
        Transition(
            observation=observations[k],
            action=rng.uniform(-1, 1, 4).astype(np.float32),
            policy_action=rng.uniform(-1, 1, 4).astype(np.float32),
            controller=Controller(k % 2),
            reward=float(end == "success" and k == length - 1),
            terminated=end in ("success", "both") and k == length - 1,
            truncated=end in ("truncated", "both") and k == length - 1,
            next_observation=observations[k + 1],
            discrete_penalty=-0.02 * (k % 3),
            episode_id=number,
            step=k,
            is_success=end == "success" and k == length - 1,
        )
        for k in range(length)
    ]


def record(root: Path, episodes: list[list[Transition]], schema: Schema = SCHEMA, **options: object) -> None:
    settings = {"fps": FPS, "task": "pick", "image_format": "video", **options}
    with DatasetWriter(root, schema, **settings) as writer:  # type: ignore[arg-type]
        for number, episode in enumerate(episodes):
            for transition in episode:
                writer.add(transition)
            writer.finish_episode(seed=number, initial_state=np.arange(5.0) / 3 + number)


def assert_same(got: Transition, expected: Transition, image_tolerance: float) -> None:
    for part in ("action", "policy_action", "controller", "terminated", "truncated", "step", "is_success"):
        np.testing.assert_array_equal(getattr(got, part), getattr(expected, part), err_msg=part)
    assert got.reward == pytest.approx(expected.reward)
    assert got.discrete_penalty == pytest.approx(expected.discrete_penalty)
    for observed, wanted in (
        (got.observation, expected.observation),
        (got.next_observation, expected.next_observation),
    ):
        assert observed.keys() == wanted.keys()
        np.testing.assert_array_equal(observed[STATE], wanted[STATE])
        for name in observed.keys() - {STATE}:
            difference = np.abs(observed[name].astype(int) - wanted[name].astype(int))
            assert difference.mean() <= image_tolerance, name


@pytest.mark.parametrize(("image_format", "tolerance"), [("png", 0), ("video", 3)])
def test_what_was_recorded_is_what_is_read(tmp_path: Path, image_format: str, tolerance: float) -> None:
    episodes = [make_episode(0, 7), make_episode(1, 5, "truncated"), make_episode(2, 6, "both")]
    record(tmp_path / "set", episodes, image_format=image_format)
    reader = DatasetReader(tmp_path / "set", schema=SCHEMA, fps=FPS)
    read = [reader.episode(episode, episode.index) for episode in reader.episodes]
    assert [len(episode) for episode in read] == [7, 5, 6]
    for got, expected in zip(read, episodes, strict=True):
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other, tolerance)
    note = reader.episodes[1].note
    assert note is not None
    assert note.seed == 1
    np.testing.assert_array_equal(note.initial_state, np.arange(5.0) / 3 + 1)


def test_consecutive_steps_share_their_observation(tmp_path: Path) -> None:
    record(tmp_path / "set", [make_episode(0, 4), make_episode(1, 4)])
    steps = list(DatasetReader(tmp_path / "set").transitions(first_episode_id=40))
    assert [step.episode_id for step in steps] == [40] * 4 + [41] * 4
    for first, second in itertools.pairwise(steps):
        shared = first.next_observation is second.observation
        assert shared == (first.episode_id == second.episode_id)


def test_statistics_are_those_of_the_data(tmp_path: Path) -> None:
    episodes = [make_episode(0, 30), make_episode(1, 10)]
    record(tmp_path / "set", episodes, image_format="png")
    stats = DatasetReader(tmp_path / "set").stats
    steps = [step for episode in episodes for step in episode]
    actions = np.array([step.action for step in steps], np.float64)
    pixels = np.array([step.observation[FRONT] for step in steps]) / 255
    for name, values in (("action", actions), (FRONT, pixels.transpose(0, 2, 3, 1).reshape(-1, 3))):
        for statistic in ("min", "max", "mean", "std"):
            np.testing.assert_allclose(
                stats[name][statistic].ravel(), getattr(values, statistic)(0), atol=1e-9, err_msg=statistic
            )
        assert stats[name]["count"] == 40
    assert stats[FRONT]["mean"].shape == (3, 1, 1)
    assert (
        (stats["action"]["q10"] < stats["action"]["q50"]) & (stats["action"]["min"] <= stats["action"]["q01"])
    ).all()


def test_a_frame_is_at_exactly_its_timestamp(tmp_path: Path) -> None:
    record(tmp_path / "set", [make_episode(0, 25)], fps=30)
    path = tmp_path / "set/videos" / FRONT / "chunk-000/file-000.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(frame.pts * stream.time_base) for frame in container.decode(stream)]
    np.testing.assert_allclose(times, np.arange(25) / 30, atol=1e-6)


def test_a_discarded_episode_leaves_nothing(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", SCHEMA, fps=FPS, task="pick") as writer:
        for transition in make_episode(0, 3):
            writer.add(transition)
        writer.discard_episode()
        assert not [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
        for transition in make_episode(1, 4):
            writer.add(transition)
        assert writer.finish_episode() == 0
    assert len(list(DatasetReader(tmp_path / "set").transitions())) == 4


def test_appending_continues_and_refuses_other_features(tmp_path: Path) -> None:
    root = tmp_path / "set"
    record(root, [make_episode(0, 3)])
    with pytest.raises(DatasetError, match="already holds a dataset"):
        DatasetWriter(root, SCHEMA, fps=FPS, task="pick")
    record(root, [make_episode(1, 4)], append=True, task="place")
    reader = DatasetReader(root)
    assert [(episode.length, episode.task) for episode in reader.episodes] == [(3, "pick"), (4, "place")]
    assert reader.stats["action"]["count"] == 7
    smaller = Schema({STATE: Feature((18,))}, Feature((4,)))
    with pytest.raises(DatasetError, match="other features"):
        DatasetWriter(root, smaller, fps=FPS, task="pick", append=True)
    with pytest.raises(DatasetError, match="10 fps"):
        DatasetWriter(root, SCHEMA, fps=20, task="pick", append=True)


def test_a_step_that_breaks_the_schema_is_not_recorded(tmp_path: Path) -> None:
    step = make_episode(0, 1)[0]
    with DatasetWriter(tmp_path / "set", SCHEMA, fps=FPS, task="pick") as writer:
        with pytest.raises(SchemaError, match="not finite"):
            writer.add(replace(step, action=np.full(4, np.nan, np.float32)))
        with pytest.raises(DatasetError, match="no steps"):
            writer.finish_episode()


RECORDER = """
import sys
from hilt.data.lerobot import DatasetWriter
from tests.data.test_lerobot import SCHEMA, FPS, make_episode
with DatasetWriter(sys.argv[1], SCHEMA, fps=FPS, task="pick") as writer:
    for number in range(10_000):
        for step in make_episode(number % 3, 5):
            writer.add(step)
        print(writer.finish_episode(), flush=True)
"""


def test_every_finished_episode_survives_a_kill(tmp_path: Path) -> None:
    rng = np.random.default_rng()
    for attempt in range(2):
        root = tmp_path / str(attempt)
        command = [sys.executable, "-c", RECORDER, str(root)]
        recorder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment_with_tests())
        assert recorder.stdout is not None
        finished = int(recorder.stdout.readline())
        time.sleep(rng.uniform(0, 0.3))
        os.kill(recorder.pid, signal.SIGKILL)
        finished = max([finished, *(int(line) for line in recorder.stdout)])
        reader = DatasetReader(root, schema=SCHEMA)
        assert len(reader.episodes) in (finished + 1, finished + 2)
        assert len(list(reader.transitions())) == 5 * len(reader.episodes)
        record(root, [make_episode(7, 4)], append=True)
        again = DatasetReader(root)
        assert len(again.episodes) == len(reader.episodes) + 1
        for got, expected in zip(again.episode(again.episodes[-1]), make_episode(7, 4), strict=True):
            assert_same(got, expected, 3)


def test_a_failing_disk_costs_one_episode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "set"
    with DatasetWriter(root, SCHEMA, fps=FPS, task="pick") as writer:
        for transition in make_episode(0, 3):
            writer.add(transition)
        writer.finish_episode()
        for transition in make_episode(1, 3):
            writer.add(transition)
        monkeypatch.setattr(pq, "write_table", _full_disk)
        with pytest.raises(OSError, match="No space"):
            writer.finish_episode()
        monkeypatch.undo()
        for transition in make_episode(2, 4):
            writer.add(transition)
        writer.finish_episode()
    reader = DatasetReader(root)
    assert [episode.length for episode in reader.episodes] == [3, 4]
    assert_same(reader.episode(reader.episodes[1])[3], make_episode(2, 4)[3], 3)


def _full_disk(*arguments: object, **options: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    record(root, [make_episode(0, 6), make_episode(1, 5)])
    return root


def _edit_info(root: Path, **changes: object) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _read(root: Path, **options: object) -> Iterator[Transition]:
    return DatasetReader(root, **options).transitions()  # type: ignore[arg-type]


VIDEO = f"videos/{FRONT}/chunk-000/file-001.mp4"
DATA = "data/chunk-000/file-001.parquet"


def test_bad_datasets_get_one_clear_sentence(dataset: Path) -> None:
    def refuses(sentence: str, **options: object) -> None:
        with pytest.raises(DatasetError, match=sentence):
            list(_read(dataset, **options))

    refuses("has no feature 'observation.images.side'", schema=_with("observation.images.side"))
    refuses("of shape .18.", schema=Schema({STATE: Feature((42,))}, Feature((4,))))
    refuses("'action' of shape .4.", schema=Schema({STATE: Feature((18,))}, Feature((7,))))
    refuses("10 fps, but the environment runs at 20", fps=20)
    refuses("there is no episode 7", episodes=[7])
    refuses("gripper_convention is 'robotiq'", gripper_convention="robotiq")
    with pytest.raises(DatasetError, match="is no folder"):
        DatasetReader(dataset / "nowhere")
    _edit_info(dataset, fps=20)
    refuses("another fps")
    _edit_info(dataset, fps=10, codebase_version="v2.1")
    refuses(r"info.json says version 'v2.1'; hilt reads v3.0")
    _edit_info(dataset, codebase_version="v3.0", total_episodes=3)
    refuses("lists 2 episodes, but meta/info.json counts 3")
    _edit_info(dataset, total_episodes=0)
    refuses("counts no episodes")
    (dataset / "meta/info.json").write_text("{")
    refuses("info.json cannot be read")
    (dataset / "meta/info.json").unlink()
    refuses("info.json is missing")


def _with(name: str) -> Schema:
    return Schema({**SCHEMA.observation, name: Feature((3, 32, 48), "uint8")}, SCHEMA.action)


@pytest.mark.parametrize("name", [VIDEO, DATA])
def test_missing_and_damaged_files_are_named(dataset: Path, name: str) -> None:
    _truncate(dataset / name)
    with pytest.raises(DatasetError, match=Path(name).name):
        list(_read(dataset))
    (dataset / name).unlink()
    with pytest.raises(DatasetError, match=f"{Path(name).name} is missing"):
        DatasetReader(dataset)


def test_a_video_that_is_too_short_is_an_error(dataset: Path) -> None:
    short, long = (dataset / VIDEO, dataset / VIDEO.replace("001", "000"))
    long.write_bytes(short.read_bytes())
    with pytest.raises(DatasetError, match="no frame at 0.5000 s"):
        list(_read(dataset))


def test_values_that_are_not_finite_are_refused(dataset: Path) -> None:
    path = dataset / DATA
    table = pq.read_table(path)
    rewards = pa.array(np.full(table.num_rows, np.nan, np.float32))
    pq.write_table(table.set_column(table.column_names.index("next.reward"), "next.reward", rewards), path)
    with pytest.raises(DatasetError, match="file-001.parquet, episode 1"):
        list(_read(dataset))


def test_a_schema_of_fewer_features_reads_those_and_names_the_others(dataset: Path) -> None:
    schema = Schema({WRIST: SCHEMA.observation[WRIST], STATE: SCHEMA.observation[STATE]}, SCHEMA.action)
    reader = DatasetReader(dataset, schema=schema)
    assert reader.unused == [FRONT]
    assert all(step.observation.keys() == {WRIST, STATE} for step in reader.transitions())


def test_features_are_renamed(dataset: Path) -> None:
    rename = {FRONT: "observation.images.top"}
    steps = list(_read(dataset, rename=rename))
    assert steps[-1].next_observation.keys() == {STATE, "observation.images.top", WRIST}
