# ruff: noqa: RUF012 -- pydantic copies mutable defaults
"""`RunConfig`: everything that one command needs to know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hilt.config.agreement import check_features, check_gripper
from hilt.config.dataset import DatasetConfig
from hilt.config.environment import EnvConfig
from hilt.config.fields import (
    Fraction,
    NoEffect,
    NonNegativeInt,
    Port,
    PositiveFloat,
    PositiveInt,
    Refused,
    Secret,
    Section,
    invalid,
)
from hilt.config.learning import DeviceName, PolicyBase
from hilt.config.operator_options import OPERATORS, PEOPLE, split_options
from hilt.config.policy import PolicyConfig

_SAME_OPERATOR = {"meta_quest": "quest", "keyboard_ee": "keyboard"}


def known_operator(name: str | None) -> str | None:
    """The operator that `name` means; a class of the user's as it is. Raises what pydantic reports."""
    if name is None or ":" in name:
        return name
    name = _SAME_OPERATOR.get(name, name)
    if name not in OPERATORS:
        raise invalid(f"must be one of {', '.join(OPERATORS)}, or package.module:Class")
    return name


class Demonstrations(Section):
    """Given before training, where it has no dataset."""

    num_episodes: NonNegativeInt = 20
    """Successful episodes that are collected."""
    operator: str | None = None
    """Who gives them; null: the operator. A person is asked at the page before training
    begins, and may say that it is enough; with no operator, or one of your own, nobody is asked."""
    operator_options: dict[str, Any] = {}
    """Habits of that operator (as `operator_options`)."""

    @field_validator("operator")
    @classmethod
    def _known_operator(cls, name: str | None) -> str | None:
        return known_operator(name)


class EvalConfig(Section):
    n_episodes: PositiveInt = 50
    """Episodes of an evaluation."""
    seed: NonNegativeInt = 0
    """Seed of the episodes, none of which training ever sees."""
    videos: NonNegativeInt = 5
    """Episodes that are filmed, failures first."""
    video_s: PositiveFloat = 30.0
    """Longest film [s]: an episode is cut there."""
    workers: PositiveInt = 1
    """Processes that play the episodes (`--workers`); the results are the same with any number. With several,
    nobody is asked whether an episode succeeded."""
    teacher: bool = True
    """Where a simulated person demonstrates: what they achieve alone on the same episodes stands beside."""
    batch_size: Annotated[int, NoEffect("eval.workers plays episodes side by side")] = 0
    """Environments side by side."""
    use_async_envs: Annotated[bool, NoEffect("eval.workers plays episodes side by side")] = False
    """Environments in processes."""


class WandBConfig(Section):
    enable: bool = False
    """Send metrics to Weights & Biases."""
    project: str = "hilt"
    """Project."""
    entity: str | None = None
    """User or team."""
    notes: str | None = None
    """Notes of the run."""
    mode: Literal["online", "offline", "disabled"] | None = None
    """offline needs no account; null: online."""
    run_id: str | None = None
    """Run to continue."""
    disable_artifact: bool = False
    """Do not upload the policy that training hands over."""
    add_tags: Annotated[bool, NoEffect("the configuration is sent as a whole")] = True
    """Tags made of the configuration."""


class UIConfig(Section):
    """The operator's page."""

    enable: bool = True
    """Serve the page."""
    host: str = "127.0.0.1"
    """Address that it listens on; anything but loopback gets TLS."""
    port: Port = 8642
    """Its port; 0: any that is free."""
    token: Annotated[str | None, Secret()] = None
    """Secret in the link; null: a new one each time; written to no file."""
    open_browser: bool = True
    """Open it when there is a display."""


