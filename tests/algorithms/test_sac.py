from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from hilt.algorithms.base import StateError
from hilt.algorithms.policy_runner import PolicyRunner
from hilt.algorithms.registry import policy_from_config
from hilt.algorithms.sac.config import SACConfig
from hilt.algorithms.sac.sac import SAC
from hilt.data.batch import Batch
from tests.algorithms.toy import CAMERA, STATE, changed_fields, equal, make_batch, make_spec, small

PRESETS = {name: partial(SACConfig, preset=name) for name in ("reference", "hilt")}


def sampler(*, pixels: bool = False) -> Callable[[], Batch]:
    generator, spec = torch.Generator().manual_seed(3), make_spec(pixels=pixels)
    return lambda: make_batch(spec, generator)


def snapshot(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture
def one_thread() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("pixels", [False, True])
def test_resume_equals_never_having_stopped(preset: str, pixels: bool) -> None:
    config = small(
        PRESETS[preset](),
        num_discrete_actions=3,
        pretrain_updates=2,
        critic_warmup_updates=1,
        policy_average_weight=0.1,
    )
    spec = make_spec(pixels=pixels)

    straight, sample = SAC(config, spec, seed=5), sampler(pixels=pixels)
    for _ in range(8):
        straight.update(sample)

    first, sample = SAC(config, spec, seed=5), sampler(pixels=pixels)
    for _ in range(4):
        first.update(sample)
    saved = save(first.state_tensors())
    second = SAC(config, spec, seed=99)
    second.load_state_tensors(load(saved))
    for _ in range(4):
        second.update(sample)
    assert equal(straight.state_tensors(), second.state_tensors())


def test_state_of_another_size_is_refused() -> None:
    state = SAC(small(SACConfig(preset="reference")), make_spec()).state_tensors()
    other = SAC(small(SACConfig(preset="reference"), num_critics=3), make_spec())
    with pytest.raises(StateError, match="another kind or size"):
        other.load_state_tensors(state)
    with pytest.raises(StateError):
        other.load_state_tensors({})


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    algorithm = SAC(small(SACConfig()), make_spec())
    algorithm.update(sampler())
    assert torch.equal(torch.rand(3), expected)


def test_penalty_counts_in_every_update_at_utd_1() -> None:
    config = small(SACConfig(preset="reference"), num_discrete_actions=3, utd_ratio=1)
    with_penalty, without = (SAC(config, make_spec(), seed=1) for _ in range(2))
    batch = sampler()()
    with_penalty.update(lambda: batch)
    without.update(lambda: changed_fields(batch, discrete_penalty=torch.zeros(12)))
    critics = [algorithm.policy.discrete_critic for algorithm in (with_penalty, without)]
    assert critics[0] is not None
    assert critics[1] is not None
    assert not equal(dict(critics[0].state_dict()), dict(critics[1].state_dict()))


def test_penalty_is_not_the_continuous_critics_business() -> None:
    config = small(SACConfig(preset="reference"), utd_ratio=1)
    first, second = (SAC(config, make_spec(), seed=1) for _ in range(2))
    batch = sampler()()
    first.update(lambda: batch)
    second.update(lambda: changed_fields(batch, discrete_penalty=torch.zeros(12)))
    assert equal(first.state_tensors(), second.state_tensors())


@pytest.mark.parametrize("utd_ratio", [1, 3])
def test_draws_utd_ratio_batches(utd_ratio: int) -> None:
    drawn, sample = [], sampler()
    SAC(small(SACConfig(preset="reference"), utd_ratio=utd_ratio), make_spec()).update(
        lambda: drawn.append(sample()) or drawn[-1]  # type: ignore[func-returns-value]
    )
    assert len(drawn) == utd_ratio


def test_each_parameter_is_in_exactly_one_optimizer() -> None:
    algorithm = SAC(small(SACConfig(), num_discrete_actions=3), make_spec(pixels=True))
    owned = [id(p) for optimizer in algorithm.optimizers.values() for p in optimizer.parameters]
    target = {id(p) for p in algorithm.networks.target.parameters()}
    learned = [id(p) for p in algorithm.networks.parameters() if id(p) not in target]
    assert sorted(owned) == sorted(learned)


def test_warm_up_leaves_the_actor_alone() -> None:
    algorithm = SAC(small(SACConfig(preset="reference"), critic_warmup_updates=2), make_spec())
    actor, critic = snapshot(algorithm.policy.actor), snapshot(algorithm.networks.critic)
    for _ in range(2):
        algorithm.update(sampler())
    assert equal(actor, snapshot(algorithm.policy.actor))
    assert not equal(critic, snapshot(algorithm.networks.critic))
    algorithm.update(sampler())
    assert not equal(actor, snapshot(algorithm.policy.actor))


def test_target_follows_the_encoder_too() -> None:
    config = small(SACConfig(preset="reference"), critic_target_update_weight=0.25, utd_ratio=1)
    algorithm = SAC(config, make_spec(pixels=True))
    networks = algorithm.networks
    before = [p.clone() for p in networks.target.encoder.parameters()]
    algorithm.update(sampler(pixels=True))
    pairs = zip(before, networks.policy.encoder.parameters(), strict=True)
    for expected, actual in zip(
        [0.75 * old + 0.25 * online for old, online in pairs],
        networks.target.encoder.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(actual, expected)


def test_the_average_of_the_policy_acts_and_begins_as_what_imitation_learned() -> None:
    config = small(SACConfig(), pretrain_updates=2, critic_warmup_updates=0, policy_average_weight=0.25)
    algorithm, sample = SAC(config, make_spec()), sampler()
    for _ in range(2):
        algorithm.update(sample)
    learned = snapshot(algorithm.networks.policy)
    assert equal(learned, snapshot(algorithm.policy))
    algorithm.update(sample)
    newest = snapshot(algorithm.networks.policy)
    assert not equal(learned, newest)
    for name, value in snapshot(algorithm.policy).items():
        torch.testing.assert_close(value, 0.75 * learned[name] + 0.25 * newest[name])


def test_each_picture_is_encoded_once_per_critic_update() -> None:
    algorithm = SAC(small(SACConfig(), num_discrete_actions=3, pretrain_updates=0), make_spec(pixels=True))
    calls = {"online": 0, "target": 0}

    def count(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            calls[name] += 1

        return hook

    algorithm.policy.encoder.cameras[0].register_forward_hook(count("online"))
    algorithm.networks.target.encoder.cameras[0].register_forward_hook(count("target"))
    algorithm.update(sampler(pixels=True))
    assert calls == {"online": algorithm.settings.utd_ratio, "target": algorithm.settings.utd_ratio}


@pytest.mark.parametrize(("pretraining", "asked"), [(False, False), (True, False), (False, True)])
def test_imitation_trains_the_encoder_in_pretraining_and_where_it_is_asked_to(
    pretraining: bool, asked: bool
) -> None:
    """With a critic that learns nothing, the encoder moves only when the actor's imitation moves it."""
    config = small(
        SACConfig(preset="reference"),
        pretrain_updates=int(pretraining),
        utd_ratio=1,
        bc_weight=1.0,
        bc_filter=False,
        bc_trains_encoder=asked,
    )
    algorithm = SAC(config, make_spec())
    torch.nn.init.zeros_(algorithm.networks.critic[0].weight)  # type: ignore[arg-type]
    before = snapshot(algorithm.policy.encoder)
    algorithm.update(sampler())
    assert equal(before, snapshot(algorithm.policy.encoder)) != (pretraining or asked)


def test_a_policy_that_draws_without_exploration_repeats_itself_in_the_same_episode() -> None:
    policy = SAC(small(SACConfig(), deterministic_policy=False), make_spec()).policy
    runner = PolicyRunner(policy)

    def episode(seed: int = 0) -> list[float]:
        runner.reset(seed)
        return [float(runner({STATE: np.zeros(3, np.float32)})[0]) for _ in range(5)]

    actions = episode()
    assert actions == episode()
    assert len(set(actions)) == 5
    assert not set(actions) & set(episode(seed=1))


@pytest.mark.parametrize("discrete", [None, 3])
def test_actions_are_in_environment_units(discrete: int | None) -> None:
    spec = make_spec()
    policy = SAC(small(SACConfig(), num_discrete_actions=discrete), spec).policy
    observation = {STATE: 100 * torch.randn(256, 3)}
    torch.nn.init.normal_(policy.actor.head.bias, std=5)
    action = policy.act(observation, deterministic=False, generator=torch.Generator().manual_seed(0))
    assert action.shape == (256, 4)
    assert action.dtype == torch.float32
    assert (action >= torch.tensor(spec.action_low)).all()
    assert (action <= torch.tensor(spec.action_high)).all()
    assert action[:, 3].max() > 1
    if discrete:
        assert set(action[:, 3].tolist()) <= {0.0, 1.0, 2.0}


def test_executed_actions_come_back_as_the_actor_gave_them() -> None:
    policy = SAC(small(SACConfig(), num_discrete_actions=3), make_spec()).policy
    unit, gripper = policy.split(torch.tensor([[-1.0, 0.25, 1.0, 2.0]]))
    assert unit.tolist() == [[-1.0, 0.25, 1.0]]
    assert gripper is not None
    assert gripper.tolist() == [2]


def test_deterministic_action_needs_no_noise_and_stochastic_only_the_generators() -> None:
    policy = SAC(small(SACConfig()), make_spec()).policy
    observation = {STATE: torch.randn(5, 3)}
    first = policy.act(observation, deterministic=True)
    assert torch.equal(first, policy.act(observation, deterministic=True))

    def draw(seed: int) -> Tensor:
        return policy.act(observation, deterministic=False, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("discrete", [None, 3])
def test_policy_is_rebuilt_from_its_config_and_tensors(pixels: bool, discrete: int | None) -> None:
    spec = make_spec(pixels=pixels)
    policy = SAC(small(SACConfig(), num_discrete_actions=discrete), spec).policy
    rebuilt = policy_from_config(policy.config)
    rebuilt.load_state_dict(load(save(policy.state_dict())))
    observation = make_batch(spec, torch.Generator().manual_seed(0)).observation
    assert (CAMERA in observation) == pixels
    assert torch.equal(
        rebuilt.act(observation, deterministic=True), policy.act(observation, deterministic=True)
    )
    assert rebuilt.config == policy.config


def test_frozen_names_are_those_that_training_leaves_alone() -> None:
    algorithm = SAC(small(SACConfig(preset="reference")), make_spec(pixels=True))
    before = snapshot(algorithm.policy)
    algorithm.update(sampler(pixels=True))
    after = algorithm.policy.state_dict()
    unchanged = {name for name in after if torch.equal(after[name], before[name])}
    assert algorithm.policy.frozen == unchanged


def test_metrics_carry_the_fields_names_and_no_graph() -> None:
    algorithm = SAC(
        small(SACConfig(), num_discrete_actions=3, pretrain_updates=1, critic_warmup_updates=0),
        make_spec(),
    )
    pretraining, training = algorithm.update(sampler()), algorithm.update(sampler())
    assert {"loss_bc", "actor_grad_norm"} <= pretraining.keys()
    assert {
        "loss_critic", "loss_discrete_critic", "loss_actor", "temperature", "temperature_grad_norm",
        "critic_grad_norm", "actor_grad_norm", "entropy",
    } <= training.keys()  # fmt: skip
    assert all(value.ndim == 0 and not value.requires_grad for value in training.values())


def test_improves_a_policy_from_reward_alone() -> None:
    """One step, reward -(a - target)^2 for a target that depends on the state: the signs are right."""
    spec = make_spec(action_dim=2)
    config = small(
        SACConfig(preset="reference"), critic_lr=3e-3, actor_lr=3e-3, temperature_lr=3e-3, activation="relu",
        critic_hidden_dims=(32, 32), actor_hidden_dims=(32, 32),
    )  # fmt: skip
    algorithm, generator = SAC(config, spec, seed=0), torch.Generator().manual_seed(0)

    def best(state: Tensor) -> Tensor:
        return torch.stack([state[:, 0] - 0.5, 1 + (state[:, 1] - 0.5)], dim=-1)

    def sample() -> Batch:
        batch = make_batch(spec, generator, 64)
        error = (batch.action - best(batch.observation[STATE])).square().sum(-1)
        return changed_fields(batch, reward=-error, bootstrap=torch.zeros(64))

    for _ in range(300):
        algorithm.update(sample)
    state = torch.rand(200, 3, generator=generator)
    action = algorithm.policy.act({STATE: state}, deterministic=True)
    assert (action - best(state)).square().sum(-1).mean() < 0.02
