from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from hilt.processors.normalization import Mode, Normalizer, StatisticsError, statistics_of

NAME = "observation.state"
DATA = np.random.default_rng(0).normal([1, -2, 30], [0.1, 5, 2], size=(500, 3))


def make(mode: Mode) -> Normalizer:
    return Normalizer({NAME: statistics_of(DATA)}, {NAME: mode})


def test_min_max_maps_the_data_onto_minus_one_to_one() -> None:
    values = make("MIN_MAX").normalize(NAME, torch.from_numpy(DATA))
    torch.testing.assert_close(values.amin(0), torch.full((3,), -1.0, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(values.amax(0), torch.full((3,), 1.0, dtype=torch.float64), atol=1e-4, rtol=0)


def test_mean_std_gives_mean_zero_and_variance_one() -> None:
    values = make("MEAN_STD").normalize(NAME, torch.from_numpy(DATA))
    assert values.mean(0).abs().max() < 1e-4
    assert (values.std(0, correction=0) - 1).abs().max() < 1e-4


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 5, 3)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.5)])
def test_inverse_on_any_batch_and_dtype(
    mode: Mode, shape: tuple[int, ...], dtype: torch.dtype, tolerance: float
) -> None:
    normalizer = make(mode)
    value = (torch.randn(shape) * 3).to(dtype)
    normalized = normalizer({NAME: value, "other": value})
    assert normalized[NAME].dtype == dtype
    assert torch.equal(normalized["other"], value)
    restored = normalizer.unnormalize(NAME, normalized[NAME])
    torch.testing.assert_close(restored, value, atol=tolerance, rtol=0)


def test_what_never_varied_is_not_blown_up() -> None:
    normalizer = Normalizer({NAME: {"min": [2.0], "max": [2.0]}}, {NAME: "MIN_MAX"})
    assert normalizer.normalize(NAME, torch.tensor([2.5])).item() == 0.5


def test_statistics_travel_with_the_state_dict() -> None:
    other = Normalizer({NAME: statistics_of(DATA * 0 + 1)}, {NAME: "MEAN_STD"})
    other.load_state_dict(make("MEAN_STD").state_dict())
    value = torch.randn(4, 3)
    torch.testing.assert_close(other.normalize(NAME, value), make("MEAN_STD").normalize(NAME, value))


def test_missing_or_misshapen_statistics_are_refused() -> None:
    with pytest.raises(StatisticsError, match="min and no max"):
        Normalizer({}, {NAME: "MIN_MAX"})
    with pytest.raises(StatisticsError, match="not finite"):
        Normalizer({NAME: {"mean": [float("nan")], "std": [1.0]}}, {NAME: "MEAN_STD"})
    with pytest.raises(StatisticsError, match="3 values"):
        make("MEAN_STD").normalize(NAME, torch.zeros(2, 4))
    with pytest.raises(StatisticsError, match="N > 0"):
        statistics_of(np.zeros((0, 3)))


def test_image_statistics_match_by_name_and_channel() -> None:
    name = "observation.images.front"
    statistics = {name: {"mean": [0.0, 0.5, 1.0], "std": [1.0, 0.5, 0.25]}}
    normalizer = Normalizer(statistics, {name: "MEAN_STD"})
    values = normalizer.normalize(name, torch.full((2, 3, 4, 4), 255, dtype=torch.uint8))
    torch.testing.assert_close(values[0, :, 0, 0], torch.tensor([1.0, 1.0, 0.0]))
