"""The settings of ACFQL. Every improvement over the reference can be switched off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from hilt.networks.encoders import EncoderConfig
from hilt.networks.flow import Integrator
from hilt.networks.mlp import Activation, Norm

ActorType = Literal["distilled", "best_of_n"]
Aggregation = Literal["mean", "min", "mean_minus_std"]
QNormalization = Literal[True, "q_vals", "q_vals_plus_eps", "q_preds", "q_preds_plus_eps"]


@dataclass(frozen=True, slots=True)
class ACFQLConfig:
    """Names are those of the configuration keys where there is one; the defaults are hilt's preset."""

    encoder: EncoderConfig = field(default_factory=lambda: EncoderConfig(state_encoder_hidden_dim=0))
    shared_encoder: bool = True
    """One encoder, trained by the critics and the flow; False: one each for critics, flow and actor."""

    # chunks
    chunk_size: int = 10
    """h: actions that are planned at once."""
    n_action_steps: int = 10
    """How many of them are executed before the next plan."""
    keep_terminal_chunks: bool = True
    """Train the critics on chunks that reach beyond the end of an episode, over the steps that happened."""

    # networks
    critic_hidden_dims: tuple[int, ...] = (256, 256)
    actor_hidden_dims: tuple[int, ...] = (256, 256)
    activation: Activation = "relu"
    critic_norm: Norm = "after_activation"
    actor_norm: Norm = "none"
    init_final: float | None = None
    """The actors' last layers start within +- this; None: like the other layers."""

    # flow and policy
    flow_steps: int = 3
    integrator: Integrator = "midpoint"
    flow_data: Literal["all", "successful"] = "successful"
    """The flow imitates everything, or demonstrations, interventions and successful episodes."""
    actor_type: ActorType = "distilled"
    num_samples: int = 8
    """Samples from which the critics choose when acting and, with `best_of_n`, in targets."""
    alpha: float = 10.0
    """Weight of the distillation of the flow into the one-step actor."""
    normalize_q_loss: QNormalization | None = None

    # targets
    num_critics: int = 4
    num_subsample_critics: int | None = None
    """Target critics drawn for each target; None: all."""
    q_agg: Aggregation = "mean_minus_std"
    pessimism: float = 0.5
    """Standard deviations below the mean, for `mean_minus_std`."""
    target_range: tuple[float, float] | None = None
    """The values that the reward makes possible; targets are clipped to it. None: no clipping."""
    critic_target_update_weight: float = 0.01

    # schedule and optimisers
    pretrain_updates: int = 0
    """First steps, of imitation alone."""
    offline_steps: int = 0
    """Steps after these on demonstrations alone, in which `offline_alpha` takes the place of `alpha`."""
    offline_alpha: float | None = 100.0
    """None: `alpha`."""
    policy_average_weight: float | None = 0.01
    """What acts is a running average of the policy that learns, w: average <- (1 - w) average + w newest;
    None: that policy itself."""
    utd_ratio: int = 1
    """Critic updates per optimisation step, the last of which is joined by the actors'."""
    policy_update_freq: int = 1
    critic_lr: float = 3e-4
    actor_lr: float = 3e-4
    grad_clip_norm: float | None = 10.0

    @staticmethod
    def reference() -> ACFQLConfig:
        """The losses and sizes of the published code of QC-FQL."""
        return ACFQLConfig(
            shared_encoder=False,
            chunk_size=5,
            n_action_steps=5,
            keep_terminal_chunks=False,
            critic_hidden_dims=(512,) * 4,
            actor_hidden_dims=(512,) * 4,
            activation="gelu_tanh",
            flow_steps=10,
            integrator="euler",
            flow_data="all",
            num_samples=1,
            alpha=100.0,
            num_critics=2,
            q_agg="mean",
            critic_target_update_weight=0.005,
            offline_alpha=None,
            policy_average_weight=None,
            grad_clip_norm=None,
        )

    @staticmethod
    def hilt() -> ACFQLConfig:
        """What learns fastest on a few cores."""
        return ACFQLConfig()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, from which `from_json` makes the same configuration."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ACFQLConfig:
        """The inverse of `to_json`; raises TypeError for a name that it does not know."""
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        plain["encoder"] = EncoderConfig(**data["encoder"])
        return ACFQLConfig(**plain)

    @staticmethod
    def from_keys(keys: Mapping[str, Any]) -> ACFQLConfig:
        """From the keys of `policy` as a configuration file has them, over the preset that they name."""
        base = ACFQLConfig.reference() if keys.get("preset") == "reference" else ACFQLConfig.hilt()
        flat = _flatten(keys)
        encoder = {entry.name: flat[entry.name] for entry in fields(EncoderConfig) if entry.name in flat}
        known = {entry.name: flat[entry.name] for entry in fields(ACFQLConfig) if entry.name in flat}
        return replace(base, encoder=replace(base.encoder, **encoder), **known)


def _flatten(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Nested keys under the names of the fields."""
    flat = {key: value for key, value in keys.items() if key != "encoder"}
    flat |= keys.get("policy_kwargs", {})
    for head in ("critic", "actor"):
        network = keys.get(f"{head}_network_kwargs", {})
        if "hidden_dims" in network:
            flat[f"{head}_hidden_dims"] = tuple(network["hidden_dims"])
        if "layer_norm" in network:
            flat[f"{head}_norm"] = "after_activation" if network["layer_norm"] else "none"
    return flat
