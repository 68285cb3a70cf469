"""The learner's process: what a learner is put together from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.learning import LearningPolicy
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.env_spec import EnvSpec, load_spec, save_spec
from hilt.data.routing import Source
from hilt.runs.checkpoints import Checkpoint, CheckpointStore
from hilt.runs.history import History
from hilt.runs.layout import SPEC
from hilt.runs.lock import TAKEOVER_S, sole_user
from hilt.runs.metrics import JsonLines, Metrics, MetricsSink, TensorBoard, WeightsAndBiases
from hilt.runs.saving import Saver
from hilt.session.console import Progress
from hilt.training.connection import await_actor, listen
from hilt.training.demonstrations import demonstrate, missing
from hilt.training.learner import Learner
from hilt.training.learner_parts import Batches, Builder, learning_policy
from hilt.training.pacing import Pace
from hilt.training.plan import Plan
from hilt.training.replay_memory import Memory
from hilt.training.status import Reporting, StatusView
from hilt.training.vision import load_backbone
from hilt.transport.server import TransitionServer

Stop = Callable[[], bool]

_TARGETS = "target_success_rate", "target_cycle_time_s"


def run_learner(config: RunConfig, run: Path, should_stop: Stop) -> bool:
    """Learn in the folder `run`, from its last checkpoint and log if there are any; True: training is over.

    What the environment is like stands in the folder, or the first actor tells it.

    Raises:
        BusyError: another learner is at work there, and does not end.
        CheckpointError: the last checkpoint is damaged. EnvSpecError: what is said of the environment is.
    """
    device, warning = resolve_device(config.device_name)
    with StatusView() as view, sole_user(run, TAKEOVER_S, view.say):
        if warning:
            view.say(warning)
        store = CheckpointStore(run, config.keep_checkpoints)
        checkpoint = store.load_last()
        spec = _environment_of(config, run, view, should_stop)
        if spec is None:
            return False
        backbone = load_backbone(learning_policy(config), spec.schema, checkpoint, device)
        builder = Builder(config, spec, device, backbone)
        memory = builder.memory(run)
        if restored := memory.restore(_reading(view)):
            view.say(f"{restored} transitions read from {run / 'replay'}")
        if checkpoint is None and missing(config, memory):
            memory.source = Source.DEMONSTRATION  # an actor may have sent some that a learner before lost
        server = listen(config, spec, memory, view.say)
        try:
            if checkpoint is None:
                demonstrate(config, memory, server, view, should_stop)
                if should_stop():
                    return False
            learner, metrics = _make_learner(builder, run, memory, server, view, should_stop, checkpoint)
            done = learner.reached_target or learner.run()
            metrics.close()
        finally:
            memory.rest()
            server.stop()
            memory.close()
    return done


def _reading(view: StatusView) -> Callable[[int], None]:
    """Tells how much of the log has been read, now and then."""
    progress = Progress(view.say)
    return lambda count: progress(f"{count} transitions read so far")


def _environment_of(config: RunConfig, run: Path, view: StatusView, should_stop: Stop) -> EnvSpec | None:
    """What the environment of `run` is like; None: it was told to stop before an actor said it."""
    path = run / SPEC
    spec = load_spec(path)
    if spec is None:
        spec = await_actor(config, should_stop, view.say)
        if spec is not None:
            try:
                save_spec(spec, path)
            except OSError as error:
                raise ConfigError(str(path), f"cannot be written: {error.strerror}") from error
    return spec


def _make_learner(
    builder: Builder,
    run: Path,
    memory: Memory,
    server: TransitionServer,
    view: StatusView,
    should_stop: Stop,
    checkpoint: Checkpoint | None,
) -> tuple[Learner, Metrics]:
    """The learner as `checkpoint` left it, or new."""
    config = builder.config
    saved = checkpoint.config if checkpoint else None
    algorithm = builder.algorithm(memory, saved)
    sampler = builder.sampler(memory)
    history = History(builder.env.fps)
    elapsed_s = 0.0
    if checkpoint is not None:
        algorithm.load_state_tensors(checkpoint.state)
        sampler.generator.bit_generator.state = checkpoint.counters["sampler"]
        history.restore(checkpoint.counters["history"])
        elapsed_s = float(checkpoint.counters["elapsed_s"])
        view.say(f"going on from update {checkpoint.step}")
    history.demonstrations, history.demonstration_steps = (
        len(memory.demonstrated),
        memory.demonstration_steps,
    )
    metrics = Metrics(_sinks(config, run), elapsed_s)
    learner = Learner(
        plan=_plan(config, builder.policy(memory, saved), _tests_alone(config, builder.env)),
        algorithm=algorithm,
        batches=Batches(builder.draw(sampler), sampler.generator),
        memory=memory,
        actors=server,
        reporting=Reporting(metrics, history, view.show),
        saver=Saver(CheckpointStore(run, config.keep_checkpoints), to_dict(config), view.say),
        should_stop=should_stop,
    )
    if checkpoint is not None:
        learner.restore(checkpoint.counters)
        before = checkpoint.train_config
        same_target = all(before.get(key) == getattr(config, key) for key in _TARGETS)
        learner.reached_target = bool(checkpoint.counters["reached_target"]) and same_target
    return learner, metrics


def _tests_alone(config: RunConfig, spec: EnvSpec) -> bool:
    """The policy may be tested unattended. The configuration's word outweighs the environment's."""
    said = config.env.may_run_unattended
    return spec.resettable and (spec.may_run_unattended if said is None else said)


def _plan(config: RunConfig, policy: LearningPolicy, tests_alone: bool) -> Plan:
    return Plan(
        offline_updates=policy.offline_updates,
        online_steps=policy.online_steps,
        pace=Pace(
            config.max_updates_per_env_step,
            policy.online_step_before_learning,
            config.max_env_steps_per_update,
        ),
        target_success_rate=config.target_success_rate,
        target_cycle_steps=(config.target_cycle_time_s or float("inf")) * config.env.fps,
        time_limit_s=config.time_limit_s or float("inf"),
        eval_freq=config.eval_freq,
        tests_alone=tests_alone,
        only_successful_warm_up=policy.warms_up_by_success,
        log_freq=config.log_freq,
        save_freq=config.save_freq,
        save_every_s=config.save_every_s,
        publish_every_s=policy.actor_learner_config.policy_parameters_push_frequency or 0.1,
        save=config.save_checkpoint,
    )


def _sinks(config: RunConfig, run: Path) -> list[MetricsSink]:
    sinks: list[MetricsSink] = [JsonLines(run / "metrics.jsonl")]
    if config.tensorboard:
        sinks.append(TensorBoard(run / "tensorboard"))
    if config.wandb.enable:
        wandb = config.wandb
        options = {
            "project": wandb.project,
            "entity": wandb.entity,
            "notes": wandb.notes,
            "mode": wandb.mode,
            "id": wandb.run_id,
            "name": config.name,
        }
        sinks.append(WeightsAndBiases(options, run, to_dict(config), upload=not wandb.disable_artifact))
    return sinks
