"""`replay`: a recorded episode, back in the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hilt.build.datasets import local_dataset
from hilt.build.envs import make_environment
from hilt.commands.prepare import configured
from hilt.config.errors import ConfigError
from hilt.config.load import Source
from hilt.config.overrides import parse_command_line
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetReader, Episode
from hilt.data.transition import Observation, Transition
from hilt.envs.errors import RenderingError
from hilt.envs.feature_env import Environment
from hilt.rollout.rollout import Episode as Account
from hilt.rollout.video import Picture, write_mp4
from hilt.session.console import say
from hilt.session.operator_session import OperatorSession
from hilt.session.operators import Role
from hilt.training.processes import StopRequest

OUTPUT = Path("outputs") / "replay"
_TIME_TO_LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Replay:
    """How a replayed episode compares with the recorded one."""

    episode: int
    length: int
    """Steps that were played; fewer than recorded when a person said stop."""
    has_initial_state: bool
    """The recording holds the simulator's state; without it the episode begins somewhere else."""
    largest_deviation: float
    """Greatest difference between a recorded and a replayed number of the observations."""
    is_success: bool
    video: Path | None

    def line(self) -> str:
        """One line for a person."""
        start = (
            "" if self.has_initial_state else " (it began elsewhere: the recording holds no initial state)"
        )
        same = (
            "the same states"
            if self.largest_deviation == 0
            else f"states off by {self.largest_deviation:.3g}"
        )
        word = "success" if self.is_success else "no success"
        return f"episode {self.episode}: {self.length} steps, {word}, {same}{start}"


def main(arguments: Sequence[str]) -> int:
    """A recorded episode, back in the simulator; the exit code."""
    path, overrides = parse_command_line(arguments)
    stop = StopRequest().install()
    played = replay(path, *overrides, stop=stop)
    print(played.line())
    if played.video is not None:
        print(f"video: {played.video}")
    return stop.exit_code


def replay(config: Source = None, *overrides: str, stop: StopRequest | None = None) -> Replay:
    """`hilt replay`: episode `dataset.replay_episode`, back in the simulator, and how it compares.

    Raises:
        ConfigError, DatasetError: no such dataset or episode, or one of another environment.
    """
    return replay_episode(configured(config, overrides, "replay"), stop or StopRequest())


def replay_episode(
    config: RunConfig, should_stop: Callable[[], bool] = lambda: False, tell: Callable[[str], None] = say
) -> Replay:
    """Play episode `dataset.replay_episode` again, from its recorded state, by its recorded actions.

    Writes `OUTPUT_DIR/DATASET_episode_000000.mp4`; keeps real time while a person watches.

    Raises:
        ConfigError, DatasetError: no such dataset or episode, or one of another environment.
    """
    number = config.dataset.replay_episode or 0
    root = local_dataset(config, episodes=[number], should_stop=should_stop)
    reader = DatasetReader(root, gripper_convention=config.dataset.gripper_convention, episodes=[number])
    recorded = reader.episode(reader.episodes[0])
    env = make_environment(config, learned_reward=False)
    try:
        if env.schema.action_dim != reader.schema.action_dim:
            raise ConfigError(
                "env.task",
                f"takes actions of {env.schema.action_dim} numbers, {root} holds {reader.schema.action_dim}",
            )
        with OperatorSession(
            config, env, Role.WATCH, "replaying", should_stop=should_stop, tell=tell
        ) as session:
            session.history.episodes, session.remaining = number - 1, 0
            session.give_time_to_look(_TIME_TO_LOOK_S)
            player = _Player(env, session)
            player.play(reader.episodes[0], recorded)
    finally:
        env.close()
    video = Path(config.output_dir or OUTPUT) / f"{root.name}_episode_{number:06d}.mp4"
    if player.pictures:
        write_mp4(video, player.pictures, env.fps)
    return Replay(
        episode=number,
        length=player.length,
        has_initial_state=player.has_initial_state,
        largest_deviation=player.deviation,
        is_success=player.is_success,
        video=video if player.pictures else None,
    )


class _Player:
    """Executes recorded actions and compares what is observed with what was."""

    def __init__(self, env: Environment, session: OperatorSession) -> None:
        self._env, self._session = env, session
        self.pictures: list[Picture] = []
        self.length = 0
        self.deviation = 0.0
        self.is_success = False
        self.has_initial_state = False

    def play(self, episode: Episode, recorded: Sequence[Transition]) -> None:
        note = episode.note
        state = None if note is None else note.initial_state
        self.has_initial_state = state is not None
        observation = self._env.reset(note.seed or 0 if note is not None else 0, state)
        self._see(observation, recorded[0].observation)
        account = Account(episode.index, 0)
        self._session.clock.restart()
        for step in recorded:
            if self._session.should_stop():
                return
            outcome = self._env.step(step.action)
            self.length += 1
            self.is_success |= outcome.is_success
            self._see(outcome.observation, step.next_observation)
            account.add(step, outcome)
            self._session.on_step(account, step, outcome)
            self._session.clock.tick(self._session.watched)

    def _see(self, observed: Observation, recorded: Observation) -> None:
        self._film()
        for name in observed.keys() & recorded.keys():
            if observed[name].dtype == np.float32 and observed[name].shape == recorded[name].shape:
                difference = float(np.abs(observed[name] - recorded[name]).max(initial=0.0))
                self.deviation = max(self.deviation, difference)

    def _film(self) -> None:
        if self._env.gym.render_mode != "rgb_array":
            return
        try:
            self.pictures.append(self._env.render())
        except RenderingError:
            return  # the comparison of states needs no pictures
