# ruff: noqa: RUF012 -- pydantic copies mutable defaults
"""The keys of `policy` that every policy has, and those that SAC and ACFQL share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hilt.config.features import FeatureConfig, FeatureType
from hilt.config.fields import (
    Fraction,
    NoEffect,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Refused,
    Secret,
    Section,
    invalid,
)

Normalization = Literal["MEAN_STD", "MIN_MAX", "IDENTITY"]
DeviceName = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]
Preset = Literal["hilt", "reference"]
Activation = Literal["tanh", "relu", "silu", "gelu", "gelu_tanh"]


class PolicyBase(Section):
    """What every policy has."""

    type: str = ""
    """Which policy: see `hilt.config.policy.POLICY_TYPES`; a class of the user's as package.module:Class."""
    device: DeviceName | None = None
    """auto, cpu, cuda, cuda:N or mps; null is the top-level `device`. Without CUDA: a warning, and cpu."""
    use_amp: bool = False
    """bfloat16 where it is safe: in the convolutions that see pictures. Faster where the processor has it."""
    pretrained_path: str | None = None
    """Folder of a saved policy (`.../checkpoints/last/pretrained_model`), or its hub id."""
    input_features: dict[str, FeatureConfig] = {}
    """What the policy observes; empty: what `env.features` says, else all that the task gives."""
    output_features: dict[str, FeatureConfig] = {}
    """The action; empty: as for the input."""
    n_obs_steps: Annotated[int, Refused("hilt's policies look at one observation", (1,))] = 1
    """Observations that the policy looks at."""
    normalization_mapping: dict[FeatureType, Normalization] = {
        "VISUAL": "MEAN_STD",
        "STATE": "MIN_MAX",
        "ENV": "MIN_MAX",
        "ACTION": "MIN_MAX",
    }
    """How each type of feature is normalised."""
    dataset_stats: dict[str, dict[Literal["min", "max", "mean", "std"], list[float]]] | None = None
    """Feature -> {min, max} or {mean, std}; null: those of the demonstrations. A gripper's state that counts
    gym-hil's commands, 0..255, is converted to metres. What is said of `action` changes nothing: policies
    scale by the bounds of the action space."""
    push_to_hub: bool = False
    """Upload what was trained, at the end, to `repo_id`: model, configuration, figures, a film, a card."""
    repo_id: str | None = None
    """Hub repository of what is trained."""
    private: bool | None = None
    """Upload it as private."""
    tags: list[str] | None = None
    """Hub tags of the upload, besides hilt's own."""
    license: str | None = None
    """Licence in its card."""


class NetworkKwargs(Section):
    """A multilayer perceptron."""

    hidden_dims: Annotated[list[PositiveInt], Field(min_length=1)] = [256, 256]
    """Sizes of the hidden layers."""
    layer_norm: bool = True
    """LayerNorm in every hidden layer."""
    activate_final: Annotated[bool, Refused("the last hidden layer is always activated", (True,))] = True
    """Activation after the last hidden layer."""
    final_activation: Annotated[
        str | None, Refused("the last hidden layer has the activation of the others")
    ] = None
    """Another activation after the last hidden layer."""


class ActorNetworkKwargs(NetworkKwargs):
    layer_norm: bool = False
    """LayerNorm in every hidden layer."""


class ActorLearnerConfig(Section):
    learner_host: str = "127.0.0.1"
    """Where the learner listens and actors connect."""
    learner_port: Annotated[int, Field(gt=0, le=65535)] = 50051
    """Its port."""
    policy_parameters_push_frequency: PositiveFloat | None = None
    """Seconds between two publications of the weights; null: after every update that an actor could use."""
    queue_get_timeout: Annotated[float, NoEffect("nothing waits on a queue by polling")] = 2.0
    """Timeout of a queue."""
    token: Annotated[str | None, Secret()] = None
    """Secret that actors must present; written to no file (HILT_TOKEN in the environment says it, too)."""
    tls_cert: str | None = None
    """PEM file of the learner's certificate, for the learner to present and the actors to trust."""
    tls_key: str | None = None
    """PEM file of the learner's private key."""
    allow_insecure: bool = False
    """Listen on more than loopback without token and TLS."""


class Concurrency(Section):
    actor: Annotated[str, NoEffect("actor and learner are processes")] = "threads"
    """Threads or processes in the actor."""
    learner: Annotated[str, NoEffect("actor and learner are processes")] = "threads"
    """Threads or processes in the learner."""
    multiprocessing_context: Annotated[str | None, NoEffect("actor and learner are processes")] = None
    """How processes are started."""


