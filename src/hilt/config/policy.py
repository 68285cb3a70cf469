"""`policy`: SAC, ACFQL, the reward classifier, or a saved policy whose folder says what it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, SerializeAsAny, Tag, model_validator

from hilt.config.classifier import ClassifierConfig
from hilt.config.fields import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Refused,
    Section,
    invalid,
)
from hilt.config.learning import (
    ActorNetworkKwargs,
    DeviceName,
    HeadKwargs,
    LearningPolicy,
    NetworkKwargs,
)
from hilt.config.user_algorithm import is_users, users_policy

SAC_REFERENCE: dict[str, Any] = {
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

ACFQL_REFERENCE: dict[str, Any] = {
    "num_critics": 2,
    "critic_target_update_weight": 0.005,
    "activation": "gelu_tanh",
    "alpha": 100.0,
    "chunk_size": 5,
    "n_action_steps": 5,
    "flow_steps": 10,
    "integrator": "euler",
    "q_agg": "mean",
    "keep_terminal_chunks": False,
    "flow_data": "all",
    "clip_targets": False,
    "n_step": 1,
    "grad_clip_norm": None,
    "offline_alpha": None,
    "policy_average_weight": None,
    "shared_encoder": False,
    "critic_network_kwargs": {"hidden_dims": [512, 512, 512, 512]},
    "actor_network_kwargs": {"hidden_dims": [512, 512, 512, 512]},
}
"""Where the published QC-FQL differs from hilt's defaults."""


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

    type: Literal["sac"] = "sac"
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
    def has_discrete_gripper(self) -> bool:
        return self.num_discrete_actions is not None

    @property
    def has_soft_targets(self) -> bool:
        return self.use_backup_entropy

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        return with_preset(data, SAC_REFERENCE)


class ACFQLConfig(LearningPolicy):
    """Flow Q-learning on chunks of actions."""

    type: Literal["acfql"] = "acfql"
    chunk_size: PositiveInt = 10
    """Actions that the policy plans at once."""
    n_action_steps: PositiveInt = 10
    """How many of them are executed before it plans again."""
    discount: Fraction = 0.99
    """gamma, per control step."""
    n_step: PositiveInt = 1
    """Steps of reward in a target of single actions (chunk_size 1); a chunk has those of its length."""
    utd_ratio: PositiveInt = 1
    """Critic updates per optimisation step."""
    policy_average_weight: Annotated[float, Field(gt=0, le=1)] | None = 0.01
    """Let a running average of the policy act: the newest weights' share in it, per update; null: none."""
    offline_steps: NonNegativeInt = 0
    """Optimisation steps on the demonstrations after these, before the actors begin."""
    only_successful_online_step_before_learning: bool = False
    """Only transitions of successful episodes count for `online_step_before_learning`."""
    alpha: NonNegativeFloat = 10.0
    """Weight of the distillation of the flow into the one-step policy."""
    offline_alpha: NonNegativeFloat | None = 100.0
    """That weight in the `offline_steps`, where critics have seen demonstrations alone; null: the same."""
    flow_steps: PositiveInt = 3
    """Steps of the integrator."""
    integrator: Literal["euler", "midpoint"] = "midpoint"
    """How the flow is integrated."""
    normalize_q_loss: Literal[True, "q_vals", "q_vals_plus_eps", "q_preds", "q_preds_plus_eps"] | None = None
    """Divide the Q loss of the actor by the mean size of Q."""
    q_agg: Literal["mean", "min", "mean_minus_std"] = "mean_minus_std"
    """How the ensemble's values become one target: mean, the least, or mean - pessimism * std."""
    actor_type: Literal["distilled", "best_of_n"] = "distilled"
    """Act by the distilled one-step policy, or by the best of n samples of the flow."""
    num_samples: PositiveInt = 8
    """Samples from which the critics choose when acting; not said: 32 with best_of_n, 1 with reference."""
    keep_terminal_chunks: bool = True
    """Train on chunks that reach beyond the end of an episode, padded."""
    flow_data: Literal["all", "successful"] = "successful"
    """The flow imitates everything, or demonstrations, interventions and successful episodes."""
    critic_network_kwargs: NetworkKwargs = NetworkKwargs()
    actor_network_kwargs: ActorNetworkKwargs = ActorNetworkKwargs()
    policy_kwargs: HeadKwargs = HeadKwargs(init_final=None)

    @property
    def sample_chunk(self) -> int:
        return self.chunk_size

    @property
    def offline_updates(self) -> int:
        return self.offline_steps

    @property
    def warms_up_by_successes(self) -> bool:
        return self.only_successful_online_step_before_learning

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        return with_preset(data, ACFQL_REFERENCE)

    @model_validator(mode="after")
    def _infer(self) -> ACFQLConfig:
        self.infer("n_action_steps", self.chunk_size)
        if self.actor_type == "best_of_n":
            self.infer("num_samples", 32)
        elif self.preset == "reference":
            self.infer("num_samples", 1)
        if self.n_step > 1 and self.chunk_size > 1:
            raise invalid("must be 1 with chunks of more than one action", "n_step")
        if self.n_action_steps > self.chunk_size:
            raise invalid(f"must not be above chunk_size, {self.chunk_size}", "n_action_steps")
        return self


