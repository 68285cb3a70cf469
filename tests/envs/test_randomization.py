"""Randomisation: seeded, told of, within its ranges, and nothing without it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hilt.build.envs import make_env
from hilt.envs.arm_env import ArmEnv
from tests.envs.helpers import make, play, still

EVERYTHING = {
    "light": 0.3,
    "colour": 0.1,
    "camera_position": 0.02,
    "camera_rotation": 0.05,
    "friction": 0.3,
    "mass": 0.5,
    "latency_s": 0.2,
    "sensor_noise": 0.001,
}


def drawn(env: ArmEnv, seed: int | None) -> dict[str, Any]:
    return dict(env.reset(seed=seed)[1]["randomization"])


def states(env: ArmEnv, seed: int = 0, steps: int = 12) -> np.ndarray:
    """What the robot and the cube do while the expert acts."""
    env.reset(seed=seed)
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(steps):
        env.step(rng.uniform(-1, 1, 4).astype(np.float32))
        seen.append(env.data.qpos.copy())
    return np.array(seen)


def test_nothing_is_varied_unless_asked_for() -> None:
    env = make()
    assert "randomization" not in env.reset(seed=0)[1]
    assert np.array_equal(states(env), states(make(randomization={"friction": 0.0})))


def test_looks_leave_physics_and_starts_as_they_are() -> None:
    looks = {"light": 0.3, "colour": 0.2, "camera_position": 0.05, "camera_rotation": 0.1}
    assert np.array_equal(states(make()), states(make(randomization=looks)))


def test_the_seed_names_what_is_drawn_and_a_replay_draws_the_same() -> None:
    env, other = make(randomization=EVERYTHING), make(randomization=EVERYTHING)
    first = drawn(env, 3)
    drawn(env, None)
    second = drawn(env, 3)
    replayed = other.reset(seed=3, options={"initial_state": env.initial_state})[1]["randomization"]
    for name in first:
        assert np.array_equal(first[name], second[name])
        assert np.array_equal(first[name], replayed[name])
    assert drawn(env, 4)["friction"] != first["friction"] != drawn(env, None)["friction"]
    assert env.step(still(env))[4]["randomization"]["friction"] == env._randomizer.drawn["friction"]  # type: ignore[union-attr]


def test_values_lie_within_their_ranges_and_spread_over_them() -> None:
    env = make(randomization=EVERYTHING)
    episodes = [drawn(env, seed) for seed in range(60)]
    for name, middle, width in [("light", 1, 0.3), ("friction", 1, 0.3), ("mass", 1, 0.5)]:
        values = np.array([episode[name] for episode in episodes])
        assert np.abs(values - middle).max() <= width
        assert np.ptp(values) > width
    assert np.abs([episode["camera_position"] for episode in episodes]).max() <= 0.02
    assert {episode["latency_steps"] for episode in episodes} == {0, 1, 2}


def test_masses_and_frictions_reach_the_model_and_never_add_up() -> None:
    env, plain = make(randomization={"mass": 0.5, "friction": 0.5}), make()
    cube = plain.model.body("cube").id
    for seed in range(5):
        values = drawn(env, seed)
        assert env.model.body_mass[cube] == pytest.approx(0.1 * values["mass"][0])
        ratio = env.model.geom_friction[:, 0] / plain.model.geom_friction[:, 0]
        assert ratio == pytest.approx(values["friction"])
    hand = plain.model.body("hand").id
    assert env.model.body_mass[hand] == plain.model.body_mass[hand]


def test_latency_executes_an_action_later() -> None:
    env = make(randomization={"latency_s": 0.4})
    seed = next(seed for seed in range(50) if drawn(env, seed)["latency_steps"] == 3)
    env.reset(seed=seed)
    push, targets = still(env), []
    push[0] = 1.0
    for _ in range(5):
        before = env.data.ctrl[0]
        env.step(push)
        targets.append(env.data.ctrl[0] - before)
    assert targets[:3] == [0, 0, 0]
    assert min(targets[3:]) > 0.01


def test_sensor_noise_is_in_the_observation_and_not_in_the_physics() -> None:
    noisy, plain = make(randomization={"sensor_noise": 0.01}), make()
    seen = np.array(
        [noisy.reset(seed=s)[0]["agent_pos"] - plain.reset(seed=s)[0]["agent_pos"] for s in range(30)]
    )
    assert seen.std() == pytest.approx(0.01, rel=0.15)
    assert np.array_equal(states(noisy), states(plain))


def test_pictures_change_with_the_seed_and_repeat_with_it() -> None:
    looks = {"light": 0.4, "colour": 0.2, "camera_position": 0.03}
    env = make(randomization=looks, obs_type="pixels", image_size=32, randomize=False)
    front = [env.reset(seed=seed)[0]["pixels"]["front"].astype(int) for seed in (0, 1, 0)]
    assert np.abs(front[0] - front[1]).mean() > 3
    assert np.array_equal(front[0], front[2])
    env.close()


def test_the_expert_copes_with_other_masses_frictions_and_light() -> None:
    env = make("PlaceInBin", randomization={"mass": 0.5, "friction": 0.3, "light": 0.3}, render_mode=None)
    assert all(play(env, seed)[1] for seed in range(4))


def test_wrong_ranges_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"randomization\.mass is 1\.5"):
        make(randomization={"mass": 1.5})
    with pytest.raises(ValueError, match=r"randomization\.wind: there are light, colour"):
        make(randomization={"wind": 1.0})
    with pytest.raises(ValueError, match="async"):
        gym.make_vec("hilt/PickCube-v0", num_envs=2, randomization={"mass": 0.1})


def test_the_configuration_says_it() -> None:
    env = make_env({"env": {"randomization": {"mass": 0.2}}})
    assert abs(env.reset(seed=0)[1]["randomization"]["mass"][0] - 1) <= 0.2
    env.close()
