"""Chunks are planned, executed in turn, and dropped when another takes over."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.networks import q_values
from hilt.algorithms.acfql.policy import ChunkPolicy
from hilt.algorithms.policy_runner import PolicyRunner
from tests.algorithms.toy import STATE, make_spec
from tests.algorithms.toy_chunks import small


def make_policy(action_dim: int = 4, **changes: object) -> ChunkPolicy:
    config = small(ACFQLConfig(), **{"chunk_size": 5, "n_action_steps": 3, **changes})
    return ACFQL(config, make_spec(action_dim=action_dim), seed=0).policy


def observe(value: float) -> dict[str, Tensor]:
    return {STATE: torch.full((1, 3), value)}


def act(policy: ChunkPolicy, value: float) -> Tensor:
    return policy.act(observe(value), deterministic=True)


def test_the_first_actions_of_a_plan_are_executed_and_then_a_new_one_is_made() -> None:
    policy = make_policy()
    first, second = (policy.plan(observe(v), deterministic=True)[0] for v in (0.0, 1.0))
    assert not policy.is_mid_plan
    for step in range(3):
        torch.testing.assert_close(act(policy, 0.0 if step == 0 else 1.0)[0], first[step])
        assert policy.is_mid_plan == (step < 2)
    torch.testing.assert_close(act(policy, 1.0)[0], second[0])


@pytest.mark.parametrize("forget", ["interrupt", "reset"])
def test_a_plan_is_void_when_interrupted(forget: str) -> None:
    policy = make_policy()
    act(policy, 0.0)
    getattr(policy, forget)()
    assert not policy.is_mid_plan
    torch.testing.assert_close(act(policy, 1.0)[0], policy.plan(observe(1.0), deterministic=True)[0, 0])


def test_many_observations_at_once_leave_the_plan_alone() -> None:
    policy = make_policy()
    expected = policy.plan(observe(0.0), deterministic=True)[0, 1]
    act(policy, 0.0)
    assert policy.act({STATE: torch.rand(7, 3)}, deterministic=True).shape == (7, 4)
    torch.testing.assert_close(act(policy, 0.0)[0], expected)


@pytest.mark.parametrize("action_dim", [4, 7])
@pytest.mark.parametrize("actor_type", ["distilled", "best_of_n"])
def test_plans_stay_within_the_bounds_of_the_actions(actor_type: str, action_dim: int) -> None:
    policy = make_policy(action_dim, actor_type=actor_type, init_final=5.0)
    plan = policy.plan({STATE: torch.rand(50, 3)})
    assert plan.shape == (50, 5, action_dim)
    assert plan.dtype == torch.float32
    spec = make_spec(action_dim=action_dim)
    assert (plan >= torch.tensor(spec.action_low)).all()
    assert (plan <= torch.tensor(spec.action_high)).all()


def test_the_critics_choose_among_the_samples() -> None:
    policy = make_policy(num_samples=16)
    alone = make_policy(num_samples=1)
    assert alone.critic is None
    observation = {STATE: torch.rand(100, 3)}

    def value(chooser: ChunkPolicy) -> Tensor:
        plan = chooser.plan(observation, generator=torch.Generator().manual_seed(0))
        unit = policy.scaling.to_unit(plan).flatten(1)
        return q_values(policy.critic, policy.encoder(observation), unit).mean()

    assert value(policy) > value(alone)


def test_a_deterministic_runner_repeats_its_episode_and_another_explores() -> None:
    def episode(runner: PolicyRunner) -> list[list[float]]:
        runner.reset()
        return [runner({STATE: torch.full((3,), 0.1 * step).numpy()}).tolist() for step in range(8)]

    policy = make_policy()
    assert episode(runner := PolicyRunner(policy)) == episode(runner)
    explorer = PolicyRunner(policy, deterministic=False)
    assert episode(explorer) != episode(explorer)


def test_the_plan_is_no_part_of_what_is_saved() -> None:
    policy = make_policy()
    before = set(policy.state_dict())
    act(policy, 0.0)
    assert set(policy.state_dict()) == before


def test_only_what_acting_needs_is_published() -> None:
    def parts(policy: ChunkPolicy) -> set[str]:
        return {name.split(".")[0] for name, _ in policy.named_parameters()}

    assert parts(make_policy(num_samples=1)) == {"generator"}
    assert parts(make_policy(num_samples=4)) == {"generator", "critic"}
