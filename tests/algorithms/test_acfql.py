from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from safetensors.torch import load, save

from hilt.algorithms.acfql.acfql import ACFQL, to_imitate
from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.losses import total_loss
from hilt.algorithms.base import StateError
from hilt.algorithms.bc.flow_bc import FlowCloning
from hilt.algorithms.registry import make_algorithm, policy_from_config
from hilt.data.batch import Batch
from tests.algorithms.toy import CAMERA, changed, equal, make_spec
from tests.algorithms.toy_chunks import chunk_batch, small

PRESETS = {name: partial(ACFQLConfig, preset=name) for name in ("reference", "hilt")}


def sampler(chunk_size: int, *, pixels: bool = False) -> Callable[[], Batch]:
    generator = torch.Generator().manual_seed(3)
    return lambda: chunk_batch(generator, chunk_size, pixels=pixels)


def snapshot(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture
def one_thread() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("actor_type", ["distilled", "best_of_n"])
@pytest.mark.parametrize("preset", PRESETS)
def test_an_update_trains_everything_and_says_so(preset: str, actor_type: str, pixels: bool) -> None:
    config = small(PRESETS[preset](), chunk_size=3, n_action_steps=3, actor_type=actor_type, num_samples=4)
    algorithm = ACFQL(config, make_spec(pixels=pixels), seed=0)
    before = snapshot(algorithm.networks)
    sample = sampler(3, pixels=pixels)
    for _ in range(2):
        metrics = algorithm.update(sample)
    after = algorithm.networks.state_dict()
    fixed = {name for name in before if torch.equal(before[name], after[name])}
    statistics = {name for name in before if "normalizer" in name}
    assert fixed == statistics
    assert {"loss_critic", "loss_flow", "critic_grad_norm", "actor_grad_norm"} <= metrics.keys()
    assert all(torch.isfinite(value) for value in metrics.values())


def test_the_first_updates_are_imitation_alone() -> None:
    algorithm, sample = ACFQL(small(ACFQLConfig(), pretrain_updates=2), make_spec(), seed=0), sampler(10)
    before = snapshot(algorithm.networks)
    for _ in range(2):
        metrics = algorithm.update(sample)
    after = snapshot(algorithm.networks)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith(("flow.", "actor."))}
    assert {"loss_flow", "loss_distill"} <= metrics.keys()
    assert "loss_critic" in algorithm.update(sample)


def test_offline_the_actor_follows_the_flow_as_closely_as_it_is_told() -> None:
    """With an alpha of its own the offline phase is as if that were the alpha; after it they differ."""
    config = small(ACFQLConfig(), offline_steps=2, offline_alpha=None, grad_clip_norm=None)
    told = ACFQL(changed(config, alpha=10.0, offline_alpha=1000.0), make_spec(), seed=0)
    always = ACFQL(changed(config, alpha=1000.0), make_spec(), seed=0)
    one, other = sampler(10), sampler(10)
    for _ in range(2):
        told.update(one)
        always.update(other)
    assert equal(snapshot(told.networks), snapshot(always.networks))
    told.update(one)
    always.update(other)
    assert not equal(snapshot(told.networks), snapshot(always.networks))


def test_the_average_of_the_policy_acts() -> None:
    config = small(ACFQLConfig(), pretrain_updates=1, policy_average_weight=0.25)
    algorithm, sample = ACFQL(config, make_spec(), seed=0), sampler(10)
    algorithm.update(sample)
    imitated = snapshot(algorithm.policy)
    assert torch.equal(imitated["generator.network.0.weight"], algorithm.networks.actor.network[0].weight)  # type: ignore[union-attr]
    algorithm.update(sample)
    newest = algorithm.networks.actor.network[0].weight  # type: ignore[union-attr]
    expected = 0.75 * imitated["generator.network.0.weight"] + 0.25 * newest
    torch.testing.assert_close(snapshot(algorithm.policy)["generator.network.0.weight"], expected)


def test_targets_follow_the_critics_before_these_take_their_step() -> None:
    config = small(ACFQLConfig(preset="reference"), critic_target_update_weight=0.25)
    algorithm, sample = ACFQL(config, make_spec(), seed=0), sampler(5)
    algorithm.update(sample)  # now targets and critics differ
    critic, target = snapshot(algorithm.networks.critic), snapshot(algorithm.networks.target.critic)
    algorithm.update(sample)
    for name, value in algorithm.networks.target.critic.state_dict().items():
        torch.testing.assert_close(value, 0.75 * target[name] + 0.25 * critic[name])


def test_two_optimisers_equal_one_adam_over_everything() -> None:
    """The reference preset's update, by torch's Adam on all parameters at once."""
    config = small(ACFQLConfig(preset="reference"))
    ours, other = (ACFQL(config, make_spec(), seed=0) for _ in range(2))
    online = [p for name, p in other.networks.named_parameters() if not name.startswith("target.")]
    adam, target = torch.optim.Adam(online, lr=3e-4), other.networks.target
    generator = torch.Generator().manual_seed(3)
    for _ in range(3):
        batch = chunk_batch(generator, 5)
        ours.update(lambda: batch)  # noqa: B023
        encoded = other.encode(batch)
        loss, _ = total_loss(other.networks, encoded, other.draw_noise(encoded.chunk), config)
        with torch.no_grad():
            for slow, fast in zip(
                target.critic.parameters(), other.networks.critic.parameters(), strict=True
            ):
                slow.lerp_(fast, 0.005)
        adam.zero_grad()
        loss.backward()
        adam.step()
    for name, value in ours.networks.state_dict().items():
        torch.testing.assert_close(value, other.networks.state_dict()[name], rtol=1e-4, atol=1e-6)


