"""The settings of ACFQL. Every improvement over the reference can be switched off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hilt.config.fields import Fraction, NonNegativeFloat, NonNegativeInt, PositiveInt, invalid
from hilt.config.learning import ActorNetworkKwargs, HeadKwargs, LearningPolicy, NetworkKwargs

QNormalization = Literal[True, "q_vals", "q_vals_plus_eps", "q_preds", "q_preds_plus_eps"]


class ACFQLConfig(LearningPolicy):
    """Flow Q-learning on chunks of actions."""

    reference: ClassVar[Mapping[str, Any]] = {
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

    type: str = "acfql"
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
    normalize_q_loss: QNormalization | None = None
    """Divide the Q loss of the actor by the mean size of Q."""
    q_agg: Literal["mean", "min", "mean_minus_std"] = "mean_minus_std"
    """How the ensemble's values become one target: mean, the least, or mean - pessimism * std."""
    actor_type: Literal["distilled", "best_of_n"] = "distilled"
    """Act by the distilled one-step policy, or by the best of n samples of the flow."""
    num_samples: PositiveInt = 8
    """Samples from which the critics choose when acting; not said: 32 with best_of_n, 1 with reference."""
    keep_terminal_chunks: bool = True
    """Train on chunks that reach beyond the end of an episode, padded."""
    flow_data: Literal["all", "successful", "better"] = "successful"
    """The flow imitates everything; demonstrations, interventions and successful episodes; or of these, once
    the policy acts, what the critics value above the policy's own chunk: it leaves a slow teacher behind."""
    critic_network_kwargs: NetworkKwargs = NetworkKwargs()
    actor_network_kwargs: ActorNetworkKwargs = ActorNetworkKwargs()
    policy_kwargs: HeadKwargs = HeadKwargs(init_final=None)

    @property
    def chunk_length(self) -> int:
        return self.chunk_size

    @property
    def offline_updates(self) -> int:
        return self.pretrain_updates + self.offline_steps

    @property
    def warms_up_by_success(self) -> bool:
        return self.only_successful_online_step_before_learning

    def without_demonstrations(self) -> Self:
        return self.model_copy(update={"pretrain_updates": 0, "offline_steps": 0})

    @model_validator(mode="after")
    def _infer(self) -> ACFQLConfig:
        self.infer("n_action_steps", self.chunk_size)
        if self.actor_type == "best_of_n":
            self.infer("num_samples", 32)
        elif self.preset == "reference":
            self.infer("num_samples", 1)
        if self.flow_data == "better" and self.actor_type == "best_of_n":
            raise invalid("better than the one-step policy, which best_of_n lacks", "flow_data")
        if self.n_step > 1 and self.chunk_size > 1:
            raise invalid("must be 1 with chunks of more than one action", "n_step")
        if self.n_action_steps > self.chunk_size:
            raise invalid(f"must not be above chunk_size, {self.chunk_size}", "n_action_steps")
        return self
