"""The learner's process: what a learner is put together from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hilt.build.envs import make_environment
from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.learning import LearningPolicy
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.runs.checkpoints import Checkpoint, CheckpointStore
from hilt.runs.history import History
from hilt.runs.lock import TAKEOVER_S, sole_user
from hilt.runs.metrics import JsonLines, Metrics, MetricsSink, TensorBoard, WeightsAndBiases
from hilt.runs.saving import Saver
from hilt.session.console import Progress
from hilt.training.connection import listen
from hilt.training.demonstrations import demonstrations, expected
from hilt.training.learner import Learner
from hilt.training.learner_parts import Batches, Builder, learning_policy
from hilt.training.pacing import Pace
from hilt.training.people import ask_for_demonstrations, asks_people
from hilt.training.plan import Plan
from hilt.training.replay_memory import Memory
from hilt.training.status import Count, Reporting, Status, StatusView
from hilt.training.vision import load_backbone
from hilt.transport.messages import Directive
from hilt.transport.server import TransitionServer

Stop = Callable[[], bool]


def run_learner(config: RunConfig, run: Path, should_stop: Stop) -> bool:
    """Learn in the folder `run`, from its last checkpoint and log if there are any; True: training is over.

    Raises:
        BusyError: another learner is at work there, and does not end.
        CheckpointError: the last checkpoint is damaged.
    """
    device, warning = resolve_device(config.device_name)
    env = make_environment(config)
    env.close()
    with StatusView() as view, sole_user(run, TAKEOVER_S, view.say):
        if warning:
            view.say(warning)
        store = CheckpointStore(run, config.keep_checkpoints)
        checkpoint = store.load_last()
        backbone = load_backbone(learning_policy(config), env.schema, checkpoint, device)
        builder = Builder(config, env, device, backbone)
        memory = builder.memory(run)
        if restored := memory.restore(_reading(view)):
            view.say(f"{restored} transitions read from {run / 'replay'}")
        server = listen(config, env.schema, memory, view.say)
        try:
            if checkpoint is None:
                _demonstrate(config, memory, server, view, should_stop)
                if asks_people(config):
                    ask_for_demonstrations(config, memory, server, view.say, should_stop)
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


def _demonstrate(
    config: RunConfig, memory: Memory, server: TransitionServer, view: StatusView, should_stop: Stop
) -> None:
    """Raises ConfigError when there is no room for the demonstrations on disk."""
    schema, began = memory.log.schema, time.monotonic()
    total = expected(config, schema)

    def tell() -> None:
        count = Count(len(memory.demonstrated), total, "episodes")
        view.show(Status("demonstrations", count=count, elapsed_s=time.monotonic() - began))
        figures = {"done": float(count.done), "total": float(count.total)}
        server.direct(Directive("demonstrations", figures=figures))

    try:
        if total > len(memory.demonstrated):
            tell()
        for episode in demonstrations(config, schema, should_stop, memory.demonstrated):
            memory.demonstrate(episode)
            tell()
    except OSError as error:
        raise ConfigError(str(memory.log.folder), f"cannot be written: {error.strerror}") from error


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
        plan=_plan(config, builder.policy(memory, saved)),
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
        same_target = checkpoint.train_config.get("target_success_rate") == config.target_success_rate
        learner.reached_target = bool(checkpoint.counters["reached_target"]) and same_target
    return learner, metrics


def _plan(config: RunConfig, policy: LearningPolicy) -> Plan:
    return Plan(
        offline_updates=policy.offline_updates,
        online_steps=policy.online_steps,
        pace=Pace(
            config.max_updates_per_env_step,
            policy.online_step_before_learning,
            config.max_env_steps_per_update,
        ),
        target_success_rate=config.target_success_rate,
        time_limit_s=config.time_limit_s or float("inf"),
        eval_freq=config.eval_freq,
        tests_alone=config.env.may_run_unattended,
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
