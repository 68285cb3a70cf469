"""Pictures of another size: cut and resized as those of the environment, once, wherever a dataset is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilt.build.datasets import open_dataset, read_transitions
from hilt.build.envs import make_environment
from hilt.commands.record import record_episodes
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.data.lerobot import DatasetError, DatasetWriter, Origin
from hilt.data.transition import Controller, Feature, Schema, Transition
from hilt.processors.observation import crop_and_resize
from hilt.processors.pictures import Preprocessing

FRONT = "observation.images.front"
RESIZE = "env.processor.image_preprocessing.resize_size"
CROP = "env.processor.image_preprocessing.crop_params_dict"


def photograph(height: int, width: int, step: int) -> np.ndarray:
    """Smooth, and different at every step."""
    down, along = np.arange(height)[:, None] % 200, np.arange(width)[None, :] % 200
    return np.stack([down + 0 * along, along + 0 * down, 0 * down + 0 * along + 20 * step]).astype(np.uint8)


def write(root: Path, height: int, width: int, **options: Any) -> list[np.ndarray]:
    """A dataset of one episode of three steps; its four pictures."""
    schema = Schema(
        {"observation.state": Feature((18,)), FRONT: Feature((3, height, width), "uint8")}, Feature((4,))
    )
    looks = [photograph(height, width, step) for step in range(4)]
    state = np.full(18, 0.05, np.float32)
    with DatasetWriter(root, schema, fps=10, task="look", image_format="png", **options) as writer:
        for k in range(3):
            writer.add(
                Transition(
                    observation={"observation.state": state, FRONT: looks[k]},
                    action=np.zeros(4, np.float32),
                    policy_action=np.zeros(4, np.float32),
                    controller=Controller.OPERATOR,
                    reward=float(k == 2),
                    terminated=k == 2,
                    truncated=False,
                    next_observation={"observation.state": state, FRONT: looks[k + 1]},
                    discrete_penalty=0.0,
                    episode_id=0,
                    step=k,
                    is_success=k == 2,
                )
            )
        writer.finish_episode()
    return looks


def configure(root: Path, *overrides: str, size: int = 128, own: int | None = None) -> RunConfig:
    """Training of a policy with one camera of `size`, or of its `own`."""
    features = {
        "observation.state": {"type": "STATE", "shape": [18]},
        FRONT: {"type": "VISUAL", "shape": [3, size, size]},
        "action": {"type": "ACTION", "shape": [4]},
    }
    policy: dict[str, Any] = {"type": "sac"}
    if own is not None:
        picture = {"type": "VISUAL", "shape": [3, own, own]}
        policy["input_features"] = {"observation.state": features["observation.state"], FRONT: picture}
    data = {"env": {"features": features}, "policy": policy, "dataset": {"root": str(root)}}
    return load_config(data, overrides)


def pictures(config: RunConfig) -> list[np.ndarray]:
    """What the policy sees of the dataset, the observation after the last action included."""
    env = make_environment(config)
    env.close()
    steps = list(read_transitions(config, env.schema))
    return [step.observation[FRONT] for step in steps] + [steps[-1].next_observation[FRONT]]


@pytest.mark.parametrize(("height", "width"), [(240, 240), (480, 640)])
def test_another_size_is_an_error_that_names_the_key(tmp_path: Path, height: int, width: int) -> None:
    write(tmp_path / "set", height, width)
    said = rf"front' of {height}x{width} pixels, the policy needs 128x128: set {RESIZE} to \[128, 128\]"
    with pytest.raises(DatasetError, match=said):
        pictures(configure(tmp_path / "set"))


@pytest.mark.parametrize(("height", "width"), [(240, 240), (480, 640)])
def test_pictures_are_resized_as_they_are_read(tmp_path: Path, height: int, width: int) -> None:
    looks = write(tmp_path / "set", height, width)
    seen = pictures(configure(tmp_path / "set", f"{RESIZE}=[128,128]"))
    for picture, look in zip(seen, looks, strict=True):
        np.testing.assert_array_equal(picture, crop_and_resize(look, None, (128, 128)))


def test_pictures_are_cut_before(tmp_path: Path) -> None:
    looks = write(tmp_path / "set", 480, 640)
    cut = f'{CROP}={{"{FRONT}": [0, 80, 480, 480]}}'
    config = configure(tmp_path / "set", cut, f"{RESIZE}=[128,128]", size=640)
    seen = pictures(config)
    np.testing.assert_array_equal(seen[1], crop_and_resize(looks[1], (0, 80, 480, 480), (128, 128)))


def test_a_crop_that_reaches_beyond_is_named(tmp_path: Path) -> None:
    write(tmp_path / "set", 100, 100)
    config = configure(tmp_path / "set", f'{CROP}={{"{FRONT}": [0, 80, 480, 480]}}', f"{RESIZE}=[128,128]")
    with pytest.raises(
        DatasetError, match=r"100x100 pixels: .*crop_params_dict = \[0, 80, 480, 480\].*beyond"
    ):
        open_dataset(config)
    with pytest.raises(ConfigError, match="the environment renders .*128x128 pixels: .*crop_params_dict"):
        make_environment(config)


def test_what_was_cut_when_it_was_recorded_is_not_cut_again(tmp_path: Path) -> None:
    config = configure(
        tmp_path / "set",
        f'{CROP}={{"{FRONT}": [16, 0, 96, 96]}}',
        f"{RESIZE}=[64,64]",
        *(
            "operator=scripted",
            "dataset.num_episodes_to_record=1",
            "dataset.image_format=png",
            "ui.enable=false",
        ),
    )
    record_episodes(config)
    raw = open_dataset(configure(tmp_path / "set", size=64))
    recorded = [step.observation[FRONT] for step in raw.transitions()]
    for picture, look in zip(pictures(config), recorded, strict=False):
        np.testing.assert_array_equal(picture, look)
    other = configure(tmp_path / "set", f'{CROP}={{"{FRONT}": [0, 0, 32, 32]}}', f"{RESIZE}=[64,64]")
    with pytest.raises(DatasetError, match=r"recorded with crop \[16, 0, 96, 96\] and resize \[64, 64\]"):
        open_dataset(other)


def test_what_was_recorded_whole_is_cut_though_its_size_is_right(tmp_path: Path) -> None:
    looks = write(
        tmp_path / "raw", 128, 128, origin=Origin(preprocessing={FRONT: {"crop": None, "size": None}})
    )
    unknown = write(tmp_path / "unknown", 128, 128)
    keys = (f'{CROP}={{"{FRONT}": [16, 0, 96, 96]}}', f"{RESIZE}=[128,128]")
    seen = pictures(configure(tmp_path / "raw", *keys))
    np.testing.assert_array_equal(seen[0], crop_and_resize(looks[0], (16, 0, 96, 96), (128, 128)))
    np.testing.assert_array_equal(pictures(configure(tmp_path / "unknown", *keys))[0], unknown[0])


def test_a_policy_may_look_at_smaller_pictures_than_the_environment_gives(tmp_path: Path) -> None:
    looks = write(tmp_path / "set", 128, 128)
    config = configure(tmp_path / "set", own=64)
    env = make_environment(config)
    env.close()
    assert env.schema.observation[FRONT].shape == (3, 64, 64)
    np.testing.assert_array_equal(pictures(config)[0], crop_and_resize(looks[0], None, (64, 64)))
    with pytest.raises(ConfigError, match="input_features.*for the environment it is"):
        configure(tmp_path / "set", own=256)
    write(tmp_path / "large", 240, 240)
    with pytest.raises(DatasetError, match=r"240x240 pixels, the policy needs 64x64: set .*resize_size"):
        pictures(configure(tmp_path / "large", own=64))


def test_cameras_are_known_by_any_of_their_names(tmp_path: Path) -> None:
    looks = write(tmp_path / "set", 240, 240)
    config = load_config(
        {
            "env": {"features_map": {"observation.images.top": "observation.images.main"}},
            "dataset": {"root": str(tmp_path / "set")},
            "rename_map": {FRONT: "observation.images.main"},
        },
        [f'{CROP}={{"observation.images.top": [0, 40, 200, 200]}}', f"{RESIZE}=[32,32]"],
    )
    step = next(open_dataset(config).transitions())
    expected = crop_and_resize(looks[0], (0, 40, 200, 200), (32, 32))
    np.testing.assert_array_equal(step.observation["observation.images.main"], expected)


def test_a_crop_alone_says_what_the_policy_sees() -> None:
    config = configure(Path("set"), f'{CROP}={{"{FRONT}": [0, 0, 96, 80]}}')
    assert config.env.policy_features()[FRONT].shape == [3, 96, 80]


def test_nothing_is_done_without_a_word() -> None:
    recipe = Preprocessing().for_dataset("set", FRONT, (3, 48, 48), None, None)
    picture = photograph(48, 48, 1)
    assert recipe(picture) is picture
