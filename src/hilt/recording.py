"""`record`: episodes into a dataset; and the dataset that a configuration names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hilt.config.errors import ConfigError
from hilt.config.run import RunConfig
from hilt.crew import Role
from hilt.data.lerobot import DatasetReader, DatasetWriter
from hilt.data.lerobot.hub import push_to_hub
from hilt.data.transition import Schema, Transition
from hilt.environment import Environment, episode_seed
from hilt.factory import make_environment
from hilt.operators.base import Event
from hilt.rollout import Episode, HoldStill, Policy, Rollout
from hilt.stage import Stage, say

Stop = Callable[[], bool]


def _never() -> bool:
    return False


def open_dataset(config: RunConfig, schema: Schema | None = None, fps: int | None = None) -> DatasetReader:
    """The dataset that `config.dataset` names, with its features renamed by `rename_map`.

    Raises:
        ConfigError: it names none.
        DatasetError: it cannot be read, or does not fit `schema` or `fps`.
    """
    return DatasetReader(
        dataset_folder(config),
        schema=schema,
        rename=config.rename_map,
        gripper_convention=config.dataset.gripper_convention,
        fps=fps,
        episodes=config.dataset.episodes,
    )


def read_transitions(config: RunConfig, schema: Schema) -> Iterator[Transition]:
    """Every step of the dataset of `config`, in `schema`, at the environment's rate where that is known.

    Raises:
        ConfigError, DatasetError: as `open_dataset`.
    """
    reader = open_dataset(config, schema, fps=None if config.env.type == "gymnasium" else config.env.fps)
    if reader.unused:
        say(f"the policy does not use {', '.join(reader.unused)} of {reader.root}")
    yield from reader.transitions()
    reader.close()


def dataset_folder(config: RunConfig) -> Path:
    """Where the dataset of `config` is. Raises ConfigError when it names none."""
    if config.dataset.directory is None:
        raise ConfigError("dataset.root", "missing: the folder of a dataset (or dataset.repo_id)")
    return config.dataset.directory


@dataclass(slots=True)
class Recording:
    """What `record` did."""

    root: Path
    episodes: list[Episode] = field(default_factory=list)
    """Those that are in the dataset."""
    discarded: int = 0
    """Thrown away: recorded again, not kept, not finished, or refused by the simulator."""

    def line(self, wanted: int) -> str:
        """The last episode, for a person."""
        episode = self.episodes[-1]
        word = "success" if episode.is_success else "failure"
        share = episode.intervention_steps / episode.length
        return (
            f"episode {len(self.episodes)} of {wanted}: {word}, {episode.length} steps, "
            f"operator {share:.0%} of them"
        )


def record(config: RunConfig, should_stop: Stop = _never, tell: Callable[[str], None] = say) -> Recording:
    """Record `dataset.num_episodes_to_record` episodes; with `resume`, append them to the dataset.

    An operator drives, or corrects the policy of `policy.pretrained_path`. Every finished episode is on disk
    before the next one begins. `push_to_hub` uploads at the end.

    Raises:
        ConfigError: nobody is at the controls.
        DatasetError: the folder is not one to record into, or the upload failed.
        OperatorUnavailableError: the device is not there.
    """
    root = dataset_folder(config)
    policy = saved_policy(config)
    if policy is None and config.operator_name == "none":
        raise ConfigError("operator", "nobody drives: --operator=NAME, or --policy.pretrained_path=DIR")
    role = Role.DRIVE if policy is None else Role.CORRECT
    env = make_environment(config, trust_operator=config.env.trust_operator)
    try:
        with (
            _writer(config, root, env) as writer,  # refuses before a page is announced
            Stage(
                config, env, role, "recording", seed=config.seed, should_stop=should_stop, tell=tell
            ) as stage,
        ):
            rollout = stage.rollout(policy or HoldStill(env), writer.add)
            recording = _record(config, rollout, writer, stage, tell)
    finally:
        env.close()
    if config.dataset.push_to_hub and recording.episodes:
        _push(config, root, tell)
    return recording


def _record(
    config: RunConfig, rollout: Rollout, writer: DatasetWriter, stage: Stage, tell: Callable[[str], None]
) -> Recording:
    """Episode after episode, until there are enough or somebody says stop."""
    recording = Recording(writer.root)
    wanted = config.dataset.num_episodes_to_record
    stream = f"record/{writer.n_episodes}"
    for attempt in itertools.count():
        stage.remaining = wanted - len(recording.episodes)
        if stage.remaining == 0:
            return recording
        stage.prepare()
        if stage.should_stop():
            return recording
        episode = rollout.run_episode(attempt, episode_seed(stream, config.seed, attempt), stage.should_stop)
        finished = episode.terminated or episode.truncated
        if finished and stage.keeps(episode):
            writer.finish_episode(episode.seed, rollout.env.initial_state)
            recording.episodes.append(episode)
            tell(recording.line(wanted))
        else:
            writer.discard_episode()
            recording.discarded += 1
            why = "as you said" if finished else episode.refused or "it did not come to its end"
            tell(f"episode thrown away: {why}")
        if episode.event is Event.QUIT:
            return recording
    raise AssertionError("unreachable")


def saved_policy(config: RunConfig) -> Policy | None:
    folder = config.policy.pretrained_path if config.policy is not None else None
    if folder is None:
        return None
    from hilt.config.device import resolve_device
    from hilt.policy import load_policy

    return load_policy(folder, device=resolve_device(config.device_name)[0])


def _writer(config: RunConfig, root: Path, env: Environment) -> DatasetWriter:
    return DatasetWriter(
        root,
        env.schema,
        fps=round(env.fps),
        task=config.dataset.task or config.env.task,
        robot_type=None if config.env.type == "gymnasium" else "franka_panda_simulated",
        image_format=config.dataset.image_format,
        append=config.resume,
    )


def _push(config: RunConfig, root: Path, tell: Callable[[str], None]) -> None:
    dataset = config.dataset
    if dataset.repo_id is None:
        raise ConfigError("dataset.repo_id", "missing: the name under which to upload the dataset")
    tell(
        f"uploaded to {push_to_hub(root, dataset.repo_id, private=dataset.private, tags=dataset.tags or ())}"
    )
