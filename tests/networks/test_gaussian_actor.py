from __future__ import annotations

import torch
from torch.distributions import Independent, Normal, TanhTransform, TransformedDistribution

from hilt.networks.actor import GaussianActor
from hilt.networks.distributions import SquashedGaussian


def gaussian(scale: float = 1.0) -> tuple[SquashedGaussian, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mean, log_std, noise = torch.randn(3, 64, 3, dtype=torch.float64, generator=generator).clamp(-1.5, 1.5)
    return SquashedGaussian(scale * mean, log_std), noise


def test_density_is_that_of_torch_distributions() -> None:
    distribution, noise = gaussian()
    action, log_prob = distribution.sample_with_log_prob(noise)
    normal = Independent(Normal(distribution.mean, distribution.log_std.exp()), 1)
    expected = TransformedDistribution(normal, TanhTransform(cache_size=1)).log_prob(action)
    torch.testing.assert_close(log_prob, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(action, distribution.sample(noise))


def test_density_of_a_given_action_is_that_of_the_sample() -> None:
    distribution, noise = gaussian()
    action, log_prob = distribution.sample_with_log_prob(noise)
    inside = action.abs().amax(-1) < 0.99
    torch.testing.assert_close(distribution.log_prob(action)[inside], log_prob[inside], rtol=1e-6, atol=1e-6)


def test_density_stays_finite_at_the_bounds() -> None:
    distribution, noise = gaussian(scale=50)
    action, log_prob = distribution.sample_with_log_prob(noise)
    assert action.abs().max() == 1
    assert torch.isfinite(log_prob).all()
    assert torch.isfinite(distribution.log_prob(action)).all()


def test_actor_starts_centred_and_keeps_its_std_within_bounds() -> None:
    actor = GaussianActor(
        4, 2, (32,), activation="relu", norm="none", std_range=(0.01, 2.0), init_std=0.3, init_final=0.0
    )
    distribution = actor(torch.randn(5, 4))
    assert distribution.mode.abs().max() == 0
    torch.testing.assert_close(distribution.log_std.exp(), torch.full((5, 2), 0.3))
    torch.nn.init.normal_(actor.head.bias, std=100)
    std = actor(torch.randn(5, 4)).log_std.exp()
    assert std.min() >= 0.0099
    assert std.max() <= 2.01
