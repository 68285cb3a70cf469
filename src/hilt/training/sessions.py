"""The two processes of a training: what a learner and an actor are put together from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hilt.config.device import resolve_device
from hilt.config.errors import ConfigError
from hilt.config.learning import ActorLearnerConfig
from hilt.config.policy import ACFQLConfig
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.transition import Schema, Transition
from hilt.environment import Environment, Outcome
from hilt.factory import make_environment, make_operator
from hilt.operators.base import NoOperator, Operator, OperatorUnavailableError
from hilt.policy import FreshPolicy
from hilt.rollout import Clock, Rollout
from hilt.training.actor import Actor
from hilt.training.building import Builder, learning_policy
from hilt.training.checkpoints import CheckpointStore
from hilt.training.demonstrations import demonstrations
from hilt.training.learner import Learner, Plan
from hilt.training.memory import Memory
from hilt.training.metrics import History, JsonLines, Metrics, MetricsSink, TensorBoard, WeightsAndBiases
from hilt.training.pacing import Pace
from hilt.training.status import StatusView
from hilt.training.supervisor import ACTOR_INDEX, TOKEN
from hilt.transport.client import LearnerClient
from hilt.transport.server import TransitionServer
from hilt.transport.weights import Weights

Stop = Callable[[], bool]
_POLL_S = 0.25
_HOLD_S = 0.01
_DRAIN_S = 5.0


def run_learner(config: RunConfig, run: Path, should_stop: Stop) -> bool:
    """Learn in the folder `run`, from its last checkpoint and log if there are any; True: target reached."""
    device, warning = resolve_device(config.device_name)
    env = make_environment(config)
    env.close()
    with StatusView() as view:
        if warning:
            view.say(warning)
        builder = Builder(config, env, device)
        memory = builder.memory(run)
        if restored := memory.restore():
            view.say(f"{restored} transitions read from {run / 'replay'}")
        server = _listen(config, env.schema, memory)
        try:
            if len(memory.demonstrations) == 0:
                for episode in demonstrations(config, env.schema, should_stop):
                    memory.demonstrate(episode)
            learner, metrics = _make_learner(builder, run, memory, server, view, should_stop)
            learner.run()
            metrics.close()
        finally:
            server.stop()
            memory.close()
    return learner.reached_target


def run_actor(config: RunConfig, run: Path | None, should_stop: Stop) -> None:
    """Act for the learner that `config` names until it, or a person, says stop."""
    index = int(os.environ.get(ACTOR_INDEX, "0"))
    torch.set_num_threads(1)
    env = make_environment(config, trust_operator=config.env.trust_operator)
    operator = _operator(config, env, seed=config.seed + index)
    spool = None if run is None else run / "spool" / f"actor-{index}"
    with _connect(config, env.schema, spool, index) as client:
        first = _first_weights(client, should_stop)
        if first is not None:
            policy = FreshPolicy(first, client.weights, seed=config.seed + index)
            rollout = _rollout(config, env, policy, operator, client)
            seed = learning_policy(config).online_env_seed
            Actor(rollout, policy, client, index=index, seed=seed, should_stop=should_stop).run()
        client.drain(_DRAIN_S)
    operator.close()
    env.close()


def _make_learner(
    builder: Builder,
    run: Path,
    memory: Memory,
    server: TransitionServer,
    view: StatusView,
    should_stop: Stop,
) -> tuple[Learner, Metrics]:
    """The learner as its last checkpoint left it, or new."""
    config = builder.config
    store = CheckpointStore(run, config.keep_checkpoints)
    checkpoint = store.load_last()
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
        store=store,
        train_config=to_dict(config),
        show=view.show,
        should_stop=should_stop,
        sampler_state=lambda: dict(sampler.generator.bit_generator.state),
    )
    if checkpoint is not None:
        learner.best_success_rate = float(checkpoint.counters["best_success_rate"])
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


def _address(link: ActorLearnerConfig) -> str:
    return f"{link.learner_host}:{link.learner_port}"


def _token(link: ActorLearnerConfig) -> str | None:
    return link.token or os.environ.get(TOKEN)


def _listen(config: RunConfig, schema: Schema, memory: Memory) -> TransitionServer:
    """A server that has begun to listen. Raises ConfigError when it cannot, or must not."""
    link = learning_policy(config).actor_learner_config
    tls = (Path(link.tls_cert), Path(link.tls_key)) if link.tls_cert and link.tls_key else None
    try:
        server = TransitionServer(
            _address(link),
            schema,
            sink=lambda actor, transitions: memory.receive(transitions),
            seen=memory.seen,
            on_interrupted=lambda actor, episode_id: memory.abandon(episode_id),
            token=_token(link),
            tls=tls,
            allow_insecure=link.allow_insecure,
        )
        server.start()
    except (OSError, ValueError) as error:
        raise ConfigError("policy.actor_learner_config", str(error)) from error
    return server


def _connect(config: RunConfig, schema: Schema, spool: Path | None, index: int) -> LearnerClient:
    link = learning_policy(config).actor_learner_config
    try:
        return LearnerClient(
            _address(link),
            schema,
            actor_id=f"{os.uname().nodename}-{index}-{os.getpid()}",
            token=_token(link),
            tls_ca=Path(link.tls_cert) if link.tls_cert else None,
            spool=spool,
        )
    except (OSError, ValueError) as error:
        raise ConfigError("policy.actor_learner_config", str(error)) from error


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
            print(f"actor: waiting for {client.waiting_for}", flush=True)
    return None


def _operator(config: RunConfig, env: Environment, seed: int) -> Operator:
    """The configured operator; nobody, said in a sentence, when there cannot be one."""
    try:
        if config.operator_name == "scripted" and env.expert is None:
            raise OperatorUnavailableError("this environment has no expert to act for a simulated human")
        return make_operator(config, env, seed=seed)
    except OperatorUnavailableError as error:
        print(f"actor: {error}; going on with nobody at the controls", flush=True)
        return NoOperator()


def _rollout(
    config: RunConfig, env: Environment, policy: FreshPolicy, operator: Operator, client: LearnerClient
) -> Rollout:
    def wait_for_learner(transition: Transition, outcome: Outcome) -> None:
        while not (operator.interactive or client.directive.stop):
            if not (client.congested or client.directive.stats.get("hold")):
                return
            time.sleep(_HOLD_S)

    return Rollout(
        env=env,
        policy=policy,
        operator=operator,
        record=client.send,
        on_step=wait_for_learner,
        clock=Clock(env.fps) if operator.interactive else None,
    )
