"""ACFQL learns and acts from state and pixels, with and without force-torque, with 4-D and 7-D actions."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from hilt.algorithms.policy_runner import PolicyRunner
from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.training.learner_parts import Builder
from tests.training.parts import SMALL, episode, observation

SIZES = {"ee_delta_pos": 4, "ee_delta_pose": 7}


@pytest.mark.parametrize(
    ("obs_type", "force_torque", "action_mode"), list(product(("state", "pixels"), (False, True), SIZES))
)
def test_it_learns_offline_then_online_and_acts_within_the_bounds(
    obs_type: str, force_torque: bool, action_mode: str, tmp_path: Path
) -> None:
    env = {"obs_type": obs_type, "image_size": 32, "force_torque": force_torque, "action_mode": action_mode}
    networks = {"critic_network_kwargs": SMALL, "actor_network_kwargs": SMALL, "image_size_encoder": 32}
    policy = {"type": "acfql", "chunk_size": 3, "flow_steps": 1, **networks}
    config = load_config({"env": env, "policy": policy, "batch_size": 8})
    made = make_environment(config)
    builder = Builder(config, made.spec, "cpu")
    made.close()
    assert made.schema.observation["observation.state"].shape == (42 if force_torque else 18,)
    memory = builder.memory(tmp_path)
    memory.demonstrate(episode(1, 6, schema=made.schema))
    algorithm = builder.algorithm(memory, None)
    before = {name: tensor.clone() for name, tensor in algorithm.policy.state_dict().items()}
    draw = builder.draw(builder.sampler(memory))
    offline = algorithm.update(draw)
    memory.receive(episode(2, 6, schema=made.schema))
    memory.absorb()
    online = algorithm.update(draw)
    memory.close()
    assert all(torch.isfinite(value) for metrics in (offline, online) for value in metrics.values())
    assert any((algorithm.policy.state_dict()[name] != tensor).any() for name, tensor in before.items())
    runner = PolicyRunner(algorithm.policy)
    action = runner(observation(made.schema, np.random.default_rng(0)))
    assert action.shape == (SIZES[action_mode],)
    assert (action >= made.action_low).all()
    assert (action <= made.action_high).all()
