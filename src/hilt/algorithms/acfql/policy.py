"""The policy of ACFQL and of flow behaviour cloning: it plans chunks of actions and executes them in turn."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from hilt.algorithms.acfql.config import ACFQLConfig
from hilt.algorithms.acfql.networks import ACFQLNetworks, choose_best, generate
from hilt.algorithms.base import Policy
from hilt.algorithms.spec import PolicySpec
from hilt.data.batch import ObservationBatch


class ChunkPolicy(Policy):
    """Holds those of the `networks` that acting needs, and the actions that are planned but not executed.

    Acting is always a draw: `num_samples` chunks from the noise, of which the critics choose the best. A
    deterministic act is one whose noise is the same each time: that of `generator`, if the caller keeps
    one and sets it back as an episode begins, else that of a generator made for each plan.
    """

    def __init__(self, config: ACFQLConfig, spec: PolicySpec, networks: ACFQLNetworks) -> None:
        super().__init__(config, spec, networks.generator_encoder.backbone)
        self.encoder, self.generator = networks.generator_encoder, networks.generator
        self.settings = config
        chooses = config.num_samples > 1
        self.critic = networks.critic if chooses else None
        own = chooses and not config.shared_encoder
        self.critic_encoder = networks.encoder("critic") if own else None
        self.scaling = spec.scaling(spec.schema.action_dim)
        self.chunk_shape = (config.chunk_size, spec.schema.action_dim)
        self._pending: deque[Tensor] = deque()

    @torch.inference_mode()
    def act(
        self,
        observation: ObservationBatch,
        *,
        deterministic: bool,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """For one observation (B = 1) the next action of its plan, which is made when there is none.

        For more than one, each row gets the first action of a plan of its own, and nothing is kept.
        """
        if len(next(iter(observation.values()))) > 1:
            return self.plan(observation, deterministic=deterministic, generator=generator)[:, 0]
        if not self._pending:
            chunk = self.plan(observation, deterministic=deterministic, generator=generator)
            self._pending.extend(chunk[:, : self.settings.n_action_steps].unbind(1))
        return self._pending.popleft()

    @torch.inference_mode()
    def plan(
        self,
        observation: ObservationBatch,
        *,
        deterministic: bool = False,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Chunks (B, h, A), float32, in environment units."""
        observation = self.encoder.embed(observation)
        features = self.encoder(observation)
        if generator is None and deterministic:
            generator = torch.Generator(features.device).manual_seed(0)
        size = (len(features), self.settings.num_samples, self.chunk_shape[0] * self.chunk_shape[1])
        noise = torch.randn(size, generator=generator, device=features.device)
        chunks = generate(self.generator, features, noise)
        if self.critic is None:
            chunk = chunks[:, 0]
        else:
            values = features if self.critic_encoder is None else self.critic_encoder(observation)
            chunk = choose_best(self.critic, values, chunks, self.settings)
        return self.scaling.to_env(chunk.view(-1, *self.chunk_shape))

    def reset(self) -> None:
        self._pending.clear()

    def interrupt(self) -> None:
        self._pending.clear()

    @property
    def is_mid_plan(self) -> bool:
        return len(self._pending) > 0
