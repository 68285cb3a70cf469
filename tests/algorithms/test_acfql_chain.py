"""A chain whose values are known: 6 states in a row, -1 for every step but 0 for that to the goal."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch

from hilt.algorithms.acfql.acfql import ACFQL
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.networks import q_values
from hilt.algorithms.spec import PolicySpec
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.sampling import MixedSampler
from hilt.data.transition import STATE, Controller, Feature, Schema, Transition
from tests.algorithms.toy import changed
from tests.algorithms.toy_chunks import small

VALUES = torch.tensor([0.0, -1.0, -1.9, -2.71, -3.439, -4.0951])
"""Of the state from which the goal is 1, 2, ... 6 steps away; gamma 0.9."""
SCHEMA = Schema({STATE: Feature((6,))}, Feature((1,)))
Schedule = list[tuple[float, int]]
SPEC = PolicySpec(SCHEMA, (-1.0,), (1.0,), {STATE: "IDENTITY"}, {})


def state(steps_to_go: int) -> dict[str, np.ndarray]:
    return {STATE: np.eye(7, dtype=np.float32)[steps_to_go][1:]}


@cache
def walks(count: int) -> ReplayBuffer:
    """Demonstrated walks from the far end of the chain; whatever the action, a step leads one state on."""
    buffer, actions = ReplayBuffer(7 * count, SCHEMA), np.random.default_rng(1)
    for episode, to_go in product(range(count), range(6, 0, -1)):
        action = actions.uniform(-1, 1, 1).astype(np.float32)
        buffer.add(
            Transition(
                observation=state(to_go), action=action, policy_action=action, controller=Controller.OPERATOR,
                reward=-1.0 if to_go > 1 else 0.0, terminated=to_go == 1, truncated=False,
                next_observation=state(to_go - 1), discrete_penalty=0.0, episode_id=episode, step=6 - to_go,
                is_success=to_go == 1,
            )
        )  # fmt: skip
    return buffer


def learned_values(config: ACFQLConfig, count: int, schedule: Schedule) -> torch.Tensor:
    """Mean value of random chunks in each state, the nearest to the goal first, after training on `count`
    walks with (learning rate, updates)."""
    online, generator = ReplayBuffer(2, SCHEMA), np.random.default_rng(0)
    sampler, neutral = MixedSampler(online, walks(count), 128, generator=generator), np.zeros(1, np.float32)
    algorithm = ACFQL(config, SPEC, seed=0)
    for lr, updates in schedule:
        for optimizer in algorithm.optimizers.values():
            optimizer.lr = lr
        for _ in range(updates):
            algorithm.update(lambda: sampler.sample_chunks(0.9, config.chunk_size, neutral))
    chunk = 2 * torch.rand(600, config.chunk_size, generator=algorithm.generator) - 1
    with torch.no_grad():
        values = q_values(algorithm.networks.critic, torch.eye(6).repeat_interleave(100, 0), chunk)
    return values.mean(0).view(6, 100).mean(1)


@pytest.mark.parametrize(
    "chunk_size", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow), 5]
)
def test_hilt_preset_knows_the_value_of_every_state(chunk_size: int) -> None:
    """Its own critics and targets; these follow faster, and a small actor learns less often, to save time."""
    config = changed(
        ACFQLConfig(), chunk_size=chunk_size, n_action_steps=chunk_size, critic_target_update_weight=0.1,
        utd_ratio=1, policy_update_freq=4, actor_hidden_dims=(32, 32), flow_steps=1,
    )  # fmt: skip
    values = learned_values(config, 500, [(1e-3, 300), (3e-4, 100), (1e-4, 50)])
    torch.testing.assert_close(values, VALUES, atol=0.02, rtol=0)


@pytest.mark.parametrize(("chunk_size", "trained"), [(2, [2, 4, 6]), (3, [3, 6]), (5, [5])])
def test_reference_preset_knows_the_states_whole_chunks_from_the_goal(
    chunk_size: int, trained: list[int]
) -> None:
    """Its masks drop the chunks that the end cuts short: the other states lack what is behind them.

    Linear critics can hold these values exactly, so that nothing is left but what the losses aim at.
    """
    config = small(
        ACFQLConfig(preset="reference"), chunk_size=chunk_size, n_action_steps=chunk_size,
        critic_hidden_dims=(), critic_target_update_weight=0.5, flow_steps=1, alpha=3000.0,
    )  # fmt: skip
    values = learned_values(config, 50, [(5e-2, 200), (1e-2, 150), (1e-3, 50)])
    index = torch.tensor(trained) - 1
    torch.testing.assert_close(values[index], VALUES[index], atol=0.02, rtol=0)
