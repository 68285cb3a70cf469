"""The settings of HG-DAgger."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from hilt.algorithms.sac.config import SACHead
from hilt.config.fields import NonNegativeInt, PositiveInt, invalid
from hilt.config.learning import ActorNetworkKwargs, LearningPolicy


class HGDAggerConfig(LearningPolicy):
    """HG-DAgger (Kelly et al., 2019): imitation of demonstrations and of every correction, nothing else."""

    type: str = "hg_dagger"
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
    def chunk_length(self) -> int | None:
        return self.chunk_size if self.actor == "flow" else None

    @property
    def samples_online(self) -> bool:
        return False

    @property
    def discrete_gripper(self) -> bool:
        return self.num_discrete_actions is not None

    @model_validator(mode="after")
    def _infer(self) -> HGDAggerConfig:
        self.infer("n_action_steps", self.chunk_size)
        if self.n_action_steps > self.chunk_size:
            raise invalid(f"must not be above chunk_size, {self.chunk_size}", "n_action_steps")
        if self.actor == "flow" and self.num_discrete_actions is not None:
            raise invalid("a flow's gripper is a continuous action", "num_discrete_actions")
        return self
