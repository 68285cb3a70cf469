"""What was appended is read back, whatever happened to the process, the disk or a byte of a file."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hilt.data.episode_log import EpisodeLog, log_files, read_log
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.routing import Source, route
from hilt.data.transition import STATE, Schema, SchemaError, Transition
from tests.data.histories import IMAGE, PIXEL_SCHEMA, STATE_SCHEMA, episode, interleaved, transition
from tests.programs import environment_with_tests


def keys(folder: Path, schema: Schema = STATE_SCHEMA) -> list[tuple[int, int]]:
    with EpisodeLog(folder, schema) as log:
        return [(new.episode_id, new.step) for new, _ in log.read()]


def written(folder: Path, count: int = 60, **options: int) -> list[Transition]:
    """A log of several actors' steps, appended in threes."""
    steps = list(interleaved(np.random.default_rng(0), count, 3))
    with EpisodeLog(folder, STATE_SCHEMA, **options) as log:
        for start in range(0, count, 3):
            log.append(steps[start : start + 3])
    return steps


@pytest.mark.parametrize("max_file_bytes", [1, 2_000, 2**28])
def test_pictures_and_all_come_back_in_order(tmp_path: Path, max_file_bytes: int) -> None:
    steps = list(interleaved(np.random.default_rng(0), 90, 3, loss=0.1, schema=PIXEL_SCHEMA))
    sources = [Source(i % 2) for i in range(len(steps))]
    log = EpisodeLog(tmp_path, PIXEL_SCHEMA, max_file_bytes=max_file_bytes)
    for new, source in zip(steps, sources, strict=True):
        log.append([new], source)
    for (got, source), wanted, wanted_source in zip(log.read(), steps, sources, strict=True):
        assert (got.episode_id, got.step, source) == (wanted.episode_id, wanted.step, wanted_source)
        np.testing.assert_array_equal(got.next_observation[IMAGE], wanted.next_observation[IMAGE])
        np.testing.assert_array_equal(got.observation[IMAGE], wanted.observation[IMAGE])
        np.testing.assert_array_equal(got.policy_action, wanted.policy_action)
        assert (got.terminated, got.truncated, got.is_success) == (
            wanted.terminated,
            wanted.truncated,
            wanted.is_success,
        )


def test_many_unfinished_episodes_are_read_back(tmp_path: Path) -> None:
    steps = [transition(number, step) for step in range(3) for number in range(100)]
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        log.append(steps)
    assert keys(tmp_path) == [(t.episode_id, t.step) for t in steps]


def test_buffers_rebuilt_from_the_log_are_those_that_were_lost(tmp_path: Path) -> None:
    online, demonstrations = ReplayBuffer(50, STATE_SCHEMA), ReplayBuffer(50, STATE_SCHEMA)
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        for new in interleaved(np.random.default_rng(1), 200, 3):
            source = Source(new.episode_id % 2)
            log.append([new, new], source)  # an actor sent it twice
            route(new, source, online, demonstrations)

    rebuilt_online, rebuilt_demonstrations = ReplayBuffer(50, STATE_SCHEMA), ReplayBuffer(50, STATE_SCHEMA)
    for new, source in read_log(tmp_path):
        route(new, source, rebuilt_online, rebuilt_demonstrations)
    for rebuilt, lost in ((rebuilt_online, online), (rebuilt_demonstrations, demonstrations)):
        chosen = rebuilt.draw(40, np.random.default_rng(2))
        np.testing.assert_array_equal(chosen, lost.draw(40, np.random.default_rng(2)))
        np.testing.assert_array_equal(rebuilt.follow(chosen, 4), lost.follow(chosen, 4))
        np.testing.assert_array_equal(rebuilt.frames[STATE][chosen], lost.frames[STATE][chosen])


def test_an_episode_that_the_crash_interrupted_goes_on_where_its_actor_lives_on(tmp_path: Path) -> None:
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        log.append(episode(1, 6)[:3])
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        log.append(episode(1, 6)[3:])
    buffer = ReplayBuffer(20, STATE_SCHEMA)
    for new, _ in read_log(tmp_path):
        buffer.add(new)
    _, happened = buffer.follow(np.array([0]), 6)
    assert happened.all()


def test_files_stay_near_their_bound(tmp_path: Path) -> None:
    written(tmp_path, max_file_bytes=2_000)
    sizes = [path.stat().st_size for path in log_files(tmp_path)]
    assert len(sizes) > 3
    assert max(sizes) < 3_500


