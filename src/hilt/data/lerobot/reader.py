"""Reading LeRobotDatasets v3.0, of any program, as hilt's transitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt.data.lerobot import gripper, layout, sidecar, tables
from hilt.data.lerobot.catalog import NUMBERS, Catalog, Episode, PictureProcessing
from hilt.data.lerobot.frames import FrameReader, Frames
from hilt.data.lerobot.layout import DatasetError, Info
from hilt.data.lerobot.statistics import Stats
from hilt.data.transition import STATE, Controller, Observation, Schema, SchemaError, Transition


def decide_gripper(catalog: Catalog, requested: str, stats: Mapping[str, Stats]) -> gripper.Decision:
    """How the gripper of `catalog` is read: the same for all readers and for every part.

    Raises:
        DatasetError: `requested` is no convention, or nothing decides it.
    """
    said = {note.gripper_convention for note in catalog.notes.values()}
    recorded = said.pop() if len(said) == 1 else None
    return gripper.decide(requested, recorded, catalog.state_dim, catalog.schema.action_dim, stats)


class DatasetReader:
    """Episodes of the dataset in `root`, as transitions in hilt's units.

    `rename` maps the dataset's names to hilt's. With `schema`, exactly its features are read, and missing
    or misshapen ones are an error; `unused` names the others. `fps`, when given, must be the dataset's.
    `gripper_convention` is `auto`, `hilt` or `gym_hil`; actions, states and `stats` come out in hilt's.
    `pictures` brings pictures to the size that is wanted, once, as they are read.

    What other programs leave out is filled in: without `next.reward` it is 0, without
    `complementary_info.is_intervention` a person was in control, without `next.truncated` the last step is a
    true end if it was rewarded, else a truncation. The observation after the last action is the recorded one,
    or the last frame when there is none.

    Raises:
        DatasetError: what is wrong, and with which file.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        schema: Schema | None = None,
        rename: Mapping[str, str] | None = None,
        gripper_convention: str = "auto",
        fps: int | None = None,
        episodes: Sequence[int] | None = None,
        pictures: PictureProcessing | None = None,
    ) -> None:
        self._catalog = Catalog(Path(root), schema, rename, fps, episodes, pictures)
        self._frames = FrameReader(self._catalog)
        recorded = self._catalog.recorded_stats()
        self.gripper_convention = decide_gripper(self._catalog, gripper_convention, recorded).convention
        self.stats = recorded if self.gripper_convention == "hilt" else gripper.convert_stats(recorded)

    @property
    def root(self) -> Path:
        return self._catalog.root

    @property
    def info(self) -> Info:
        return self._catalog.info

    @property
    def schema(self) -> Schema:
        return self._catalog.schema

    @property
    def unused(self) -> list[str]:
        """Observations of the dataset that the schema does not ask for."""
        return self._catalog.unused

    @property
    def origin(self) -> layout.Origin:
        """Robot, names of its numbers, and what was done to pictures before they were recorded."""
        described = {name: self.info.features[source] for name, source in self._catalog.sources.items()}
        return layout.Origin(
            robot_type=self.info.robot_type,
            names={
                name: names for name, one in described.items() if isinstance(names := one.get("names"), list)
            },
            preprocessing=self._catalog.preprocessing(),
            has_policy=layout.POLICY_ACTION in described,
        )

    @property
    def episodes(self) -> list[Episode]:
        return self._catalog.episodes

    def episode(self, episode: Episode, episode_id: int = 0) -> list[Transition]:
        """All steps of `episode`, as those of `episode_id`.

        Raises:
            DatasetError: a file is damaged, or a value is not finite.
        """
        frames = self._frames.open(episode)
        frames.check_clock()
        columns = self._columns(frames)
        ends = np.flatnonzero(columns["terminated"] | columns["truncated"])
        observations = self._observations(frames)
        transitions = [
            Transition(
                observation=observations[k],
                action=columns["action"][k],
                policy_action=columns["policy_action"][k],
                controller=Controller(int(columns["is_intervention"][k])),
                reward=float(columns["reward"][k]),
                terminated=bool(columns["terminated"][k]),
                truncated=bool(columns["truncated"][k]),
                next_observation=observations[k + 1],
                discrete_penalty=float(columns["discrete_penalty"][k]),
                episode_id=episode_id,
                step=k,
                is_success=bool(columns["is_success"][k]),
            )
            for k in range(ends[0] + 1)
        ]
        self._check(transitions, episode)
        return transitions

    def column(self, episode: Episode, name: str) -> NDArray[Any]:
        """(N,) numbers of `episode`, one per frame, of a feature that is no part of a transition.

        Raises:
            DatasetError: there is no such feature, or it is not one number per frame.
        """
        known = self.info.features
        source = self._catalog.sources.get(name)
        if source is None or known[source]["dtype"] not in NUMBERS or list(known[source]["shape"]) != [1]:
            single = [
                key for key, value in self._catalog.sources.items() if list(known[value]["shape"]) == [1]
            ]
            raise DatasetError(
                f"{self.root} has no single number {name!r} per frame; it has {', '.join(sorted(single))}"
            )
        return self._frames.open(episode).column(name).reshape(-1)

    def transitions(self, first_episode_id: int = 0) -> Iterator[Transition]:
        """Every step of every episode; the k-th becomes `first_episode_id` + k."""
        for number, episode in enumerate(self.episodes):
            yield from self.episode(episode, first_episode_id + number)

    def require_whole(self) -> None:
        """Raises DatasetError when a file of rows is cut short; what is in it is not read."""
        for path in dict.fromkeys(episode.data_path for episode in self.episodes):
            tables.column_names(path)

    def close(self) -> None:
        """Close the files."""
        self._frames.close()

    def _check(self, transitions: Sequence[Transition], episode: Episode) -> None:
        try:
            for transition in transitions:
                self.schema.check(transition)
        except SchemaError as error:
            raise DatasetError(f"{episode.data_path}, episode {episode.index}: {error}") from None

    def _columns(self, frames: Frames) -> dict[str, NDArray[Any]]:
        """What a transition holds besides observations, one row per step."""
        count, width = frames.episode.length, self.schema.action_dim
        actions = self._actions(frames, layout.ACTION, width)
        reward = frames.scalars(layout.REWARD, np.zeros(count))
        terminated, truncated = frames.ends(reward)
        has_proposal = frames.has(layout.POLICY_ACTION)
        return {
            "action": actions,
            "policy_action": self._actions(frames, layout.POLICY_ACTION, width) if has_proposal else actions,
            "reward": reward,
            "terminated": terminated,
            "truncated": truncated,
            "is_intervention": frames.scalars(layout.IS_INTERVENTION, np.ones(count)) > 0,
            "discrete_penalty": frames.scalars(layout.DISCRETE_PENALTY, np.zeros(count)),
            "is_success": frames.scalars(layout.IS_SUCCESS, reward) > 0,
        }

    def _actions(self, frames: Frames, name: str, width: int) -> NDArray[np.float32]:
        actions = frames.vectors(name, width)
        return gripper.convert_actions(actions) if self.gripper_convention == "gym_hil" else actions

    def _observations(self, frames: Frames) -> list[Observation]:
        """One per frame, and the one after the last action."""
        columns: dict[str, Sequence[NDArray[Any]]] = {}
        for name, feature in self.schema.observation.items():
            if feature.is_image:
                columns[name] = frames.pictures(name)
            else:
                columns[name] = list(self._vectors(frames, name, feature.shape[0]))
        count = frames.episode.length
        observations = [{name: column[k] for name, column in columns.items()} for k in range(count)]
        return [*observations, self._final_observation(frames.episode) or observations[-1]]

    def _vectors(self, frames: Frames, name: str, width: int) -> NDArray[np.float32]:
        values = frames.vectors(name, width)
        is_foreign = name == STATE and self.gripper_convention == "gym_hil"
        return gripper.convert_states(values) if is_foreign else values

    def _final_observation(self, episode: Episode) -> Observation | None:
        if episode.note is None:
            return None
        where = f"{self.root / layout.SIDECAR}, episode {episode.index}"
        recorded = sidecar.decode_observation(episode.note.final, where)
        sources = {name: self._catalog.sources[name] for name in self.schema.observation}
        if not recorded.keys() >= set(sources.values()):
            return None  # features were added or renamed since
        return self.processed({name: recorded[source] for name, source in sources.items()})

    def processed(self, recorded: Observation) -> Observation:
        """A recorded observation with its pictures as this reader gives them."""
        recipes = self._catalog.recipes
        return {name: recipes[name](a) if name in recipes else a for name, a in recorded.items()}
