"""From a configuration to the parts of a learner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hilt.algorithms.base import Algorithm, Sampler
from hilt.algorithms.registry import make_algorithm, saved_keys
from hilt.algorithms.spec import PolicySpec
from hilt.build.models import model_folder
from hilt.config.errors import ConfigError
from hilt.config.learning import LearningPolicy
from hilt.config.run import RunConfig
from hilt.data.batch import Batch
from hilt.data.env_spec import EnvSpec
from hilt.data.replay_buffer import ReplayBuffer
from hilt.data.sampling import MixedSampler
from hilt.networks.pretrained import PretrainedEncoder
from hilt.rewards.model import ClassifierSpec, load_classifier
from hilt.training.replay_memory import Memory
from hilt.training.statistics import modes, statistics
from hilt.training.value_bounds import target_range
from hilt.training.vision import frozen_features


def learning_policy(config: RunConfig) -> LearningPolicy:
    """The `policy` section, which must be one that learns by interaction. Raises ConfigError."""
    if not isinstance(config.policy, LearningPolicy):
        raise ConfigError("policy.type", "must be one that learns by interaction, such as sac")
    return config.policy


@dataclass(frozen=True, slots=True)
class Batches:
    """Where updates get their batches, and the generator that chooses them."""

    draw: Sampler
    generator: np.random.Generator

    def state(self) -> dict[str, Any]:
        """From which the generator goes on after a resume."""
        return dict(self.generator.bit_generator.state)


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes what the configuration describes, for the environment `env`."""

    config: RunConfig
    env: EnvSpec
    device: str
    backbone: PretrainedEncoder | None = None
    """Pretrained encoder of pictures; its features are stored in place of frames when it is frozen."""

    def memory(self, run: Path) -> Memory:
        """Log and buffers below `run`, empty."""
        policy = learning_policy(self.config)
        return Memory(
            run / "replay",
            self.env.schema,
            online_capacity=policy.online_buffer_capacity,
            demonstration_capacity=policy.offline_buffer_capacity,
            transform=frozen_features(self.backbone, self.env.schema, self.device),
            penalty_in_reward=self.config.env.processor.gripper.gripper_penalty_in_reward,
            step_cost=self.config.env.step_cost,
            ahead=max(policy.chunk_length or 1, policy.n_step) - 1,
        )

    def algorithm(self, memory: Memory, saved: Mapping[str, Any] | None) -> Algorithm:
        """Untrained. Normalised as the policy whose configuration is `saved`, else by the configuration's
        statistics, else by those of the demonstrations."""
        policy = self.policy(memory, saved)
        return make_algorithm(
            policy,
            self.spec(memory.demonstrations) if saved is None else PolicySpec.from_json(saved),
            target_range=target_range(self.config.env, policy, self._classifier()),
            backbone=self.backbone,
            device=self.device,
            seed=self.config.seed,
        )

    def policy(self, memory: Memory, saved: Mapping[str, Any] | None) -> LearningPolicy:
        """The settings that the algorithm gets: without demonstrations nothing is learned before the first
        action; imitation goes on as in the run of the policy whose configuration is `saved`."""
        policy = learning_policy(self.config)
        if not len(memory.demonstrations):
            policy = policy.without_demonstrations()
        if saved is None:
            return policy
        return policy.model_copy(update={"pretrain_updates": saved_keys(saved).get("pretrain_updates", 0)})

    def _classifier(self) -> ClassifierSpec | None:
        """Of the reward classifier that judges in the environment, if one does."""
        folder = self.config.env.processor.reward_classifier.pretrained_path
        return None if folder is None else load_classifier(model_folder(folder)).spec

    def sampler(self, memory: Memory) -> MixedSampler:
        policy = learning_policy(self.config)
        return MixedSampler(
            memory.online,
            memory.demonstrations,
            self.config.batch_size,
            generator=np.random.default_rng(self.config.seed),
            online_ratio=self.config.online_ratio if policy.samples_online else 0.0,
            device=self.device,
        )

    def draw(self, sampler: MixedSampler) -> Sampler:
        """Batches as the algorithm wants them: n-step returns, or chunks."""
        policy = learning_policy(self.config)
        chunk, discount, n_step = policy.chunk_length, policy.discount, policy.n_step
        if chunk is None:
            return lambda: sampler.sample(discount, n_step)
        if chunk == 1:
            return lambda: _as_chunks(sampler.sample(discount, n_step))
        neutral = np.array(self.env.neutral_action, np.float32)
        return lambda: sampler.sample_chunks(discount, chunk, neutral)

    def spec(self, demonstrations: ReplayBuffer) -> PolicySpec:
        return PolicySpec(
            schema=self.env.schema,
            action_low=self.env.action_low,
            action_high=self.env.action_high,
            modes=modes(learning_policy(self.config).normalization_mapping, self.env.schema),
            statistics=statistics(self.config, self.env.schema, demonstrations),
        )


def _as_chunks(batch: Batch) -> Batch:
    """Single actions (B, A) as chunks of one, (B, 1, A), and who chose them."""
    return replace(
        batch,
        action=batch.action.unsqueeze(1),
        is_intervention=batch.is_intervention.unsqueeze(1),
        is_demonstration=batch.is_demonstration.unsqueeze(1),
    )