class RunConfig(Section):
    """All keys. Each command asks for those that it needs (`requirements.require`)."""

    env: EnvConfig = EnvConfig()
    dataset: DatasetConfig = DatasetConfig()
    policy: PolicyConfig = None
    mode: Literal["record", "replay"] | None = None
    """What `hilt run` does: null drives the robot; other commands are what their name says."""
    device: DeviceName = "cpu"
    """auto, cpu, cuda, cuda:N or mps, where `policy.device` says nothing."""
    operator: str | None = None
    """none, scripted, keyboard, gamepad, quest, browser or `package.module:Class`; null: `control_mode`, else
    the task's own."""
    operator_options: dict[str, Any] = {}
    """Arguments of the operator, such as the habits of the scripted one; or of several, by operator:
    `{"scripted": {...}, "browser": {...}}`. Those in a file are for the operator that the file names."""
    output_dir: str | None = None
    """Folder of the run; null: `outputs/train/DATE/TIME_JOB`."""
    job_name: Annotated[str, Field(pattern=r"^[^/\\]+$")] | None = None
    """Name of the run; null: task and policy."""
    resume: bool = False
    """Go on with a run (or, recording, with a dataset)."""
    seed: NonNegativeInt = 1000
    """Seed of everything that is random in training."""
    batch_size: PositiveInt = 256
    """Samples in a batch."""
    steps: PositiveInt = 100_000
    """Optimisation steps of the reward classifier."""
    online_ratio: Fraction = 0.5
    """Share of online data in a batch; the rest are demonstrations and interventions."""
    log_freq: PositiveInt = 200
    """Optimisation steps between two records of metrics."""
    eval_freq: NonNegativeInt = 20_000
    """Optimisation steps between two evaluations during training; 0: none."""
    save_checkpoint: bool = True
    """Write checkpoints."""
    save_freq: PositiveInt = 20_000
    """Optimisation steps between two checkpoints."""
    save_every_s: PositiveFloat = 60.0
    """Longest time [s] between two checkpoints."""
    keep_checkpoints: PositiveInt = 3
    """Newest checkpoints that are kept, besides the best."""
    max_env_steps_per_update: PositiveFloat | None = 8.0
    """How many environment steps simulated actors may make per optimisation step before they wait for the
    learner; null: any number. A person is never held up."""
    num_actors: PositiveInt = 1
    """Actors that `train` starts."""
    max_updates_per_env_step: PositiveFloat | None = 4.0
    """How many optimisation steps the learner may make per environment step; null: any number."""
    target_success_rate: Fraction | None = None
    """Training ends when the policy alone passes a sequential test of this success rate (how sure that is:
    see *Success*); null: at `online_steps`."""
    target_cycle_time_s: PositiveFloat | None = None
    """With `target_success_rate`: a test is passed only when half of its successful episodes take no longer
    than this [s]. A policy that learns on becomes faster than its teacher; null: any time will do."""
    time_limit_s: PositiveFloat | None = None
    """Training ends after so many seconds of wall clock, those before a resume included; null: no limit."""
    tensorboard: bool = False
    """Write metrics for TensorBoard, too."""
    rename_map: dict[str, str] = {}
    """Feature of the dataset -> feature of the policy."""
    demonstrations: Demonstrations = Demonstrations()
    eval: EvalConfig = EvalConfig()
    wandb: WandBConfig = WandBConfig()
    ui: UIConfig = UIConfig()
    num_workers: Annotated[int, NoEffect("batches are drawn in the learner")] = 4
    """Processes that load data."""
    prefetch_factor: Annotated[int | None, NoEffect("batches are drawn in the learner")] = None
    """Batches loaded ahead."""
    persistent_workers: Annotated[bool, NoEffect("batches are drawn in the learner")] = True
    """Keep the processes that load data."""
    use_policy_training_preset: Annotated[bool, NoEffect("policy holds the optimiser's keys")] = True
    """Where the optimiser's keys come from."""
    optimizer: Annotated[dict[str, Any] | None, NoEffect("policy holds the optimiser's keys")] = None
    """Optimiser; for a reward classifier, lr, weight_decay and grad_clip_norm mean those of `policy`."""
    scheduler: Annotated[dict[str, Any] | None, NoEffect("learning rates are constant")] = None
    """Learning rate schedule."""
    tolerance_s: Annotated[float, NoEffect("hilt checks to 1e-4 s")] = 1e-4
    """How far a video frame may be from its time."""
    cudnn_deterministic: Annotated[bool, NoEffect("one thread on a CPU is what is reproducible")] = False
    """Deterministic convolutions on a GPU."""
    mixer: Annotated[str, Refused("online_ratio says how batches are mixed", ("online_offline",))] = (
        "online_offline"
    )
    """How batches are mixed."""
    save_replay_buffer_on_checkpoint: Annotated[bool, NoEffect("the buffer is always on disk")] = False
    """Save the online buffer."""
    save_offline_replay_buffer_on_checkpoint: Annotated[bool, NoEffect("the buffer is always on disk")] = (
        False
    )
    """Save the demonstration buffer."""
    online_dataset: Annotated[
        Any, Refused("the online buffer is in the run's folder: --resume=true goes on with it")
    ] = None
    """Dataset that fills the online buffer."""
    peft: Annotated[Any, Refused("hilt trains whole networks")] = None
    """Adapters."""
    sample_weighting: Annotated[Any, Refused("hilt draws samples with equal weight")] = None
    """Weights of samples."""

    @field_validator("operator")
    @classmethod
    def _known_operator(cls, name: str | None) -> str | None:
        return known_operator(name)

    @model_validator(mode="after")
    def _agrees(self) -> RunConfig:
        if isinstance(self.policy, PolicyBase):
            check_features(self.env, self.policy)
            check_gripper(self.env, self.policy)
        return self

    @property
    def operator_name(self) -> str:
        """Who is at the controls: `operator`, else `control_mode`, else the task's own."""
        name = self.operator or self.env.processor.control_mode
        if name is None:
            return "none" if self.env.type == "gymnasium" else self.env.choice.operator
        return _SAME_OPERATOR.get(name, name)

    @property
    def options_of_operator(self) -> dict[str, Any]:
        """Of `operator_options` those that are for the operator at the controls."""
        sections, flat = split_options(self.operator_options)
        return {**sections.get(self.operator_name, {}), **flat}

    @property
    def demonstrator(self) -> str | None:
        """Who gives demonstrations before training; None: nobody does."""
        gives = self.operator_name in ("scripted", *PEOPLE)
        return self.demonstrations.operator or (self.operator_name if gives else None)

    @property
    def device_name(self) -> str:
        """`policy.device`, else `device`: what `resolve_device` is given."""
        return (self.policy and self.policy.device) or self.device

    @property
    def name(self) -> str:
        """`job_name`, else task and policy."""
        if self.job_name:
            return self.job_name
        task = self.env.gym_id.replace(":", "/").rsplit("/", 1)[-1]
        return f"{task}_{self.policy.type.rpartition(':')[2]}" if self.policy else task
