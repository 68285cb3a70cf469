"""Trained policies, from the folders in which they are saved."""

from __future__ import annotations

from pathlib import Path

import torch

from hilt.algorithms.policy_runner import PolicyRunner
from hilt.algorithms.registry import policy_from_config
from hilt.build.models import model_folder
from hilt.config.device import resolve_device
from hilt.config.run import RunConfig
from hilt.runs.checkpoints import CheckpointError, read_model


def load_policy(
    folder: str | Path, *, device: torch.device | str = "cpu", deterministic: bool = True
) -> PolicyRunner:
    """The policy saved in `folder` (`.../pretrained_model`, or the checkpoint above it), or of that hub id.

    Raises:
        CheckpointError: it is missing, damaged, or not a policy.
    """
    config, tensors = read_model(model_folder(folder))
    if "input_features" in config and "action_low" not in config:
        raise CheckpointError(
            f"{folder} was not trained by hilt: policies of other programs are other networks. Train again "
            "from the same configuration and dataset (docs/coming-from-lerobot.md)"
        )
    try:
        policy = policy_from_config(config)
        policy.load_state_dict(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{folder} holds no policy that this version can build: {error}") from error
    return PolicyRunner(policy, deterministic=deterministic, device=device)


def saved_policy(config: RunConfig) -> PolicyRunner | None:
    """The policy of `policy.pretrained_path`; None: the configuration names none. Raises CheckpointError."""
    folder = config.policy.pretrained_path if config.policy is not None else None
    if folder is None:
        return None
    return load_policy(folder, device=resolve_device(config.device_name)[0])
