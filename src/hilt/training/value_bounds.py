"""The values that a configuration's reward makes possible: what the critics' targets are clipped to."""

from __future__ import annotations

from hilt.algorithms.base import Range
from hilt.config.environment import EnvConfig
from hilt.config.learning import LearningPolicy
from hilt.rewards.model import ClassifierSpec


def target_range(
    env: EnvConfig, policy: LearningPolicy, classifier: ClassifierSpec | None = None
) -> Range | None:
    """(lowest, highest) discounted return; None where the reward has no known bounds, or none is wanted.

    `classifier` is that of the environment, whose classes may be worth other things than success and nothing.

    Success once: [0, 1]. With k = `number_of_steps_after_success` it is rewarded k times more: the upper end
    is 1 + gamma + ... + gamma^k. Success that does not end the episode is rewarded for ever: 1 / (1 - gamma).
    Subgoals pay the change of a share in [0, 1]: [-1, 1]. With `gripper_penalty_in_reward` the lower end is
    that of a penalty at every step, with `step_cost` that of its cost for ever.
    """
    payment = _payment(env, classifier)
    if payment is None or not policy.bounded_targets:
        return None
    low, high, times = payment
    gripper = env.processor.gripper
    penalty = gripper.gripper_penalty if gripper.gripper_penalty_in_reward else 0.0
    penalty -= env.step_cost
    best, worst = _geometric(policy.discount, times), _geometric(policy.discount, None)
    if best is None or (penalty and worst is None):
        return None
    return min(0.0, low * best) + penalty * (worst or 0.0), max(0.0, high * best)


def _payment(env: EnvConfig, spec: ClassifierSpec | None) -> tuple[float, float, int | None] | None:
    """(least, greatest reward of a rewarded step, how many steps are; None: any number); None: not known."""
    ends = env.processor.reset.terminate_on_success
    classifier = env.processor.reward_classifier
    if env.trust_operator:
        return 1.0, 1.0, 1
    if classifier.pretrained_path is not None:
        least, greatest, is_once = _worths(spec)
        rewards = sorted(worth * classifier.success_reward for worth in (least, greatest))
        times = 1 if is_once and classifier.terminate_on_success and ends else None
        return rewards[0], rewards[1], times
    if env.type == "gymnasium" or env.reward_type == "dense":
        return None
    if env.reward_type == "subgoals":
        return -1.0, 1.0, 1
    return 1.0, 1.0, env.number_of_steps_after_success + 1 if ends else None


def _worths(spec: ClassifierSpec | None) -> tuple[float, float, bool]:
    """(least, greatest worth of a rewarded class, whether success alone is)."""
    if spec is None:
        return 1.0, 1.0, True
    successes = [spec.worths[label] for label in spec.success_classes]
    is_once = sum(map(abs, spec.worths)) == sum(map(abs, successes))
    rewarded = successes if is_once else spec.worths
    return min(rewarded), max(rewarded), is_once


def _geometric(discount: float, steps: int | None) -> float | None:
    """1 + discount + ..., `steps` terms or infinitely many; None: infinite."""
    if discount == 1.0:
        return None if steps is None else float(steps)
    return (1.0 - discount ** (steps if steps is not None else float("inf"))) / (1.0 - discount)
