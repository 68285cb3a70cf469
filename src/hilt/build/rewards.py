"""The learned reward that a configuration names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hilt.build.models import model_folder
from hilt.config.environment import EnvConfig
from hilt.data.transition import IMAGES
from hilt.errors import UserError

if TYPE_CHECKING:  # torch is imported where a classifier is named
    from hilt.rewards.model import RewardClassifier
    from hilt.rewards.reward_function import ClassifierReward


def load_reward_function(env: EnvConfig, device: str = "cpu") -> ClassifierReward | None:
    """The reward function of `env.processor.reward_classifier`; None when no classifier is named.

    Raises:
        CheckpointError: the folder holds no reward classifier.
        UserError: the environment does not render a camera that it looks at.
    """
    use = env.processor.reward_classifier
    if use.pretrained_path is None:
        return None
    from hilt.rewards.reward_function import ClassifierReward

    reward = ClassifierReward(
        _load(model_folder(use.pretrained_path), device),
        threshold=use.success_threshold,
        success_reward=use.success_reward,
        debounce=use.debounce,
        terminate=use.terminate_on_success and env.processor.reset.terminate_on_success,
    )
    cameras = {f"{IMAGES}.{camera}" for camera in env.cameras}
    missing = [name for name in reward.features if name.startswith(IMAGES) and name not in cameras]
    if missing and env.type != "gymnasium" and not env.features_map:
        raise UserError(
            f"the reward classifier looks at {', '.join(missing)}, which env.features does not name"
        )
    return reward


def _load(folder: Path, device: str) -> RewardClassifier:
    from hilt.rewards.model import load_classifier
    from hilt.runs.checkpoints import CheckpointError

    try:
        return load_classifier(folder, device)
    except CheckpointError as error:
        raise CheckpointError(f"env.processor.reward_classifier.pretrained_path: {error}") from error