class LearningPolicy(PolicyBase):
    """What algorithms share: encoders, critics, buffers, the schedule, the connection.

    Its properties are what learner and environment ask, whichever algorithm it is. A subclass of yours is the
    configuration of an algorithm of yours.
    """

    reference: ClassVar[Mapping[str, Any]] = {}
    """Where the defaults of the published code differ: those of the preset `reference`."""
    preset: Preset = "hilt"
    """Which defaults the keys of `policy` have that the file does not say: hilt's, or those of the published
    code."""
    vision_encoder_name: str | None = None
    """Pretrained image encoder: a folder or hub id in the layout of Hugging Face's ResNet; null: a small
    convolution trained from scratch."""
    freeze_vision_encoder: bool = True
    """Do not train the pretrained encoder."""
    shared_encoder: bool = True
    """One image encoder for actor and critics."""
    image_encoder_hidden_dim: PositiveInt = 32
    """Channels of the first layer of the convolution."""
    image_embedding_pooling_dim: PositiveInt = 8
    """Spatial embeddings per channel of a pretrained encoder."""
    image_size_encoder: PositiveInt = 64
    """Height and width [pixels] at which the convolution sees pictures."""
    shift_pixels: NonNegativeInt = 4
    """Largest random shift [pixels] of the pictures in training."""
    state_encoder_hidden_dim: NonNegativeInt = 0
    """Size of the encoded state; 0 passes it on as it is."""
    latent_dim: PositiveInt = 64
    """Size of the encoding of a camera."""
    activation: Activation = "relu"
    """Activation of the hidden layers."""
    discount: Fraction = 0.97
    """gamma, per control step."""
    num_critics: PositiveInt = 4
    """Critics in the ensemble."""
    num_subsample_critics: PositiveInt | None = None
    """Target critics drawn for each target; null: all."""
    critic_lr: PositiveFloat = 3e-4
    """Learning rate of the critics."""
    actor_lr: PositiveFloat = 3e-4
    """Learning rate of the actor."""
    pessimism: NonNegativeFloat = 0.5
    """Standard deviations below the mean, where targets are mean_minus_std."""
    clip_targets: bool = True
    """Clip targets to the values that the reward makes possible."""
    critic_target_update_weight: Annotated[float, Field(gt=0, le=1)] = 0.01
    """tau: how much of the critics goes into the targets at each update."""
    policy_average_weight: Annotated[float, Field(gt=0, le=1)] | None = None
    """Let a running average of the policy act: the newest weights' share in it, per update; null: none."""
    utd_ratio: PositiveInt = 2
    """Critic updates per optimisation step."""
    policy_update_freq: PositiveInt = 1
    """The actor is updated in every n-th optimisation step."""
    grad_clip_norm: PositiveFloat | None = 10.0
    """Largest norm of a gradient; null: no limit."""
    n_step: PositiveInt = 3
    """Steps of reward in a target."""
    pretrain_updates: NonNegativeInt = 0
    """Optimisation steps of imitation alone, the very first: cheap ones."""
    use_torch_compile: Annotated[
        bool, NoEffect("the result would be the same, and compiling takes a minute of every start")
    ] = False
    """Compile the update."""
    online_steps: PositiveInt = 1_000_000
    """Environment steps of all actors together."""
    online_env_seed: NonNegativeInt = 10_000
    """Seed of the actors' episodes."""
    online_buffer_capacity: PositiveInt = 100_000
    """Transitions in the online buffer."""
    offline_buffer_capacity: PositiveInt = 100_000
    """Transitions in the buffer of demonstrations and interventions."""
    online_step_before_learning: NonNegativeInt = 100
    """Transitions of the actors before online learning begins."""
    actor_learner_config: ActorLearnerConfig = ActorLearnerConfig()
    storage_device: Annotated[str, NoEffect("the replay buffer is in main memory")] = "cpu"
    """Where the replay buffer is."""
    async_prefetch: Annotated[bool, NoEffect("batches are cheap to draw")] = False
    """Draw batches ahead."""
    concurrency: Concurrency = Concurrency()

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """What is said always wins over the preset."""
        if not isinstance(data, dict) or data.get("preset") != "reference":
            return data
        return _over(data, cls.reference)

    @model_validator(mode="after")
    def _subsample(self) -> LearningPolicy:
        if (self.num_subsample_critics or 0) > self.num_critics:
            raise invalid(f"must not be above num_critics, {self.num_critics}", "num_subsample_critics")
        return self

    @property
    def discrete_gripper(self) -> bool:
        """The gripper's commands are chosen from a few, beside the continuous action."""
        return False

    @property
    def bounded_targets(self) -> bool:
        """Targets are clipped to the values that the reward makes possible."""
        return self.clip_targets

    @property
    def chunk_length(self) -> int | None:
        """Samples are chunks of so many actions; None: single actions, with `n_step` steps of reward."""
        return None

    @property
    def samples_online(self) -> bool:
        """Batches hold what the policy did, too; else demonstrations and interventions alone."""
        return True

    @property
    def offline_updates(self) -> int:
        """Optimisation steps before the first action."""
        return self.pretrain_updates

    @property
    def warms_up_by_success(self) -> bool:
        """Only steps of successful episodes count for `online_step_before_learning`."""
        return False

    def without_demonstrations(self) -> Self:
        """The same, without the optimisation steps that need demonstrations."""
        return self.model_copy(update={"pretrain_updates": 0})


class HeadKwargs(Section):
    """The end of the actor's network."""

    init_final: NonNegativeFloat | None = 0.05
    """Range of the last layer's initial weights; null: as in the other layers."""


def _over(data: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **data}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(data.get(key), dict):
            merged[key] = _over(data[key], default)
    return merged
