"""Chunks in the actor: what becomes of them when the operator takes over, lets go, or weights arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.registry import policy_from_config
from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import Action, Transition
from hilt.envs.feature_env import Environment
from hilt.operators.base import NOTHING, Command, Expert
from hilt.processors.observation import select, to_batch
from hilt.rollout.rollout import Rollout
from hilt.training.latest_policy import LatestPolicy
from hilt.training.learner_parts import Builder
from hilt.transport.weights import Weights
from tests.training.parts import SMALL

CONFIG = load_config(
    {
        "env": {"task": "hilt/PickCube-v0", "processor": {"reset": {"control_time_s": 1.0}}},
        "policy": {
            "type": "acfql",
            "chunk_size": 5,
            "n_action_steps": 3,
            "flow_steps": 2,
            "critic_network_kwargs": SMALL,
            "actor_network_kwargs": SMALL,
        },
    }
)
HELD = {2, 3}
"""The steps at which the operator has the controls."""
SEED = 7


class Grabs:
    """An operator who holds the controls at some steps."""

    interactive = False

    def __init__(self, held: set[int]) -> None:
        self.held, self.step = held, -1

    def reset(self, expert: Expert | None) -> None:
        self.step = -1

    def command(self, policy_action: Action) -> Command:
        self.step += 1
        return Command(np.zeros_like(policy_action)) if self.step in self.held else NOTHING

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def env() -> Iterator[Environment]:
    made = make_environment(CONFIG)
    yield made
    made.close()


@pytest.fixture(scope="module")
def weights(env: Environment, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    builder = Builder(CONFIG, env.spec, "cpu")
    policy = builder.algorithm(builder.memory(tmp_path_factory.mktemp("log")), None).policy
    return Weights(1, dict(policy.state_dict()), policy.config)


def episode(env: Environment, policy: LatestPolicy, held: set[int]) -> list[Transition]:
    """The steps of one episode of ten, in which the operator has the controls at those `held`."""
    steps: list[Transition] = []
    Rollout(env, policy, Grabs(held), steps.append).run_episode(1, 1)
    return steps


def planned(weights: Weights, steps: list[Transition], plans_at: set[int]) -> list[Action]:
    """What a policy proposes that makes its plans at exactly these steps."""
    policy = policy_from_config(dict(weights.config)).eval()
    assert isinstance(policy, ChunkPolicy)
    policy.load_state_dict(weights.tensors)
    generator, pending, proposals = torch.Generator().manual_seed(SEED), iter(()), []
    for number, step in enumerate(steps):
        if number in plans_at:
            seen = to_batch(select(step.observation, list(weights.config["input_features"])), "cpu")
            pending = iter(policy.plan(seen, generator=generator)[0])
        proposals.append(np.asarray(next(pending)))
    return proposals


@pytest.mark.parametrize(
    ("held", "plans_at"),
    [
        (set(), {0, 3, 6, 9}),  # n_action_steps is 3
        (HELD, {0, 3, 4, 7}),  # void at the take-over; new at 4, where the operator has let go
        ({0}, {0, 1, 4, 7}),
        ({5}, {0, 3, 6, 9}),
    ],
)
def test_a_take_over_voids_the_plan_and_a_new_one_is_made_at_the_step_of_letting_go(
    env: Environment, weights: Weights, held: set[int], plans_at: set[int]
) -> None:
    steps = episode(env, LatestPolicy(weights, lambda: None, seed=SEED), held)
    assert len(steps) == 10
    assert {number for number, step in enumerate(steps) if step.is_intervention} == held
    expected = planned(weights, steps, plans_at)
    np.testing.assert_allclose([step.policy_action for step in steps], expected, atol=1e-6)
    for number, step in enumerate(steps):
        np.testing.assert_array_equal(
            step.action, np.zeros(4) if number in held else env.clip(step.policy_action)
        )


def versions(newest: Callable[[int], Weights | None], first: Weights, env: Environment) -> list[int]:
    """Version that acted at each step; at step i the learner has just published `newest(i)`."""
    seen: list[int] = []
    policy = LatestPolicy(first, lambda: newest(len(seen)), seed=SEED)
    rollout = Rollout(env, policy, Grabs(HELD), lambda step: seen.append(policy.version))
    rollout.run_episode(1, 1)
    return seen


def test_weights_are_taken_up_between_chunks_only(env: Environment, weights: Weights) -> None:
    def published(step: int) -> Weights:
        return Weights(100 + step, weights.tensors, weights.config)

    # Plans are made at 0, 3 (void at once), 4 and 7: each by the newest weights, which then stay.
    assert versions(published, weights, env) == [100, 100, 100, 103, 104, 104, 104, 107, 107, 107]
