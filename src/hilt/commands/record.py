"""`hilt record`: episodes into a dataset, by an operator, or by a policy under correction."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hilt.build.datasets import dataset_folder
from hilt.build.envs import make_environment
from hilt.build.pictures import preprocessing_of
from hilt.build.policies import saved_policy
from hilt.commands.prepare import configured
from hilt.config.errors import ConfigError
from hilt.config.load import Source
from hilt.config.overrides import parse_command_line
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetWriter, Origin
from hilt.data.lerobot.hub import push_to_hub
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators.base import Event
from hilt.rollout.rollout import Episode, HoldStill, Rollout
from hilt.session.console import say
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role, SessionOptions
from hilt.training.processes import StopRequest

Stop = Callable[[], bool]


@dataclass(slots=True)
class Recording:
    """What `record` did."""

    root: Path
    episodes: list[Episode] = field(default_factory=list)
    """Those that are in the dataset."""
    discarded: int = 0
    """Discarded: recorded again, not kept, not finished, or refused by the simulator."""

    def line(self, wanted: int) -> str:
        """The last episode, for a person."""
        episode = self.episodes[-1]
        word = "success" if episode.is_success else "failure"
        share = episode.intervention_steps / episode.length
        return (
            f"episode {len(self.episodes)} of {wanted}: {word}, {episode.length} steps, "
            f"operator {share:.0%} of them"
        )


def main(arguments: Sequence[str]) -> int:
    """Episodes into a dataset; the exit code."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    recording = record(path, *overrides, stop=stop)
    print(f"{len(recording.episodes)} episodes recorded in {recording.root}")
    return stop.exit_code


def record(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Recording:
    """`hilt record`: episodes into `dataset.root`, by an operator, or by a policy under correction.

    Raises:
        ConfigError: the configuration cannot be used, or nobody drives.
        DatasetError: the folder is not one to record into, or the upload failed.
        OperatorUnavailableError: the device is not there.
    """
    return record_episodes(configured(config, overrides, "record"), stop or StopRequest())


def record_episodes(
    config: RunConfig, should_stop: Stop = lambda: False, tell: Callable[[str], None] = say
) -> Recording:
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
            _writer(
                config, root, env, has_policy=policy is not None
            ) as writer,  # refuses before a page is announced
            OperatorSession(
                config,
                env,
                role,
                "recording",
                SessionOptions(seed=config.seed),
                should_stop=should_stop,
                tell=tell,
            ) as session,
        ):
            rollout = session.rollout(policy or HoldStill(env), writer.add)
            recording = _record(config, rollout, writer, session, tell)
            session.farewell = f"Episodes in {root}: {len(recording.episodes)} more."
    finally:
        env.close()
    if config.dataset.push_to_hub and recording.episodes:
        _push(config, root, tell)
    return recording


def _record(
    config: RunConfig,
    rollout: Rollout,
    writer: DatasetWriter,
    session: OperatorSession,
    tell: Callable[[str], None],
) -> Recording:
    """Episode after episode, until there are enough or a person says stop."""
    recording = Recording(writer.root)
    wanted = config.dataset.num_episodes_to_record
    stream = f"record/{writer.n_episodes}"
    for attempt in itertools.count():
        session.remaining = wanted - len(recording.episodes)
        if session.remaining == 0:
            return recording
        session.prepare()
        if session.should_stop():
            return recording
        episode = rollout.run_episode(
            attempt, episode_seed(stream, config.seed, attempt), session.should_stop
        )
        finished = episode.terminated or episode.truncated
        if finished and session.keeps(episode):
            writer.finish_episode(episode.seed, rollout.env.initial_state, judge=episode.judge)
            recording.episodes.append(episode)
            tell(recording.line(wanted))
        else:
            writer.discard_episode()
            recording.discarded += 1
            why = "as you said" if finished else episode.refused or "it did not come to its end"
            tell(f"episode discarded: {why}")
        if episode.event is Event.QUIT:
            return recording
    raise AssertionError("unreachable")


def _writer(config: RunConfig, root: Path, env: Environment, *, has_policy: bool) -> DatasetWriter:
    processing = preprocessing_of(config)
    return DatasetWriter(
        root,
        env.schema,
        fps=round(env.fps),
        task=config.dataset.task or config.env.task,
        image_format=config.dataset.image_format,
        append=config.resume,
        origin=Origin(
            robot_type=env.robot_type,
            names=env.names,
            preprocessing={
                name: processing.record_of(name, env.schema.observation[name].shape)
                for name in env.schema.images
            },
            has_policy=has_policy,
        ),
    )


def _push(config: RunConfig, root: Path, tell: Callable[[str], None]) -> None:
    dataset = config.dataset
    if dataset.repo_id is None:
        raise ConfigError("dataset.repo_id", "missing: the name under which to upload the dataset")
    tell(
        f"uploaded to {push_to_hub(root, dataset.repo_id, private=dataset.private, tags=dataset.tags or ())}"
    )
