"""`record` and `replay`: episodes into a dataset, and back into the simulator."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetReader, DatasetWriter
from hilt.data.transition import Schema, Transition
from hilt.environment import episode_seed
from hilt.factory import make_environment, make_operator
from hilt.operators.base import Event
from hilt.rollout import Episode, HoldStill, Rollout

Stop = Callable[[], bool]


def _never() -> bool:
    return False


def open_dataset(config: RunConfig, schema: Schema | None = None, fps: int | None = None) -> DatasetReader:
    """The dataset that `config.dataset` names, with its features renamed by `rename_map`.

    Raises:
        ConfigError: it names none. DatasetError: it cannot be read, or does not fit `schema` or `fps`.
    """
    return DatasetReader(
        _directory(config),
        schema=schema,
        rename=config.rename_map,
        gripper_convention=config.dataset.gripper_convention,
        fps=fps,
        episodes=config.dataset.episodes,
    )


def read_transitions(config: RunConfig, schema: Schema) -> Iterator[Transition]:
    """Every step of the dataset of `config`, in `schema`, at the environment's rate.

    Raises:
        ConfigError, DatasetError: as `open_dataset`.
    """
    reader = open_dataset(config, schema, fps=config.env.fps)
    if reader.unused:
        _tell(f"features of the dataset that the policy does not use: {', '.join(reader.unused)}")
    yield from reader.transitions()
    reader.close()


def _directory(config: RunConfig) -> Path:
    if config.dataset.directory is None:
        raise ConfigError("dataset.root", "missing: the folder of a dataset (or dataset.repo_id)")
    return config.dataset.directory


def _tell(text: str) -> None:
    print(f"hilt: {text}", file=sys.stderr, flush=True)


@dataclass(slots=True)
class Recording:
    """What `record` did."""

    root: Path
    episodes: list[Episode] = field(default_factory=list)
    discarded: int = 0
    quit: bool = False


class Recorder:
    """Plays episodes and keeps those that come to their end; RERECORD throws one away."""

    def __init__(self, rollout: Rollout, writer: DatasetWriter, seed: int, pause_s: float = 0.0) -> None:
        self._rollout, self._writer, self._pause_s = rollout, writer, pause_s
        stream = f"record/{writer.n_episodes}"
        self._seeds = (episode_seed(stream, seed, index) for index in itertools.count())
        rollout.record = writer.add

    def record(self, recording: Recording, should_stop: Stop = _never) -> Episode | None:
        """One more episode; None when it was thrown away, or not finished."""
        env = self._rollout.env
        self._rollout.begin(self._writer.n_episodes, next(self._seeds))
        state = env.initial_state
        initial_state = None if state is None else state.copy()
        while not (self._rollout.episode.over or should_stop()):
            self._rollout.step()
        episode = self._rollout.episode
        recording.quit = episode.event is Event.QUIT or should_stop()
        if not (episode.terminated or episode.truncated) or episode.event is Event.RERECORD:
            self._writer.discard_episode()
            recording.discarded += 1
            return None
        self._writer.finish_episode(episode.seed, initial_state)
        recording.episodes.append(episode)
        return episode

    def pause(self) -> None:
        """The time a person needs to get ready for the next episode."""
        if self._rollout.clock is not None:
            time.sleep(self._pause_s)


def record(config: RunConfig, should_stop: Stop = _never) -> Recording:
    """Record `dataset.num_episodes_to_record` episodes; with `resume`, append them to the dataset.

    An operator drives, or corrects the policy of `policy.pretrained_path`. Every finished episode is on disk
    before the next one begins. `push_to_hub` uploads at the end.

    Raises:
        ConfigError: nobody is at the controls. DatasetError: the folder is not one to record into.
        OperatorUnavailableError: the device is not there.
    """
    root = _directory(config)
    policy = _saved_policy(config)
    if policy is None and config.operator_name == "none":
        raise ConfigError(
            "operator", "none, and no policy: say --operator=... or --policy.pretrained_path=DIR"
        )
    env = make_environment(config, trust_operator=config.env.trust_operator)
    writer = _writer(config, root, env)
    try:
        operator = make_operator(config, env, seed=config.seed, options=_habits(config, policy))
        try:
            rollout = Rollout(
                env, policy or HoldStill(env), operator, record=writer.add, clock=_clock(env, operator)
            )
            recording = _record(
                config, Recorder(rollout, writer, config.seed, _pause(config)), root, should_stop
            )
        finally:
            operator.close()
    finally:
        writer.close()
        env.close()
    if config.dataset.push_to_hub and recording.episodes:
        _push(config, root)
    return recording
