"""The settings of SAC. Every improvement over the reference can be switched off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from hilt.config.fields import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Refused
from hilt.config.learning import ActorNetworkKwargs, HeadKwargs, LearningPolicy, NetworkKwargs


class SACHead(HeadKwargs):
    use_tanh_squash: Annotated[bool, Refused("hilt's Gaussian is squashed by tanh", (True,))] = True
    """Squash the Gaussian."""
    std_min: PositiveFloat = 1e-5
    """Smallest standard deviation."""
    std_max: PositiveFloat = 5.0
    """Largest standard deviation."""
    init_std: PositiveFloat = 0.3
    """Standard deviation before training."""


class SACConfig(LearningPolicy):
    """SAC as HIL-SERL uses it, with demonstrations and interventions in every batch."""

    reference: ClassVar[Mapping[str, Any]] = {
        "num_critics": 2,
        "critic_target_reduction": "min",
        "critic_target_update_weight": 0.005,
        "clip_targets": False,
        "n_step": 1,
        "bc_weight": 0.0,
        "bc_fade_updates": None,
        "pretrain_updates": 0,
        "critic_warmup_updates": 0,
        "image_size_encoder": 128,
        "latent_dim": 256,
        "state_encoder_hidden_dim": 64,
        "activation": "tanh",
        "actor_network_kwargs": {"layer_norm": True},
        "policy_kwargs": {"init_std": 1.0},
    }
    """Where the published SAC of HIL-SERL differs from hilt's defaults."""

    type: str = "sac"
    shared_encoder: Annotated[
        bool, Refused("SAC's actor sees the critics' encoding; acfql can do without sharing", (True,))
    ] = True
    """One image encoder for actor and critics."""
    temperature_init: PositiveFloat = 0.01
    """Initial temperature."""
    temperature_lr: PositiveFloat = 3e-4
    """Learning rate of the temperature."""
    target_entropy: float | None = None
    """Entropy that the temperature aims at; null: minus half the size of the action."""
    use_backup_entropy: bool = False
    """Entropy in the critics' targets."""
    num_discrete_actions: Literal[3] | None = None
    """3: a discrete critic commands the gripper (close, stay, open); null: it is a continuous action."""
    critic_target_reduction: Literal["min", "mean_minus_std"] = "mean_minus_std"
    """How the ensemble's values become one target: the least, or mean - pessimism * std."""
    imitation: Literal["weighted", "lagrangian"] = "weighted"
    """How demonstrations and interventions hold the actor: by `bc_weight`, or by a multiplier of its own for
    each state, times `bc_weight`, that grows while the policy is further from the person than the person's
    own spread there allows (SiLRI); `bc_filter` and `bc_loss` then change nothing once the policy acts."""
    imitation_tolerance: PositiveFloat = 1.0
    """With lagrangian: standard deviations of the person's actions that the policy may be away."""
    multiplier_lr: PositiveFloat = 3e-4
    """With lagrangian: learning rate of the multipliers."""
    bc_weight: NonNegativeFloat = 1.0
    """Weight of imitating demonstrations and interventions in the actor's loss."""
    bc_fade_updates: PositiveInt | None = 4000
    """Optimisation steps over which that weight fades to 0; null: it stays."""
    pretrain_updates: NonNegativeInt = 1000
    """Optimisation steps of imitation before the first action."""
    bc_filter: bool = True
    """Imitate only where the critics value the human's action above the policy's."""
    bc_loss: Literal["squared_error", "log_likelihood"] = "squared_error"
    """What imitation minimises."""
    bc_trains_encoder: bool = False
    """Imitation trains the encoder, too, together with the critics; else only before the first action."""
    deterministic_policy: bool = True
    """In tests and evaluation the likeliest action; false: one drawn as in training, the same every time."""
    critic_warmup_updates: NonNegativeInt = 100
    """Optimisation steps after these in which the critics learn alone."""
    critic_network_kwargs: NetworkKwargs = NetworkKwargs()
    actor_network_kwargs: ActorNetworkKwargs = ActorNetworkKwargs()
    discrete_critic_network_kwargs: NetworkKwargs = NetworkKwargs()
    policy_kwargs: SACHead = SACHead()

    @property
    def discrete_gripper(self) -> bool:
        return self.num_discrete_actions is not None

    @property
    def bounded_targets(self) -> bool:
        return self.clip_targets and not self.use_backup_entropy
