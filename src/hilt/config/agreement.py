"""Policy and environment must speak of the same observations and the same action."""

from __future__ import annotations

from hilt.config.environment import EnvConfig
from hilt.config.features import FeatureConfig
from hilt.config.fields import invalid
from hilt.config.learning import LearningPolicy, PolicyBase

Features = dict[str, FeatureConfig]

WITHOUT_GRIPPER = (3, 6)
"""Sizes of an action that says nothing about the gripper."""


def check_features(env: EnvConfig, policy: PolicyBase) -> None:
    """The policy's features, where it names any, are among the environment's; else they are those."""
    declared = env.policy_features()
    if not declared:
        return
    inputs = {name: feature for name, feature in declared.items() if feature.type != "ACTION"}
    outputs = {name: feature for name, feature in declared.items() if feature.type == "ACTION"}
    if _has_discrete_gripper(policy) and env.type != "gymnasium":
        outputs = {name: _without_gripper(feature) for name, feature in outputs.items()}
    _agree(policy, "input_features", inputs)
    _agree(policy, "output_features", outputs)


def check_gripper(env: EnvConfig, policy: PolicyBase) -> None:
    """The gripper is commanded by the action or by a discrete critic, unless there is none."""
    use_gripper = env.processor.gripper.use_gripper
    size = env.action_size
    discrete = _has_discrete_gripper(policy)
    if discrete and not use_gripper:
        raise invalid(
            "there is no gripper to command (use_gripper is false)", "policy", "num_discrete_actions"
        )
    if size is None or not isinstance(policy, LearningPolicy):
        return
    if size in WITHOUT_GRIPPER and use_gripper and not discrete:
        raise invalid(
            f"an action of shape [{size}] leaves the gripper to a policy with num_discrete_actions = 3; "
            f"else its shape is [{size + 1}], or use_gripper is false",
            *("env", "features"),
        )
    if size not in WITHOUT_GRIPPER and not use_gripper:
        raise invalid(f"without the gripper the action has shape [{size - 1}]", "env", "features")


def _has_discrete_gripper(policy: PolicyBase) -> bool:
    return isinstance(policy, LearningPolicy) and policy.discrete_gripper


def _without_gripper(action: FeatureConfig) -> FeatureConfig:
    size = action.shape[0]
    return action if size in WITHOUT_GRIPPER else FeatureConfig(type="ACTION", shape=[size - 1])


def _is_smaller_picture(own: FeatureConfig, given: FeatureConfig) -> bool:
    """A policy may look at pictures of its own size, made of larger ones."""
    pictures = own.type == given.type == "VISUAL"
    return pictures and own.shape[1] <= given.shape[1] and own.shape[2] <= given.shape[2]


def _agree(policy: PolicyBase, key: str, declared: Features) -> None:
    for name, feature in getattr(policy, key).items():
        if name not in declared:
            raise invalid(f"the environment has {', '.join(sorted(declared)) or 'none'}", "policy", key, name)
        if declared[name] != feature and not _is_smaller_picture(feature, declared[name]):
            there = f"{declared[name].type} {declared[name].shape}"
            raise invalid(f"for the environment it is {there}", "policy", key, name)
    policy.infer(key, declared)
