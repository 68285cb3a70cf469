"""Pictures: what is seen, and what happens without graphics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.envs import RenderingError, gl, task_names
from hilt.envs.arm_env import ArmEnv
from tests.envs.helpers import make, still


def red(image: np.ndarray) -> int:
    """How many pixels are the cube's."""
    r, g, b = (image[..., i].astype(int) for i in range(3))
    return int(((r > 90) & (r > 3 * g) & (r > 3 * b)).sum())


def test_sizes_and_cameras_are_those_asked_for() -> None:
    env = make(obs_type="pixels", cameras={"front": (48, 64), "side": 700})
    observation, _ = env.reset(seed=0)
    assert {name: image.shape for name, image in observation["pixels"].items()} == {
        "front": (48, 64, 3),
        "side": (700, 700, 3),
    }
    assert set(observation) == {"agent_pos", "pixels"}
    env.close()


def test_cube_is_seen_by_the_wrist_and_from_the_front() -> None:
    env = make(obs_type="pixels")
    seen = {"front": 0, "wrist": 0}
    for seed in range(10):
        env.reset(seed=seed)
        for _ in range(4):
            observation = env.step(env.expert.action())[0]
        for name in seen:
            seen[name] += red(observation["pixels"][name]) >= 4
    assert seen["wrist"] == 10
    assert seen["front"] >= 8  # the hand may hide it
    env.close()


def test_front_camera_sees_the_cube_anywhere_on_the_table() -> None:
    env = make(obs_type="pixels", fixed_reset_joint_positions=(0, -0.8, 0, -2.4, 0, 2.0, 0.785))
    for x in (0.22, 0.4, 0.6):
        for y in (-0.3, 0.0, 0.3):
            env.reset(seed=0)
            env.data.qpos[9:11] = x, y
            assert red(env.step(still(env))[0]["pixels"]["front"]) >= 4, (x, y)
    env.close()


def test_images_are_of_the_same_instant_as_the_state() -> None:
    env = make(obs_type="pixels", image_size=64)
    env.reset(seed=0)
    for _ in range(3):
        observation = env.step(np.array((1, 1, 1, 1), np.float32))[0]
    env.core.restore(env.data, _state(env))
    again = env._observe()["pixels"]
    assert all(np.array_equal(observation["pixels"][name], again[name]) for name in again)
    env.close()


def _state(env: ArmEnv) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    import mujoco

    from hilt.envs.core import STATE

    state = np.empty(env.core.state_size)
    mujoco.mj_getState(env.core.model, env.data, state, STATE)
    return state


@pytest.mark.parametrize("task", task_names())
def test_render_returns_one_frame_and_close_leaves_the_environment_usable(task: str) -> None:
    env = make(task, obs_type="pixels", image_size=16, render_size=(40, 60))
    env.reset(seed=0)
    frame = env.render()
    assert frame is not None
    assert frame.shape == (40, 60, 3)
    assert frame.std() > 10
    env.close()
    env.close()
    first = env.reset(seed=0)[0]["pixels"]["front"]
    env.close()
    assert np.array_equal(first, env.reset(seed=0)[0]["pixels"]["front"])
    env.close()


def test_no_graphics_is_a_sentence_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    gl.backend.cache_clear()
    env = make(obs_type="pixels")
    with pytest.raises(RenderingError, match=r"egl, osmesa.*apt-get install"):
        env.reset(seed=0)
    gl.backend.cache_clear()


def test_backend_is_chosen_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    gl.backend.cache_clear()
    assert gl.backend() in gl.BACKENDS
