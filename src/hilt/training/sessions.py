"""The two processes of a training: what a learner and an actor are put together from."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.policy import ACFQLConfig
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.transition import Schema, Transition
from hilt.environment import Environment, Outcome
from hilt.factory import make_environment, make_operator
from hilt.operators.base import NoOperator, Operator, OperatorUnavailableError
from hilt.policy import FreshPolicy
from hilt.rewards.reward_function import ClassifierMonitor
from hilt.rollout import Clock, Rollout
from hilt.training.actor import Actor
from hilt.training.building import Builder, learning_policy
from hilt.training.checkpoints import Checkpoint, CheckpointStore
from hilt.training.connection import connect, listen
from hilt.training.demonstrations import demonstrations
from hilt.training.learner import Learner, Plan
from hilt.training.lock import first_free, sole_user
from hilt.training.memory import Memory
from hilt.training.metrics import History, JsonLines, Metrics, MetricsSink, TensorBoard, WeightsAndBiases
from hilt.training.pacing import Pace
from hilt.training.saving import Saver
from hilt.training.status import StatusView
from hilt.training.supervisor import ACTOR_INDEX
from hilt.training.vision import load_backbone
from hilt.transport.client import LearnerClient
from hilt.transport.server import TransitionServer
from hilt.transport.weights import Weights

Stop = Callable[[], bool]
_POLL_S = 0.25
_HOLD_S = 0.01
_DRAIN_S = 5.0
_TAKEOVER_S = 15.0
"""What is left of an earlier process of the same run has this long to end."""


def run_learner(config: RunConfig, run: Path, should_stop: Stop) -> bool:
    """Learn in the folder `run`, from its last checkpoint and log if there are any; True: training is over.

    Raises:
        BusyError: another learner is at work there, and does not end.
        CheckpointError: the last checkpoint is damaged.
    """
    device, warning = resolve_device(config.device_name)
    env = make_environment(config)
    env.close()
    with StatusView() as view, sole_user(run, _TAKEOVER_S, view.say):
        if warning:
            view.say(warning)
        store = CheckpointStore(run, config.keep_checkpoints)
        checkpoint = store.load_last()
        backbone = load_backbone(learning_policy(config), env.schema, checkpoint, device)
        builder = Builder(config, env, device, backbone)
        memory = builder.memory(run)
        if restored := memory.restore():
            view.say(f"{restored} transitions read from {run / 'replay'}")
        server = listen(config, env.schema, memory, view.say)
        try:
            if checkpoint is None:
                _demonstrate(config, env.schema, memory, should_stop)
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


def _demonstrate(config: RunConfig, schema: Schema, memory: Memory, should_stop: Stop) -> None:
    """Raises ConfigError when there is no room for the demonstrations on disk."""
    try:
        for episode in demonstrations(config, schema, should_stop, memory.demonstrated):
            memory.demonstrate(episode)
    except OSError as error:
        raise ConfigError(str(memory.log.folder), f"cannot be written: {error.strerror}") from error


def run_actor(config: RunConfig, folder: Path, should_stop: Stop) -> bool:
    """Act for the learner that `config` names until it, or a person, says stop; True: the operator did.

    What the learner does not have yet is kept below `folder`, in a place of this actor's own.
    """
    torch.set_num_threads(1)
    with _own_spool(folder) as (index, spool):
        return _act(config, index, spool, should_stop)


@contextmanager
def _own_spool(folder: Path) -> Iterator[tuple[int, Path]]:
    """(index, spool): those that `hilt train` gave this process, else the first that no other actor has."""
    index = os.environ.get(ACTOR_INDEX)
    if index is None:
        with first_free(folder / "spool", "actor-") as free:
            yield free
        return
    spool = folder / "spool" / f"actor-{index}"
    with sole_user(spool, _TAKEOVER_S, _tell):
        yield int(index), spool


def _act(config: RunConfig, index: int, spool: Path, should_stop: Stop) -> bool:
    quit_by_operator = False
    env = make_environment(config, trust_operator=config.env.trust_operator)
    operator = _operator(config, env, seed=config.seed + index)
    with connect(config, env.schema, spool, index) as client:
        first = _first_weights(client, should_stop)
        if first is not None:
            policy = FreshPolicy(first, client.weights, seed=config.seed + index)
            monitor = ClassifierMonitor()
            actor = Actor(
                _rollout(env, policy, operator, client, monitor, should_stop),
                policy,
                client,
                index=index,
                seed=learning_policy(config).online_env_seed,
                pause_s=config.env.processor.reset.reset_time_s,
                should_stop=should_stop,
            )
            actor.figures = monitor.take
            quit_by_operator = actor.run()
        if client.connected:
            client.drain(_DRAIN_S)
    operator.close()
    env.close()
    return quit_by_operator


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
    algorithm = builder.algorithm(memory, checkpoint.config if checkpoint else None)
    sampler = builder.sampler(memory)
    history = History(builder.env.fps)
    elapsed_s = 0.0
    if checkpoint is not None:
        algorithm.load_state_tensors(checkpoint.state)
        sampler.generator.bit_generator.state = checkpoint.counters["sampler"]
        history.restore(checkpoint.counters["history"])
        elapsed_s = float(checkpoint.counters["elapsed_s"])
        view.say(f"going on from update {checkpoint.step}")
    metrics = Metrics(_sinks(config, run), elapsed_s)
    learner = Learner(
        plan=_plan(config, builder.offline_updates(memory, checkpoint.config if checkpoint else None)),
        algorithm=algorithm,
        sample=builder.draw(sampler),
        memory=memory,
        actors=server,
        metrics=metrics,
        history=history,
        saver=Saver(CheckpointStore(run, config.keep_checkpoints), view.say),
        train_config=to_dict(config),
        show=view.show,
        should_stop=should_stop,
        sampler_state=lambda: dict(sampler.generator.bit_generator.state),
    )
    if checkpoint is not None:
        learner.best_success_rate = float(checkpoint.counters["best_success_rate"])
        same_target = checkpoint.train_config.get("target_success_rate") == config.target_success_rate
        learner.reached_target = bool(checkpoint.counters["reached_target"]) and same_target
    return learner, metrics


def _plan(config: RunConfig, offline_updates: int) -> Plan:
    policy = learning_policy(config)
    return Plan(
        offline_updates=offline_updates,
        online_steps=policy.online_steps,
        pace=Pace(
            config.max_updates_per_env_step,
            policy.online_step_before_learning,
            config.max_env_steps_per_update,
        ),
        target_success_rate=config.target_success_rate,
        time_limit_s=config.time_limit_s or float("inf"),
        eval_freq=config.eval_freq,
        only_successful_warm_up=isinstance(policy, ACFQLConfig)
        and policy.only_successful_online_step_before_learning,
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
        artifact = None if wandb.disable_artifact else run / "checkpoints" / "last" / "pretrained_model"
        sinks.append(WeightsAndBiases(options, run, to_dict(config), artifact))
    return sinks


def _first_weights(client: LearnerClient, should_stop: Stop) -> Weights | None:
    """Waits for the learner and says for what; None when it is over before it began."""
    said = ""
    while not (should_stop() or client.directive.stop):
        weights = client.wait_for_weights(_POLL_S)
        if weights is not None:
            return weights
        reason = client.waiting_for.partition(" (")[0]
        if reason and reason != said:
            said = reason
            _tell(f"waiting for {client.waiting_for}")
    return None


def _operator(config: RunConfig, env: Environment, seed: int) -> Operator:
    """The configured operator; nobody, said in a sentence, when there cannot be one."""
    try:
        if config.operator_name == "scripted" and env.expert is None:
            raise OperatorUnavailableError("this environment has no expert to act for a simulated human")
        return make_operator(config, env, seed=seed)
    except OperatorUnavailableError as error:
        _tell(f"{error}; going on with nobody at the controls")
        return NoOperator()


def _rollout(
    env: Environment,
    policy: FreshPolicy,
    operator: Operator,
    client: LearnerClient,
    monitor: ClassifierMonitor,
    should_stop: Stop,
) -> Rollout:
    def after_step(transition: Transition, outcome: Outcome) -> None:
        monitor.add(outcome)
        while not (operator.interactive or client.directive.stop or should_stop()):
            if not (client.congested or client.directive.stats.get("hold")):
                return
            time.sleep(_HOLD_S)

    return Rollout(
        env=env,
        policy=policy,
        operator=operator,
        record=client.send,
        on_step=after_step,
        clock=Clock(env.fps) if operator.interactive else None,
    )


def _tell(text: str) -> None:
    print(f"actor: {text}", file=sys.stderr, flush=True)
