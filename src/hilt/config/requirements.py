"""What each command needs to find in its configuration."""

from __future__ import annotations

from typing import Literal

from hilt.config.classifier import ClassifierConfig
from hilt.config.errors import ConfigError
from hilt.config.learning import LearningPolicy
from hilt.config.load import without_effect
from hilt.config.operator_options import split_options
from hilt.config.run import RunConfig

Verb = Literal["teleop", "record", "replay", "train", "learner", "actor", "eval"]


def require(config: RunConfig, verb: Verb, origin: str = "configuration") -> None:
    """Raises ConfigError when `verb` cannot do with `config`; `origin` is the file, for the message."""
    if verb in ("train", "learner", "actor"):
        _require_training(config, verb, origin)
    if verb in ("record", "replay") and config.dataset.directory is None:
        raise ConfigError(origin, f"dataset.repo_id: missing, {verb} needs it, or dataset.root")
    if verb == "replay" and config.dataset.replay_episode is None:
        raise ConfigError(
            origin, "dataset.replay_episode: missing, the number of an episode (0 is the first)"
        )
    if verb == "eval" and (config.policy is None or config.policy.pretrained_path is None):
        raise ConfigError(origin, "policy.pretrained_path: missing, the folder of a saved policy")


def remarks(config: RunConfig) -> list[str]:
    """What will be otherwise than the configuration may have meant, for the start of a command."""
    said = []
    if ignored := without_effect(config):
        said.append(f"keys without effect here: {', '.join(ignored)}")
    if "save_freq" in config.model_fields_set and config.save_freq > config.steps:
        said.append(
            f"save_freq = {config.save_freq} is more than the run's steps: "
            f"checkpoints are written every {config.save_every_s:g} s anyway (save_every_s)"
        )
    others = [name for name in split_options(config.operator_options)[0] if name != config.operator_name]
    if others and not config.options_of_operator:
        names = ", ".join(others)
        said.append(f"the operator is {config.operator_name}: the operator_options of {names} are left out")
    return said


def _require_training(config: RunConfig, verb: Verb, origin: str) -> None:
    policy = config.policy
    if not isinstance(policy, LearningPolicy | ClassifierConfig):
        raise ConfigError(origin, "policy.type: missing, must be sac, acfql or reward_classifier")
    if policy.pretrained_path is not None:
        raise ConfigError(
            origin,
            "policy.pretrained_path: training begins from nothing; --resume=true --output_dir=RUN goes on",
        )
    if policy.push_to_hub and policy.repo_id is None:
        raise ConfigError(origin, "policy.repo_id: missing, policy.push_to_hub uploads to it (user/name)")
    if policy.push_to_hub and not config.save_checkpoint:
        raise ConfigError(origin, "policy.push_to_hub: save_checkpoint = false leaves nothing to upload")
    if isinstance(policy, ClassifierConfig):
        if verb != "train":
            raise ConfigError(origin, 'policy.type = "reward_classifier": trained by `hilt train`')
        if config.dataset.directory is None:
            raise ConfigError(origin, "dataset.root: missing, a reward classifier learns from a dataset")
