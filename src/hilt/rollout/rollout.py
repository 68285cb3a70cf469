"""The human-in-the-loop step: observe, propose, intervene, execute, record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hilt.data.transition import Action, Controller, Judge, Observation, Transition
from hilt.envs.feature_env import Environment, Outcome, StepRefusedError, require_finite
from hilt.operators.base import Event, Operator


class Policy(Protocol):
    """What the rollout needs of a policy. Actions are in environment units."""

    def reset(self, seed: int) -> None:
        """The episode of `seed` begins; what noise a policy acts with may depend on it."""
        ...

    def __call__(self, observation: Observation) -> Action:
        """Propose an action [A] for `observation`."""
        ...

    def interrupt(self) -> None:
        """The operator is in control: plans made before are void."""
        ...


class Observer:
    """Is told of what happens in a rollout, in its thread. What a subclass leaves out does nothing."""

    def on_step(self, episode: Episode, transition: Transition, outcome: Outcome) -> None:
        """A control step of `episode` was executed and recorded."""

    def on_episode(self, episode: Episode) -> None:
        """An episode is over, or was broken off."""


class Session(Observer):
    """The people at a rollout: none. `hilt.session.operator_session.OperatorSession` is one with people."""

    def prepare(self, after: Episode | None) -> None:
        """Before each episode, with the one before: people may need time."""

    def should_stop(self) -> bool:
        """People, or the process, want the end."""
        return False


class HoldStill:
    """The policy of an environment that only an operator drives: the neutral action, always."""

    def __init__(self, env: Environment) -> None:
        self._action = env.neutral_action

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def __call__(self, observation: Observation) -> Action:
        return self._action

    def interrupt(self) -> None:
        """Nothing was planned."""


class Clock:
    """Keeps real time: `wait()` returns at the next multiple of the control period."""

    def __init__(self, fps: float) -> None:
        self._period = 1.0 / fps
        self.lateness_s: list[float] = []
        self.restart()

    def restart(self) -> None:
        """The next period begins now."""
        self._next = time.monotonic() + self._period

    def tick(self, real_time: bool) -> None:
        """A step is over: in `real_time`, wait until its period is over, too."""
        if real_time:
            self.wait()
        else:
            self.restart()

    def wait(self) -> None:
        """Sleep until the period is over; a step that comes late does not make the next ones hurry."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        lateness = time.monotonic() - self._next
        self.lateness_s.append(lateness)
        self._next += self._period if lateness < self._period else lateness + self._period


@dataclass(slots=True)
class Episode:
    """The account of one episode: how it went, and what it cost a person."""

    episode_id: int
    seed: int
    length: int = 0
    reward: float = 0.0
    is_success: bool = False
    """The word of `judge`, at any step; a person's FAILURE outweighs a success before it."""
    judge: Judge = Judge.ENVIRONMENT
    ground_truth: bool | None = None
    """The environment's own word, where there is one: for audits alone."""
    terminated: bool = False
    truncated: bool = False
    event: Event | None = None
    refused: str | None = None
    intervention_steps: int = 0
    watched_steps: int = 0
    """The policy's steps that a person watched; an observer who knows of people counts them."""
    takeovers: int = 0
    control: list[bool] = field(default_factory=list)

    def add(self, transition: Transition, outcome: Outcome) -> None:
        """Count one more step, and what it led to."""
        intervened = transition.is_intervention
        self.takeovers += intervened and not (self.control and self.control[-1])
        self.control.append(intervened)
        self.length += 1
        self.reward += transition.reward
        self.intervention_steps += intervened
        self.is_success |= outcome.is_success
        self.judge = outcome.judge
        if outcome.ground_truth is not None:
            self.ground_truth = bool(self.ground_truth) or outcome.ground_truth
        self.terminated, self.truncated = transition.terminated, transition.truncated

    @property
    def over(self) -> bool:
        return self.is_complete or self.event is not None or self.refused is not None

    @property
    def is_complete(self) -> bool:
        """It came to its end; False: it was broken off, or discarded, and says nothing of success."""
        return self.terminated or self.truncated


@dataclass(slots=True)
class Rollout:
    """Runs episodes: one environment, one policy, one operator.

    Args:
        record: keeps the transitions.
        observers: are told of every step and of every end, in this order.
        clock: keeps real time while a person is attached; None: never.
    """

    env: Environment
    policy: Policy
    operator: Operator
    record: Callable[[Transition], None]
    observers: Sequence[Observer] = ()
    clock: Clock | None = None
    episode: Episode = field(default_factory=lambda: Episode(0, 0))
    _observation: Observation = field(default_factory=dict)

    def run_episode(
        self, episode_id: int, seed: int, should_stop: Callable[[], bool] = lambda: False
    ) -> Episode:
        """One episode, until it is over or `should_stop()`; its account is returned."""
        self.begin(episode_id, seed)
        return self.finish(should_stop)

    def finish(self, should_stop: Callable[[], bool] = lambda: False) -> Episode:
        """The rest of an episode that has begun."""
        while not (self.episode.over or should_stop()):
            self.step()
        for observer in self.observers:
            observer.on_episode(self.episode)
        return self.episode

    def begin(self, episode_id: int, seed: int) -> None:
        """Reset environment, policy and operator for the episode of `seed`."""
        self._observation = self.env.reset(seed)
        self.policy.reset(seed)
        self.operator.reset(self.env.expert)
        self.episode = Episode(episode_id, seed)
        if self.clock is not None:
            self.clock.restart()

    def step(self) -> None:
        """One control step: observe, propose, intervene, execute, record.

        A step that is refused (numbers that are not finite), and one in which the operator says RERECORD or
        QUIT, ends the episode and is not recorded.
        """
        observation, episode = self._observation, self.episode
        proposed = self.policy(observation)
        command = self.operator.command(proposed)
        intervened = command.action is not None
        executed = self.env.clip(command.action if command.action is not None else proposed)
        if intervened:
            self.policy.interrupt()
        if command.event in (Event.RERECORD, Event.QUIT):
            episode.event = command.event
            return
        try:
            require_finite("the policy's action", proposed)
            outcome = self.env.step(executed, command.event)
        except StepRefusedError as error:
            episode.refused = str(error)
            return
        transition = Transition(
            observation=observation,
            action=outcome.info.get("executed_action", executed),
            policy_action=proposed,
            controller=Controller.OPERATOR if intervened else Controller.POLICY,
            reward=outcome.reward,
            terminated=outcome.terminated,
            truncated=outcome.truncated,
            next_observation=outcome.observation,
            discrete_penalty=outcome.discrete_penalty,
            episode_id=episode.episode_id,
            step=episode.length,
            is_success=outcome.is_success,
        )
        self.record(transition)
        episode.add(transition, outcome)
        episode.event = command.event
        if command.event is Event.FAILURE:
            episode.is_success = False
        self._observation = outcome.observation
        for observer in self.observers:
            observer.on_step(episode, transition, outcome)
        if self.clock is not None:
            self.clock.tick(self.operator.interactive)
