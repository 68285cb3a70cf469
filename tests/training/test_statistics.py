"""Statistics that users have in their files, in gym-hil's units, mean the same to a policy of hilt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hilt.build.envs import make_environment
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.lerobot.gripper import GRIPPER_INDEX, MAX_OPENING_M, convert_states
from hilt.data.transition import STATE
from hilt.training.learner_parts import Builder
from tests.training.parts import episode, small_config

FRONT = "observation.images.front"
LOW, HIGH = np.linspace(-1, 0, 18), np.linspace(1, 2, 18)
LOW[GRIPPER_INDEX], HIGH[GRIPPER_INDEX] = 0.0, 255.0
GYM_HIL = {"min": LOW.tolist(), "max": HIGH.tolist()}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def configure(stats: dict[str, Any], convention: str = "auto", **policy: Any) -> RunConfig:
    plain = to_dict(small_config(obs_type="pixels"))
    plain["policy"] |= {"dataset_stats": stats, **policy}
    plain["dataset"]["gripper_convention"] = convention
    return load_config(plain)


def normalizer(config: RunConfig, folder: Path) -> Any:
    builder = Builder(config, make_environment(config).spec, "cpu")
    memory = builder.memory(folder)
    memory.demonstrate(episode(1, 3, schema=builder.env.schema))
    memory.close()
    return builder.spec(memory.demonstrations).normalizer()


def test_a_grippers_command_becomes_its_opening(tmp_path: Path) -> None:
    recorded = np.random.default_rng(0).uniform(LOW, HIGH, (20, 18)).astype(np.float32)
    theirs = torch.from_numpy(2 * (recorded - LOW) / (HIGH - LOW) - 1).float()
    ours = normalizer(configure({STATE: GYM_HIL}), tmp_path).normalize(
        STATE, torch.from_numpy(convert_states(recorded))
    )
    theirs[:, GRIPPER_INDEX] *= -1  # closed is 255 there and 0 m here
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("convention", "highest"), [("auto", 0.05), ("hilt", 0.05), ("gym_hil", MAX_OPENING_M)]
)
def test_metres_stay_metres_unless_it_is_said(convention: str, highest: float, tmp_path: Path) -> None:
    high = [*HIGH]
    high[GRIPPER_INDEX] = 0.05
    scale = normalizer(configure({STATE: {"min": [*LOW], "max": high}}, convention), tmp_path)
    opening = torch.zeros(18)
    opening[GRIPPER_INDEX] = highest
    assert float(scale.normalize(STATE, opening)[GRIPPER_INDEX]) == pytest.approx(1, abs=1e-2)


def test_pictures_are_normalised_as_the_file_says(tmp_path: Path) -> None:
    picture = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    said = normalizer(configure({FRONT: IMAGENET}), tmp_path / "said").normalize(FRONT, picture)
    expected = [(1 - mean) / std for mean, std in zip(*IMAGENET.values(), strict=True)]
    assert said[0, :, 0, 0].tolist() == pytest.approx(expected)
    plain = configure({}, normalization_mapping={"VISUAL": "IDENTITY", "STATE": "MIN_MAX"})
    assert normalizer(plain, tmp_path / "plain").normalize(FRONT, picture).max() == 1


def test_actions_keep_the_bounds_of_the_environment(tmp_path: Path) -> None:
    config = configure({"action": {"min": [-0.025] * 3, "max": [0.025] * 3}, STATE: GYM_HIL})
    builder = Builder(config, make_environment(config).spec, "cpu")
    memory = builder.memory(tmp_path)
    spec = builder.spec(memory.demonstrations)
    memory.close()
    assert spec.action_high == (1, 1, 1, 2)
    assert "action" not in spec.statistics


def test_statistics_of_another_size_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"observation.state.min.*3 numbers: must be 18"):
        normalizer(configure({STATE: {"min": [0.0] * 3, "max": [1.0] * 3}}), tmp_path)
