from __future__ import annotations

import pytest
import torch

from hilt.processors.actions import ActionScaling, DiscreteScaling


def test_bounds_map_to_bounds_and_back() -> None:
    scaling = ActionScaling([-1, -1, -1, 0], [1, 1, 1, 2])
    env = torch.tensor([[-1.0, 0.0, 1.0, 0.0], [1.0, 0.5, -0.5, 2.0], [0.0, 0.0, 0.0, 1.0]])
    unit = torch.tensor([[-1.0, 0.0, 1.0, -1.0], [1.0, 0.5, -0.5, 1.0], [0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(scaling.to_unit(env), unit)
    torch.testing.assert_close(scaling.to_env(unit), env)


def test_what_the_robot_would_clip_is_clipped() -> None:
    scaling = ActionScaling([0.0], [2.0])
    assert scaling.to_unit(torch.tensor([[5.0]])).item() == 1
    assert scaling.to_env(torch.tensor([[-3.0]])).item() == 0


def test_gripper_commands_are_the_environments_own() -> None:
    gripper = DiscreteScaling(0, 2, 3)
    commands = torch.tensor([0.0, 1.0, 2.0])
    assert gripper.to_index(commands).tolist() == [0, 1, 2]
    torch.testing.assert_close(gripper.to_env(torch.arange(3)), commands)
    assert gripper.to_index(torch.tensor([0.3, 1.7, -1.0, 9.0])).tolist() == [0, 2, 0, 2]


def test_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="below"):
        ActionScaling([0.0, 1.0], [1.0, 1.0])
