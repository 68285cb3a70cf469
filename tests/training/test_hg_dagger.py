"""HG-DAgger: demonstrations and corrections, and nothing that the policy did."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from hilt.algorithms.bc.config import HGDAggerConfig
from hilt.algorithms.registry import make_algorithm, policy_from_config
from hilt.algorithms.spec import PolicySpec
from hilt.build.envs import make_environment
from hilt.config.load import load_config
from hilt.data.transition import Feature, Schema
from hilt.training.learner_parts import Builder
from tests.training.parts import episode


@pytest.mark.parametrize("actor", ["gaussian", "flow"])
def test_batches_begin_with_what_people_did_and_are_imitated(actor: str, tmp_path: Path) -> None:
    network = {"hidden_dims": [16]}
    policy = {"type": "hg_dagger", "actor": actor, "chunk_size": 2, "actor_network_kwargs": network}
    config = load_config({"policy": {**policy, "actor_lr": 3e-3}, "batch_size": 16})
    env = make_environment(config)
    env.close()
    builder = Builder(config, env.spec, "cpu")
    memory = builder.memory(tmp_path)
    memory.demonstrate(episode(1, 8, schema=env.schema))
    memory.receive(episode(2, 30, schema=env.schema))
    memory.absorb()
    algorithm = builder.algorithm(memory, None)
    draw = builder.draw(builder.sampler(memory))
    batch = draw()
    human = (batch.is_demonstration | batch.is_intervention).reshape(16, -1)
    assert human[:, 0].all()
    name = "loss_flow" if actor == "flow" else "loss_bc"
    losses = [float(algorithm.update(draw)[name]) for _ in range(200)]
    again = policy_from_config(algorithm.policy.config)
    again.load_state_dict(algorithm.policy.state_dict())
    assert again.config == algorithm.policy.config
    assert again.config["type"] == "hg_dagger"
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])
    memory.close()


def test_a_gaussian_acts_nearly_by_its_mean() -> None:
    policy = load_config({"policy": {"type": "hg_dagger"}}).policy
    assert isinstance(policy, HGDAggerConfig)
    assert policy.policy_kwargs.init_std <= 0.01
    assert policy.chunk_length is None
    assert not policy.samples_online


@pytest.mark.parametrize("init_final", [0.0, 0.3])
def test_a_flow_starts_as_its_head_says(init_final: float) -> None:
    keys = {"type": "hg_dagger", "actor": "flow", "policy_kwargs": {"init_final": init_final}}
    policy = load_config({"policy": keys}).policy
    assert isinstance(policy, HGDAggerConfig)
    schema = Schema({"observation.state": Feature((3,))}, Feature((2,)))
    made = make_algorithm(policy, PolicySpec(schema, (-1.0, -1.0), (1.0, 1.0), {}, {}))
    last = [layer for layer in made.policy.modules() if isinstance(layer, nn.Linear)][-1]
    assert init_final * 0.9 <= last.weight.abs().max() <= init_final
