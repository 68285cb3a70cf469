"""An environment's observation becomes named features, and those a network's input."""

import numpy as np
import pytest
import torch

from hilt.data.transition import ENVIRONMENT_STATE, STATE
from hilt.processors.observation import (
    ObservationError,
    crop_and_resize,
    process_image,
    select,
    to_batch,
    to_features,
    to_float,
)


def picture(rng: np.random.Generator, height: int = 6, width: int = 8) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_process_single_image(rng: np.random.Generator) -> None:
    image = picture(rng)
    features = to_features({"pixels": image, "agent_pos": np.zeros(3)})
    channel_first = features["observation.images.pixels"]
    assert channel_first.shape == (3, 6, 8)
    assert channel_first.dtype == np.uint8
    np.testing.assert_array_equal(channel_first[1], image[:, :, 1])
    batch = to_float(to_batch(features))["observation.images.pixels"]
    assert batch.shape == (1, 3, 6, 8)
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch[0].numpy(), image.transpose(2, 0, 1) / 255, atol=1e-7)


def test_cameras_and_vectors_are_renamed_and_batched(rng: np.random.Generator) -> None:
    features = to_features(
        {
            "pixels": {"front": picture(rng), "wrist": picture(rng)},
            "agent_pos": np.arange(18.0),
            "environment_state": np.arange(3.0),
        }
    )
    assert set(features) == {
        "observation.images.front",
        "observation.images.wrist",
        STATE,
        ENVIRONMENT_STATE,
    }
    batch = to_batch(features)
    assert batch[STATE].shape == (1, 18)
    assert batch[STATE].dtype == torch.float32
    assert batch["observation.images.wrist"].dtype == torch.uint8


def test_a_plain_array_is_the_state() -> None:
    np.testing.assert_array_equal(to_features(np.arange(4.0))[STATE], np.arange(4, dtype=np.float32))


def test_features_pass_unchanged(rng: np.random.Generator) -> None:
    features = to_features({"agent_pos": np.zeros(2), "pixels": {"front": picture(rng)}})
    again = to_features(features)
    assert all(again[name] is features[name] for name in features)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((6, 8, 3), np.float32), "float32"),
        (np.zeros((3, 6, 8), np.uint8), r"\[height, width, 3\]"),
        (np.zeros((6, 8), np.uint8), r"\[height, width, 3\]"),
        (np.zeros((1, 6, 8, 3), np.uint8), r"\[height, width, 3\]"),
    ],
)
def test_wrong_layout_or_dtype_is_refused(image: np.ndarray, words: str) -> None:
    with pytest.raises(ObservationError, match=words):
        process_image("front", image)


def test_vectors_hold_numbers_in_one_dimension() -> None:
    with pytest.raises(ObservationError, match="one dimension"):
        to_features({"agent_pos": np.zeros((2, 2))})
    with pytest.raises(ObservationError, match="holds numbers"):
        to_features({"agent_pos": np.array(["a"])})


def test_select_names_what_is_missing() -> None:
    with pytest.raises(ObservationError, match="images.front"):
        select({STATE: np.zeros(2)}, ["observation.images.front"])


def test_crop_takes_the_stated_rectangle_and_resize_the_stated_size(rng: np.random.Generator) -> None:
    image = process_image("front", picture(rng))
    np.testing.assert_array_equal(crop_and_resize(image, (1, 2, 3, 4), None), image[:, 1:4, 2:6])
    assert crop_and_resize(image, (0, 0, 4, 4), (8, 8)).shape == (3, 8, 8)
    flat = np.full((3, 6, 8), 77, np.uint8)
    np.testing.assert_array_equal(crop_and_resize(flat, None, (3, 4)), np.full((3, 3, 4), 77))