def test_a_torn_tail_is_cut_off_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    steps = written(tmp_path)
    (path,) = log_files(tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for length in sorted(map(int, rng.integers(1, len(whole), size=40)), reverse=True):
        path.write_bytes(whole[:length])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            kept = keys(tmp_path)
        assert kept == [(t.episode_id, t.step) for t in steps[: len(kept)]]
        if path.stat().st_size < length:
            assert f"{length - path.stat().st_size} bytes" in caplog.text
        caplog.clear()
        assert keys(tmp_path) == kept
        assert not caplog.text


def test_what_is_appended_after_a_torn_tail_is_read(tmp_path: Path) -> None:
    steps = written(tmp_path)
    (path,) = log_files(tmp_path)
    os.truncate(path, path.stat().st_size - 5)
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        log.append(episode(77, 3))
    assert keys(tmp_path) == [(t.episode_id, t.step) for t in steps[:-1]] + [(77, 0), (77, 1), (77, 2)]


def test_a_damaged_byte_costs_the_rest_of_its_file_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    steps = written(tmp_path, max_file_bytes=2_000)
    everything = {(t.episode_id, t.step) for t in steps}
    first, second, *_ = log_files(tmp_path)
    whole = second.read_bytes()
    of_first, of_second = (keys_alone(path, tmp_path / "alone") for path in (first, second))
    version_byte = 7
    for offset in {*np.random.default_rng(0).integers(0, len(whole), size=60)} - {version_byte}:
        damaged = bytearray(whole)
        damaged[offset] ^= 0x40
        second.write_bytes(damaged)
        caplog.clear()
        kept = keys(tmp_path)
        assert second.stat().st_size == len(whole)
        assert str(second) in caplog.text
        assert "at byte" in caplog.text
        assert of_first < set(kept) < everything
        assert everything - set(kept) <= of_second


def keys_alone(path: Path, folder: Path) -> set[tuple[int, int]]:
    """The steps of one log file, read on its own."""
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "000000.hiltlog")
    return {(t.episode_id, t.step) for t, _ in read_log(folder)}


def test_a_log_of_another_schema_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(SchemaError, match="000000.hiltlog holds .*this run has"):
        keys(tmp_path, PIXEL_SCHEMA)


def test_a_log_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path)
    (path,) = log_files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:7] + b"\x02" + whole[8:])
    with pytest.raises(SchemaError, match="000000.hiltlog is an episode log of version 2"):
        keys(tmp_path)


def test_a_batch_with_a_bad_step_is_refused_as_a_whole(tmp_path: Path) -> None:
    with EpisodeLog(tmp_path, STATE_SCHEMA) as log:
        log.append([transition(1, 0)])
        with pytest.raises(SchemaError):
            log.append([transition(1, 1), transition(1, 2, schema=PIXEL_SCHEMA)])
        log.append([transition(1, 1)])
    assert keys(tmp_path) == [(1, 0), (1, 1)]


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path) -> None:
    steps = episode(1, 40)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = EpisodeLog(tmp_path, STATE_SCHEMA)
    log.append(steps[:10])
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_files(tmp_path)[0].stat().st_size + 100, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append(steps[10:20])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert keys(tmp_path) == [(1, step) for step in range(10)]
    log.append(steps[20:])  # what was refused is not there: its last frame has to be written again
    log.close()
    assert keys(tmp_path) == [(1, step) for step in [*range(10), *range(20, 40)]]


def test_a_disk_that_is_full_from_the_start_leaves_a_readable_log(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = EpisodeLog(tmp_path, STATE_SCHEMA)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append(episode(1, 3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.append(episode(1, 3))
    log.close()
    assert keys(tmp_path) == [(1, 0), (1, 1), (1, 2)]


WRITER = """
import sys
from pathlib import Path
from hilt.data.episode_log import EpisodeLog
from tests.data.histories import PIXEL_SCHEMA, episode

log = EpisodeLog(Path(sys.argv[1]), PIXEL_SCHEMA, max_file_bytes=20_000)
for number in range(int(sys.argv[2]), 10**6):
    for new in episode(number, 7, schema=PIXEL_SCHEMA):
        log.append([new])
        if new.step % 2:
            log.sync()
        print(new.episode_id, new.step, flush=True)
"""


def test_a_process_killed_at_any_moment_loses_no_step_that_it_had_reported(tmp_path: Path) -> None:
    environment = environment_with_tests()
    reported: list[tuple[int, int]] = []
    rng = np.random.default_rng()
    for start in range(0, 500_000, 100_000):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.2))
            writer.kill()
            lines = (first + writer.stdout.read()).splitlines(keepends=True)
        reported += [(int(n), int(s)) for n, s in (line.split() for line in lines if line.endswith("\n"))]
    read = keys(tmp_path, PIXEL_SCHEMA)
    assert len(read) == len(set(read))
    assert set(reported) <= set(read)
    assert len(read) <= len(reported) + 5  # a step may have been written but not yet reported
