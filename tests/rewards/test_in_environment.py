"""A classifier in the real simulator: it judges, and the environment's own word stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import STATE
from hilt.envs.feature_env import Environment, Judgement
from hilt.errors import UserError
from hilt.rewards.model import ClassifierSpec, RewardClassifier
from hilt.runs.checkpoints import write_model

CAMERA = "observation.images.front"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained, so that the threshold alone decides what it says."""
    torch.manual_seed(0)
    half = {CAMERA: {"mean": [0.5] * 3, "std": [0.3] * 3}}
    model = RewardClassifier(ClassifierSpec({CAMERA: (3, 32, 32)}, {}, half))
    folder = tmp_path_factory.mktemp("classifier")
    write_model(folder, model.spec.to_json(), model.state_dict(), {})
    return folder


def make(classifier: Path, *, features: list[str] | None = None, **use: Any) -> Environment:
    settings = {"pretrained_path": str(classifier), **use}
    camera = {CAMERA: {"type": "VISUAL", "shape": [3, 32, 32]}}
    config = load_config({"env": {"features": camera, "processor": {"reward_classifier": settings}}})
    return make_environment(config, features=features)


def test_it_pays_and_ends_the_episode_whatever_the_policy_looks_at(classifier: Path) -> None:
    env = make(classifier, features=[STATE], success_threshold=0.0, success_reward=3.0, debounce=2)
    env.reset(0)
    first, second = env.step(env.neutral_action), env.step(env.neutral_action)
    env.close()
    assert first.observation.keys() == {STATE}
    assert (first.reward, first.terminated) == (0.0, False)
    assert (second.reward, second.terminated, second.is_success) == (3.0, True, True)
    assert second.ground_truth is False
    judged = second.info["reward_classifier"]
    assert isinstance(judged, Judgement)
    assert judged.milliseconds > 0


def test_a_success_that_it_does_not_see_is_neither_paid_nor_the_end(classifier: Path) -> None:
    env = make(classifier, features=[STATE], success_threshold=1.0, debounce=1)
    env.reset(0)
    outcomes = []
    while not (outcomes and (outcomes[-1].terminated or outcomes[-1].truncated)) and len(outcomes) < 40:
        assert env.expert is not None
        outcomes.append(env.step(env.clip(env.expert.action())))
    env.close()
    assert sum(bool(outcome.ground_truth) for outcome in outcomes) > 2
    assert not any(outcome.is_success for outcome in outcomes)
    assert not any(outcome.reward or outcome.terminated for outcome in outcomes)


def test_a_camera_that_is_not_rendered_is_named(classifier: Path) -> None:
    config = load_config({"env": {"processor": {"reward_classifier": {"pretrained_path": str(classifier)}}}})
    with pytest.raises(UserError, match=f"looks at {CAMERA}, which env.features does not name"):
        make_environment(config)
