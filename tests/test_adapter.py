"""`Environment`: the adapter between Gymnasium and named features."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import Observation
from hilt.envs.errors import EnvironmentFailedError, SimulatorVersionError
from hilt.envs.feature_env import Environment, Judgement, StepRefusedError, episode_seed
from hilt.operators.base import Event


class Corridor(gym.Env[dict[str, Any], np.ndarray[Any, Any]]):
    """Walk right: the position, a picture, a reward that turns into NaN beyond 2."""

    observation_space = gym.spaces.Dict(
        {
            "agent_pos": gym.spaces.Box(-np.inf, np.inf, (1,), np.float64),
            "pixels": gym.spaces.Dict({"top": gym.spaces.Box(0, 255, (8, 12, 3), np.uint8)}),
        }
    )
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    metadata = {"render_modes": ["rgb_array"], "render_fps": 7}  # noqa: RUF012

    def reset(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=options.get("seed"))
        self.place = float(self.np_random.random())
        return self._observe(), {}

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.place += float(action[0])
        reward = self.place if self.place <= 2 else float("nan")
        return self._observe(), reward, False, False, {"discrete_penalty": -0.5}

    def _observe(self) -> dict[str, Any]:
        picture = np.full((8, 12, 3), 7, np.uint8)
        return {"agent_pos": np.array([self.place]), "pixels": {"top": picture}}


class Certain:
    """A learned reward that is sure of success from 1.5 on."""

    def reset(self) -> None: ...

    def __call__(self, observation: Observation) -> Judgement:
        success = bool(observation["observation.state"][0] > 1.5)
        return Judgement(10.0 * success, success, success, float(success), 0.0)


STAY, WALK = np.zeros(1, np.float32), np.ones(1, np.float32)


def test_streams_of_episodes_that_are_judged_share_no_seed_with_any_that_train() -> None:
    streams = ["training/0", "training/1", "demonstration", "record/0", "teleop", "validation", "evaluation"]
    seeds = {
        stream: {episode_seed(stream, seed, index) for seed in range(4) for index in range(1000)}
        for stream in streams
    }
    for one, other in product(("validation", "evaluation"), streams):
        assert one == other or not seeds[one] & seeds[other]
    for drawn in seeds.values():
        assert len(drawn) > 0.999 * 4000  # different episodes, but for chance
        assert all(0 <= seed < 2**31 for seed in drawn)


def test_features_have_the_fields_names_and_layouts() -> None:
    env = Environment(Corridor())
    observation = env.reset(0)
    assert observation["observation.state"].dtype == np.float32
    assert observation["observation.images.top"].shape == (3, 8, 12)
    env.schema.check_observation(observation)
    assert env.fps == 7


def test_only_the_features_that_are_asked_for_are_observed() -> None:
    env = Environment(Corridor(), ["observation.state"])
    assert list(env.reset(0)) == list(env.schema.observation) == ["observation.state"]


def test_the_same_seed_is_the_same_episode() -> None:
    env = Environment(Corridor())
    first, other, again = (env.reset(seed)["observation.state"] for seed in (3, 4, 3))
    assert first == again != other


def test_numbers_that_are_not_finite_are_refused_whoever_made_them() -> None:
    env = Environment(Corridor())
    env.reset(0)
    with pytest.raises(StepRefusedError, match="action"):
        env.step(np.array([np.nan], np.float32))
    env.step(WALK)
    with pytest.raises(StepRefusedError, match="reward"):
        env.step(WALK)
    env.gym.unwrapped.place = float("nan")
    with pytest.raises(StepRefusedError, match=r"observation\.state"):
        env.step(STAY)


def test_success_is_the_environments_word_or_a_reward_from_which_on() -> None:
    silent = Environment(Corridor())
    silent.reset(0)
    assert not silent.step(WALK).is_success
    told = Environment(Corridor(), success_threshold=1.0)
    told.reset(0)
    assert not told.step(STAY).is_success
    assert told.step(WALK).is_success


def test_a_classifier_judges_in_place_of_the_environment_whose_word_stays_beside_it() -> None:
    env = Environment(Corridor(), reward_function=Certain())
    env.reset(0)
    first = env.step(STAY)
    assert (first.reward, first.terminated) == (0.0, False)
    second = env.step(WALK)
    assert (second.reward, second.terminated, second.is_success) == (10.0, True, True)
    assert (second.judge, second.ground_truth) == ("classifier", None)


def test_where_only_the_operator_is_trusted_nothing_else_pays() -> None:
    env = Environment(Corridor(), trust_operator=True)
    env.reset(0)
    assert env.step(STAY).reward == 0
    outcome = env.step(STAY, Event.SUCCESS)
    assert (outcome.reward, outcome.terminated, outcome.is_success) == (1.0, True, True)


@pytest.mark.parametrize(("event", "success"), [(Event.SUCCESS, True), (Event.FAILURE, False)])
def test_a_persons_word_outweighs_every_other_judge(event: Event, success: bool) -> None:
    for options in ({}, {"reward_function": Certain()}, {"success_threshold": 0.0 if not success else 99.0}):
        env = Environment(Corridor(), **options)
        env.reset(0)
        outcome = env.step(WALK, event)
        assert (outcome.is_success, outcome.judge, outcome.terminated) == (success, "person", True)
        assert outcome.ground_truth in (None, not success)


def test_the_grippers_penalty_is_never_part_of_the_environments_reward() -> None:
    env = Environment(Corridor())
    env.reset(0)
    place = env.gym.unwrapped.place
    outcome = env.step(STAY)
    assert (outcome.reward, outcome.discrete_penalty) == (pytest.approx(place), -0.5)


def test_actions_are_clipped_and_the_neutral_one_moves_nothing() -> None:
    env = make_environment(load_config())
    clipped = env.clip(np.array([9, -9, 0.5, 3], np.float32))
    np.testing.assert_array_equal(clipped, [1, -1, 0.5, 2])
    np.testing.assert_array_equal(env.neutral_action, [0, 0, 0, 1])
    env.close()


def test_actions_must_be_a_vector() -> None:
    with pytest.raises(ValueError, match="Box"):
        Environment(gym.make("FrozenLake-v1"))


class Broken(Corridor):
    """Its second step fails, as code of users does."""

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        if self.place > 1:
            raise KeyError("gripper")
        return super().step(action)


def test_an_exception_inside_a_foreign_environment_is_one_line_with_its_place() -> None:
    env = Environment(Broken())
    env.reset(0)
    env.step(WALK)
    with pytest.raises(
        EnvironmentFailedError, match="environment Broken: step raised KeyError: 'gripper'"
    ) as said:
        env.step(WALK)
    assert "test_adapter.py:" in str(said.value)
    assert isinstance(said.value.__cause__, KeyError)


@pytest.mark.parametrize("name", ["is_success", "success"])
def test_success_goes_by_either_of_the_fields_names(name: str) -> None:
    class Says(Corridor):
        def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
            return *super().step(action)[:4], {name: np.float64(1.0)}

    env = Environment(Says())
    env.reset(0)
    assert env.step(STAY).is_success


def test_an_old_simulator_is_told_to_be_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mujoco.__version__", "3.3.0")
    with pytest.raises(SimulatorVersionError, match=r"need MuJoCo 4, this is 3\.3\.0"):
        make_environment(load_config({}))
