"""Policies that were saved when their settings stood flat in `config.json` act as they did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from hilt.algorithms.registry import policy_from_config, saved_keys
from tests.algorithms.toy import CAMERA, STATE

FOLDER = Path(__file__).with_name("older_policies")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.iterdir()))
def test_an_older_policy_is_rebuilt_and_acts_as_it_did(name: str) -> None:
    saved = json.loads((FOLDER / f"{name}.json").read_text())
    policy = policy_from_config(saved["config"]).eval()
    assert {key: list(tensor.shape) for key, tensor in policy.state_dict().items()} == saved["shapes"]
    for parameter in policy.parameters():
        parameter.data = 0.3 * torch.linspace(-1, 1, parameter.numel()).view(parameter.shape)
    seen = {STATE: torch.tensor([[0.1, -0.2, 0.3]])}
    if CAMERA in saved["config"]["input_features"]:
        seen[CAMERA] = torch.arange(3 * 32 * 32).view(1, 3, 32, 32).remainder(256).to(torch.uint8)
    action = policy.act(seen, deterministic=True)
    torch.testing.assert_close(action[0], torch.tensor(saved["action"]), atol=1e-5, rtol=1e-4)
    rebuilt = policy_from_config(policy.config)
    assert rebuilt.config == policy.config
    assert saved_keys(policy.config) == saved_keys(saved["config"]) | saved_keys(policy.config)


def test_a_run_goes_on_with_the_imitation_that_it_began() -> None:
    saved = json.loads((FOLDER / "acfql.json").read_text())["config"]
    assert saved_keys(saved)["pretrain_updates"] == 7