class HGDAggerConfig(LearningPolicy):
    """HG-DAgger (Kelly et al., 2019): imitation of demonstrations and of every correction, nothing else."""

    type: Literal["hg_dagger"] = "hg_dagger"
    actor: Literal["gaussian", "flow"] = "gaussian"
    """The policy: SAC's network, which acts by its mean, or ACFQL's flow, which plans chunks of actions."""
    pretrain_updates: NonNegativeInt = 1000
    """Optimisation steps on the demonstrations before the first action."""
    bc_loss: Literal["squared_error", "log_likelihood"] = "squared_error"
    """What a Gaussian minimises."""
    num_discrete_actions: Literal[3] | None = None
    """3: a Gaussian commands the gripper by a choice (close, stay, open); null: it is a continuous action."""
    chunk_size: PositiveInt = 10
    """Actions that a flow plans at once."""
    n_action_steps: PositiveInt = 10
    """How many of them are executed before it plans again."""
    flow_steps: PositiveInt = 3
    """Steps of the integrator."""
    integrator: Literal["euler", "midpoint"] = "midpoint"
    """How the flow is integrated."""
    actor_network_kwargs: ActorNetworkKwargs = ActorNetworkKwargs()
    policy_kwargs: SACHead = SACHead(init_std=0.01)

    @property
    def sample_chunk(self) -> int | None:
        return self.chunk_size if self.actor == "flow" else None

    @property
    def samples_online(self) -> bool:
        return False

    @property
    def has_discrete_gripper(self) -> bool:
        return self.num_discrete_actions is not None

    @model_validator(mode="after")
    def _infer(self) -> HGDAggerConfig:
        self.infer("n_action_steps", self.chunk_size)
        if self.n_action_steps > self.chunk_size:
            raise invalid(f"must not be above chunk_size, {self.chunk_size}", "n_action_steps")
        if self.actor == "flow" and self.num_discrete_actions is not None:
            raise invalid("a flow's gripper is a continuous action", "num_discrete_actions")
        return self


class PretrainedConfig(Section):
    """A saved policy: everything but where it is stands in its folder."""

    type: Literal["pretrained"] = "pretrained"
    pretrained_path: str
    """Folder of a saved policy, or its hub id."""
    device: DeviceName | None = None
    """As for the other policies."""


POLICY_TYPES: dict[
    str, type[SACConfig | ACFQLConfig | HGDAggerConfig | ClassifierConfig | PretrainedConfig]
] = {
    "sac": SACConfig,
    "acfql": ACFQLConfig,
    "hg_dagger": HGDAggerConfig,
    "reward_classifier": ClassifierConfig,
    "pretrained": PretrainedConfig,
}


def _tag(data: Any) -> str | None:
    """Which member of the union a `policy` section is."""
    kind = data.get("type") if isinstance(data, dict) else getattr(data, "type", None)
    return USERS if is_users(kind) else kind


USERS = "package.module:Class"
PolicyConfig = Annotated[
    Annotated[SACConfig, Tag("sac")]
    | Annotated[ACFQLConfig, Tag("acfql")]
    | Annotated[HGDAggerConfig, Tag("hg_dagger")]
    | Annotated[ClassifierConfig, Tag("reward_classifier")]
    | Annotated[PretrainedConfig, Tag("pretrained")]
    | Annotated[SerializeAsAny[LearningPolicy], BeforeValidator(users_policy), Tag(USERS)],
    Discriminator(_tag),
]


def with_preset(data: Any, reference: dict[str, Any]) -> Any:
    """`data` over the defaults of the preset that it names: what the user says always wins."""
    if not isinstance(data, dict) or data.get("preset") != "reference":
        return data
    return _over(data, reference)


def _over(data: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **data}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(data.get(key), dict):
            merged[key] = _over(data[key], default)
    return merged
