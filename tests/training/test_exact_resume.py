"""Resume equals never having stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hilt.algorithms.base import Algorithm
from hilt.build.envs import make_environment
from hilt.config.run import RunConfig
from hilt.data.routing import Source
from hilt.data.sampling import MixedSampler
from hilt.runs.checkpoints import Checkpoint, CheckpointStore
from hilt.training.learner_parts import Builder
from hilt.training.replay_memory import Memory
from tests.training.parts import episode, small_config

UPDATES = 12


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def builder_of(config: RunConfig) -> Builder:
    env = make_environment(config)
    env.close()
    return Builder(config, env.spec, "cpu")


def filled(builder: Builder, run: Path) -> Memory:
    """A buffer of a few episodes, demonstrations among them, as the log gives it back."""
    memory = builder.memory(run)
    if not memory.restore():
        schema = builder.env.schema
        for number in range(4):
            memory.demonstrate(episode(number, 7, schema=schema))
            memory.log.append(episode(100 + number, 9, schema=schema), Source.ONLINE)
        memory.close()
        return filled(builder, run)
    return memory


def train(builder: Builder, algorithm: Algorithm, sampler: MixedSampler, updates: int) -> None:
    draw = builder.draw(sampler)
    for _ in range(updates):
        algorithm.update(draw)


@pytest.mark.parametrize(
    ("policy", "obs_type"), [("sac", "state"), ("sac", "pixels"), ("acfql", "state"), ("acfql", "pixels")]
)
def test_half_the_updates_twice_are_all_of_them_bit_for_bit(
    tmp_path: Path, policy: str, obs_type: str
) -> None:
    builder = builder_of(small_config(policy, obs_type))
    memory = filled(builder, tmp_path)
    whole, sampler = builder.algorithm(memory, None), builder.sampler(memory)
    train(builder, whole, sampler, UPDATES)

    first, sampler = builder.algorithm(memory, None), builder.sampler(memory)
    train(builder, first, sampler, UPDATES // 2)
    state = dict(sampler.generator.bit_generator.state)
    store = CheckpointStore(tmp_path)
    saved = Checkpoint(
        first.updates,
        dict(first.policy.config),
        dict(first.policy.state_dict()),
        {},
        first.state_tensors(),
        {"sampler": state},
    )
    store.save(saved)

    memory.close()
    memory, loaded = filled(builder, tmp_path), store.load_last()
    assert loaded is not None
    second, sampler = builder.algorithm(memory, loaded.config), builder.sampler(memory)
    second.load_state_tensors(loaded.state)
    sampler.generator.bit_generator.state = loaded.counters["sampler"]
    train(builder, second, sampler, UPDATES // 2)

    expected, reached = whole.state_tensors(), second.state_tensors()
    assert second.updates == UPDATES
    assert expected.keys() == reached.keys()
    assert not [name for name in expected if not torch.equal(expected[name], reached[name])]
    for name, tensor in whole.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name
    memory.close()
