"""What the critics' targets are clipped to is what the reward makes possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hilt.config.load import load_config
from hilt.config.write import to_dict
from hilt.rewards.model import ClassifierSpec
from hilt.training.learner_parts import learning_policy
from hilt.training.value_bounds import target_range
from tests.training.parts import small_config

GAMMA = 0.9
CLASSIFIER = {"env.processor.reward_classifier.pretrained_path": "somewhere"}
FOREVER = 1 / (1 - GAMMA)


def bounds(keys: dict[str, Any], classifier: ClassifierSpec | None = None) -> tuple[float, float] | None:
    said = {"policy.discount": GAMMA, **keys}
    config = load_config(to_dict(small_config()), [f"{key}={value}" for key, value in said.items()])
    return target_range(config.env, learning_policy(config), classifier)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (0, 1)),
        ({"env.number_of_steps_after_success": 2}, (0, 1 + GAMMA + GAMMA**2)),
        ({"env.processor.reset.terminate_on_success": "false"}, (0, FOREVER)),
        ({"env.trust_operator": "true", "env.reward_type": "dense"}, (0, 1)),
        ({**CLASSIFIER, "env.processor.reward_classifier.success_reward": 5}, (0, 5)),
        ({**CLASSIFIER, "env.processor.reward_classifier.terminate_on_success": "false"}, (0, FOREVER)),
        ({"env.processor.gripper.gripper_penalty": -0.02}, (0, 1)),
        (
            {
                "env.processor.gripper.gripper_penalty": -0.02,
                "env.processor.gripper.gripper_penalty_in_reward": "true",
            },
            (-0.02 * FOREVER, 1),
        ),
        ({"env.step_cost": 0.01}, (-0.01 * FOREVER, 1)),
        ({"env.reward_type": "subgoals"}, (-1, 1)),
    ],
)
def test_bounds_are_those_of_the_reward(keys: dict[str, Any], expected: tuple[float, float]) -> None:
    assert bounds(keys) == pytest.approx(expected)


def test_bounds_know_what_the_classes_of_a_classifier_are_worth() -> None:
    spec = ClassifierSpec({}, {}, {}, num_classes=3, success_classes=(1, 2), class_rewards=(0.0, 0.5, 2.0))
    assert bounds(CLASSIFIER, spec) == pytest.approx((0, 2))
    paid_forever = replace(spec, success_classes=(2,), class_rewards=(-0.1, 0.5, 1.0))
    assert bounds(CLASSIFIER, paid_forever) == pytest.approx((-0.1 * FOREVER, FOREVER))


@pytest.mark.parametrize(
    "keys",
    [
        {"env.reward_type": "dense"},
        {"policy.clip_targets": "false"},
        {"policy.use_backup_entropy": "true"},
        {"env.type": "gymnasium", "env.task": "Pendulum-v1"},
        {"env.processor.reset.terminate_on_success": "false", "policy.discount": 1.0},
    ],
)
def test_nothing_is_clipped_without_known_bounds(keys: dict[str, Any]) -> None:
    assert bounds(keys) is None