def test_the_actor_can_be_updated_less_often() -> None:
    config = small(ACFQLConfig(), policy_update_freq=2)
    algorithm, sample = ACFQL(config, make_spec(), seed=0), sampler(10)
    flow, critic = snapshot(algorithm.networks.flow), snapshot(algorithm.networks.critic)
    algorithm.update(sample)
    assert equal(flow, snapshot(algorithm.networks.flow))
    assert not equal(critic, snapshot(algorithm.networks.critic))
    algorithm.update(sample)
    assert not equal(flow, snapshot(algorithm.networks.flow))


@pytest.mark.parametrize("utd_ratio", [1, 3])
def test_an_update_draws_a_batch_for_each_critic_step(utd_ratio: int) -> None:
    drawn = []
    algorithm, sample = ACFQL(small(ACFQLConfig(), utd_ratio=utd_ratio), make_spec()), sampler(10)
    algorithm.update(lambda: drawn.append(1) or sample())
    assert len(drawn) == utd_ratio


@pytest.mark.parametrize("shared", [True, False])
def test_each_encoder_sees_each_picture_once(shared: bool) -> None:
    config = small(ACFQLConfig(), utd_ratio=1, shared_encoder=shared)
    algorithm, seen = ACFQL(config, make_spec(pixels=True)), []
    for module in algorithm.networks.modules():
        if isinstance(module, torch.nn.Conv2d) and module.stride == (4, 4):
            module.register_forward_hook(lambda m, inputs, output: seen.append(m))
    algorithm.update(sampler(10, pixels=True))
    assert len(seen) == (2 if shared else 5)  # critic, target; else flow, and the actor in both observations


def test_the_flow_imitates_what_went_well() -> None:
    batch = chunk_batch(torch.Generator().manual_seed(0), 4)
    author = torch.arange(48).reshape(12, 4) % 3  # demonstrated, intervention, the policy: step by step
    success = torch.arange(12) == 2
    batch = replace(batch, is_demonstration=author == 0, is_intervention=author == 1, success=success)
    imitated = to_imitate(batch, ACFQLConfig())
    assert torch.equal(imitated, batch.valid * ((author < 2) | success.unsqueeze(-1)))
    assert torch.equal(to_imitate(batch, ACFQLConfig(preset="reference")), batch.valid)


@pytest.mark.parametrize("kind", ["acfql", "flow_bc"])
def test_resume_equals_never_having_stopped(kind: str, one_thread: object) -> None:
    def fresh() -> ACFQL | FlowCloning:
        config = small(ACFQLConfig(), chunk_size=3, num_subsample_critics=2)
        return (ACFQL if kind == "acfql" else FlowCloning)(config, make_spec(pixels=True), seed=4)

    sample, resumed_sample = sampler(3, pixels=True), sampler(3, pixels=True)
    whole, first = fresh(), fresh()
    for _ in range(3):
        whole.update(sample)
    for _ in range(2):
        first.update(resumed_sample)
    second = fresh()
    second.load_state_tensors(load(save(first.state_tensors())))
    second.update(resumed_sample)
    assert second.updates == 3
    assert equal(whole.state_tensors(), second.state_tensors())


def test_a_state_of_another_size_is_refused() -> None:
    state = ACFQL(small(ACFQLConfig()), make_spec()).state_tensors()
    other = ACFQL(small(ACFQLConfig(), actor_hidden_dims=(8,)), make_spec())
    with pytest.raises(StateError, match="another kind or size"):
        other.load_state_tensors(state)


def test_cloning_learns_the_experts_chunks() -> None:
    config = small(ACFQLConfig(), chunk_size=2, n_action_steps=2, actor_lr=3e-3, actor_hidden_dims=(64, 64))
    algorithm = FlowCloning(config, make_spec(), seed=0)
    batch = chunk_batch(torch.Generator().manual_seed(0), 2, size=256)
    everything = torch.ones(256, 2, dtype=torch.bool)
    motion = 0.8 * torch.sin(3 * batch.observation["observation.state"])
    action = torch.cat([motion, 1 + motion[:, :1]], dim=-1).unsqueeze(1).expand(-1, 2, -1)
    batch = replace(batch, action=action, is_demonstration=everything, valid=torch.ones(256, 2))
    for _ in range(500):
        algorithm.update(lambda: batch)
    planned = algorithm.policy.plan(batch.observation, deterministic=True)
    assert (planned - action).abs().mean() < 0.12


@pytest.mark.parametrize("kind", ["acfql", "flow_bc"])
@pytest.mark.parametrize("pixels", [False, True])
def test_is_made_by_name_and_its_policy_rebuilt(kind: str, pixels: bool) -> None:
    kind = "hilt.algorithms.bc.flow_bc:FlowCloning" if kind == "flow_bc" else kind
    keys = {"type": kind, "chunk_size": 3, "n_action_steps": 2, "actor_network_kwargs": {"hidden_dims": [8]}}
    algorithm = make_algorithm(ACFQLConfig.model_validate(keys), make_spec(pixels=pixels), seed=1)
    policy = policy_from_config(algorithm.policy.config)
    policy.load_state_dict(algorithm.policy.state_dict())
    observation = sampler(3, pixels=pixels)().observation
    torch.testing.assert_close(
        policy.act(observation, deterministic=True), algorithm.policy.act(observation, deterministic=True)
    )
    assert (CAMERA in observation) == pixels
