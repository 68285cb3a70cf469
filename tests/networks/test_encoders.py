from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from hilt.networks.encoders import (
    EncoderConfig,
    EncoderNoise,
    FeatureCamera,
    ObservationEncoder,
    random_shift,
    shrink,
)
from hilt.processors.normalization import Normalizer

IMAGES = {"observation.images.front": (3, 32, 32), "observation.images.wrist": (3, 32, 32)}
STATE = {"observation.state": (5,)}
GENERATOR = torch.Generator().manual_seed(0)


def pictures(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=GENERATOR)


def observation(batch: int = 4) -> dict[str, Tensor]:
    images = {name: pictures(batch, *shape) for name, shape in IMAGES.items()}
    return {"observation.state": torch.randn(batch, 5, generator=GENERATOR), **images}


def make_encoder(config: EncoderConfig | None = None) -> ObservationEncoder:
    config = config or EncoderConfig(image_size_encoder=16, latent_dim=8, state_encoder_hidden_dim=6)
    return ObservationEncoder(STATE, IMAGES, Normalizer({}, {}), config)


@pytest.mark.parametrize("stride", [1, 2])
def test_random_shift_is_a_crop_of_the_padded_picture(stride: int) -> None:
    images, pad = pictures(5, 3, 12, 12), 3
    shift = torch.randint(0, 2 * pad + 1, (5, 2), generator=GENERATOR)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")
    expected = np.stack(
        [p[:, y : y + 12 : stride, x : x + 12 : stride] for p, (y, x) in zip(padded, shift, strict=True)]
    )
    np.testing.assert_array_equal(random_shift(images, shift, pad, stride).numpy(), expected)


def test_no_shift_is_the_picture_that_the_policy_acts_on() -> None:
    images = pictures(2, 3, 13, 13)
    centre = torch.full((2, 2), 4)
    torch.testing.assert_close(random_shift(images, centre, 4, 2), shrink(images, 2))


def test_features_have_the_promised_size_and_each_camera_counts() -> None:
    encoder, seen = make_encoder(), observation()
    features = encoder(seen)
    assert features.shape == (4, encoder.feature_dim) == (4, 6 + 2 * 8)
    for name in seen:
        changed = seen | {name: torch.zeros_like(seen[name])}
        assert not torch.equal(encoder(changed), features)


def test_augmentation_is_independent_for_each_camera_and_draw() -> None:
    encoder = make_encoder()
    first, second = (encoder.draw_noise(64, GENERATOR) for _ in range(2))
    assert first is not None
    assert second is not None
    assert not torch.equal(first.shift[0], first.shift[1])
    assert not torch.equal(first.shift, second.shift)
    assert first.shift.min() == 0
    assert first.shift.max() == 2 * encoder.config.shift_pixels


def test_the_same_noise_gives_the_same_features() -> None:
    encoder, seen = make_encoder(), observation()
    noise = encoder.draw_noise(4, GENERATOR)
    torch.testing.assert_close(encoder(seen, noise), encoder(seen, noise), rtol=0, atol=0)
    assert not torch.equal(encoder(seen, noise), encoder(seen))


def test_every_parameter_gets_a_gradient() -> None:
    encoder = make_encoder()
    encoder(observation()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_vectors_alone_may_pass_unchanged() -> None:
    config = EncoderConfig(state_encoder_hidden_dim=0)
    encoder = ObservationEncoder(STATE, {}, Normalizer({}, {}), config)
    state = torch.randn(3, 5)
    assert list(encoder.parameters()) == []
    assert encoder.draw_noise(3, GENERATOR) is None
    torch.testing.assert_close(encoder({"observation.state": state}), state)


def test_pictures_of_any_range_mean_the_same_brightness() -> None:
    """uint8 is the only form of a picture, and it is scaled in one place: by the statistics, in 0..1."""
    name = "observation.images.front"
    normalizer = Normalizer({name: {"mean": [0.5], "std": [0.25]}}, {name: "MEAN_STD"})
    values = normalizer.normalize(name, torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2))
    torch.testing.assert_close(values.flatten(), torch.tensor([-2.0, 2.0]))


def test_dropout_is_explicit() -> None:
    camera = FeatureCamera((8, 2, 2), EncoderConfig(image_embedding_pooling_dim=4))
    features = torch.randn(3, 8, 2, 2)
    torch.testing.assert_close(camera(features, None), camera(features, None))
    kept, dropped = torch.ones(3, 32), torch.zeros(3, 32)
    assert not torch.equal(camera(features, kept), camera(features, dropped))
    torch.testing.assert_close(camera(features, dropped)[0], camera(features, dropped)[1])


def test_noise_indexes_cameras_by_sorted_name() -> None:
    encoder, seen = make_encoder(), observation()
    shift = torch.full((2, 4, 2), encoder.config.shift_pixels)
    still = EncoderNoise(shift, torch.rand(2, 4, 0))
    moved = EncoderNoise(shift.clone().index_fill_(0, torch.tensor([0]), 0), torch.rand(2, 4, 0))
    difference = (encoder(seen, moved) - encoder(seen, still)).abs().sum(0)
    assert difference[6:14].sum() > 0
    assert difference[14:].sum() == 0


def test_lower_precision_changes_little_and_trains_everything() -> None:
    config = EncoderConfig(image_size_encoder=16, latent_dim=8, state_encoder_hidden_dim=6)
    full, seen = make_encoder(config), observation()
    low = make_encoder(replace(config, use_amp=True))
    low.load_state_dict(full.state_dict())
    features = low(seen)
    assert features.dtype == torch.float32
    assert not torch.equal(features, full(seen))
    torch.testing.assert_close(features, full(seen), rtol=0, atol=0.1)
    features.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in low.parameters())
