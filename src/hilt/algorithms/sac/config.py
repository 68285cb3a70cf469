"""The settings of SAC. Every improvement over the reference can be switched off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from hilt.networks.encoders import EncoderConfig
from hilt.networks.mlp import Activation, Norm

Reduction = Literal["min", "mean_minus_std"]
BCLoss = Literal["squared_error", "log_likelihood"]


@dataclass(frozen=True, slots=True)
class SACConfig:
    """Names are those of the configuration keys where there is one."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)

    # networks
    critic_hidden_dims: tuple[int, ...] = (256, 256)
    discrete_critic_hidden_dims: tuple[int, ...] = (256, 256)
    actor_hidden_dims: tuple[int, ...] = (256, 256)
    activation: Activation = "tanh"
    critic_norm: Norm = "before_activation"
    actor_norm: Norm = "before_activation"
    std_min: float = 1e-5
    std_max: float = 5.0
    init_std: float = 1.0
    init_final: float = 0.05
    num_discrete_actions: int | None = None
    """Values of the gripper that a discrete critic chooses from; None: the gripper is a continuous action."""

    # targets
    num_critics: int = 2
    num_subsample_critics: int | None = None
    """Target critics drawn for each target; None: all."""
    critic_target_reduction: Reduction = "min"
    pessimism: float = 0.5
    """Standard deviations below the mean, for `mean_minus_std`."""
    use_backup_entropy: bool = False
    target_range: tuple[float, float] | None = None
    """The values that the reward makes possible; targets are clipped to it. None: no clipping."""
    discrete_target_range: tuple[float, float] | None = None
    """The same for the discrete critic, whose targets hold the gripper's penalty, too."""
    critic_target_update_weight: float = 0.005

    # schedule, in optimisation steps
    utd_ratio: int = 2
    """Critic updates per optimisation step, the last of which is followed by the actor's."""
    policy_update_freq: int = 1
    pretrain_updates: int = 0
    """First steps, in which the actor and the encoder learn by imitation alone, beside the critics."""
    critic_warmup_updates: int = 0
    """Steps after these in which the critics learn alone."""

    deterministic_policy: bool = True
    """Without exploration the mode is what is done; False: a draw still, the same in the same episode."""
    policy_average_weight: float | None = None
    """What acts is a running average of the policy that learns, w: average <- (1 - w) average + w newest;
    None: that policy itself."""

    # imitation of demonstrations and interventions
    bc_weight: float = 0.0
    bc_fade_updates: int | None = None
    """Steps after the pretraining over which the weight falls to 0; None: it stays."""
    bc_filter: bool = True
    """Imitate only where the critics value the human's action above the policy's."""
    bc_loss: BCLoss = "squared_error"
    bc_trains_encoder: bool = False
    """Imitation shapes what the actor sees, too: its gradient goes on into the encoder, with the critics'."""

    # temperature
    temperature_init: float = 0.01
    target_entropy: float | None = None
    """None: minus half the dimensions of the action, the gripper included."""

    # optimisers
    critic_lr: float = 3e-4
    actor_lr: float = 3e-4
    temperature_lr: float = 3e-4
    grad_clip_norm: float | None = 10.0

    @staticmethod
    def reference() -> SACConfig:
        """The losses and sizes of the published code of HIL-SERL."""
        return SACConfig(encoder=EncoderConfig(latent_dim=256, image_size_encoder=128))

    @staticmethod
    def hilt() -> SACConfig:
        """What learns fastest on a few cores."""
        return SACConfig(
            encoder=EncoderConfig(state_encoder_hidden_dim=0, shift_pixels=4),
            activation="relu",
            actor_norm="none",
            num_critics=4,
            critic_target_reduction="mean_minus_std",
            critic_target_update_weight=0.01,
            init_std=0.3,
            pretrain_updates=1000,
            critic_warmup_updates=100,
            bc_weight=1.0,
            bc_fade_updates=4000,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, from which `from_json` makes the same configuration."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SACConfig:
        """The inverse of `to_json`; raises TypeError for a name that it does not know."""
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        plain["encoder"] = EncoderConfig(**data["encoder"])
        return SACConfig(**plain)

    @staticmethod
    def from_keys(keys: Mapping[str, Any]) -> SACConfig:
        """From the keys of `policy` as a configuration file has them, over the preset that they name."""
        base = SACConfig.reference() if keys.get("preset") == "reference" else SACConfig.hilt()
        flat = _flatten(keys)
        return replace(
            base,
            encoder=replace(base.encoder, **_known(EncoderConfig, flat)),
            **_known(SACConfig, flat),
        )


def _flatten(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Nested keys under the names of the fields."""
    flat = {key: value for key, value in keys.items() if key != "encoder"}
    flat |= {key: value for key, value in keys.get("policy_kwargs", {}).items() if value is not None}
    for head in ("critic", "actor", "discrete_critic"):
        network = keys.get(f"{head}_network_kwargs", {})
        if "hidden_dims" in network:
            flat[f"{head}_hidden_dims"] = tuple(network["hidden_dims"])
        if "layer_norm" in network:
            flat[f"{head}_norm"] = "before_activation" if network["layer_norm"] else "none"
    return flat


def _known(kind: type[SACConfig] | type[EncoderConfig], flat: Mapping[str, Any]) -> dict[str, Any]:
    names = {entry.name for entry in fields(kind)} - {"encoder"}
    return {name: value for name, value in flat.items() if name in names}
