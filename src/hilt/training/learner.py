"""The learner: receives transitions, updates the policy, publishes weights, decides when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from hilt.algorithms.base import Algorithm
from hilt.data.transition import Judge
from hilt.runs.checkpoints import Checkpoint
from hilt.runs.saving import Saver
from hilt.training.actors import Actors
from hilt.training.learner_parts import Batches
from hilt.training.pacing import Every, Rate
from hilt.training.plan import Plan
from hilt.training.replay_memory import Memory
from hilt.training.status import RATE_WINDOW_S, Reporting, Status
from hilt.training.threads import UpdateThreads
from hilt.training.validation import AttendedTest, Tested, Validation
from hilt.transport.messages import Directive
from hilt.transport.weights import Weights

_STATUS_S = 0.5
_WAIT_S = 0.2
_PARTING_S = 3.0


class Learner:
    """Runs one training to its end; everything it needs is handed in.

    Its phases: `offline` (updates on demonstrations alone), `warm-up` (waiting for first transitions),
    `online`, `done`.
    """

    def __init__(
        self,
        plan: Plan,
        algorithm: Algorithm,
        batches: Batches,
        memory: Memory,
        actors: Actors,
        reporting: Reporting,
        saver: Saver,
        should_stop: Callable[[], bool],
    ) -> None:
        self._plan, self._algorithm, self._batches = plan, algorithm, batches
        self._memory, self._actors, self._saver = memory, actors, saver
        self._metrics, self._history, self._show = reporting.metrics, reporting.history, reporting.show
        self._should_stop = should_stop
        self._phase = "starting"
        self._waiting_for = ""
        self._version = int(1000 * time.time())  # newer than those of any learner before
        self._validation = Validation.of(plan, self._online_updates)
        target = plan.target_success_rate
        self._attended = None if target is None else AttendedTest(target)
        self._can_test_alone = False
        self._last_metrics: dict[str, Tensor] = {}
        self._publish_due, self._status_due = Every(plan.publish_every_s), Every(_STATUS_S)
        self._save_due = Every(plan.save_every_s)
        self._update_rate, self._step_rate = Rate(RATE_WINDOW_S), Rate(RATE_WINDOW_S)
        self._rates = (0.0, 0.0)
        self._hold = False
        self._threads = UpdateThreads()
        self._saved_at = algorithm.updates
        self.best_success_rate = 0.0
        """What the success rate of the checkpoint `best` is at least, by its test."""
        self._best: tuple[int, Mapping[str, Tensor]] | None = None  # when it was saved, and its weights
        self.reached_target = False

    def restore(self, counters: Mapping[str, Any]) -> None:
        """Go on from the `counters` of a checkpoint."""
        self.best_success_rate = float(counters["best_success_rate"])
        self._validation.count = int(counters.get("tests", 0))
        if self._attended is not None:
            self._attended = AttendedTest(self._plan.target_success_rate or 0.0, self._validation.count + 1)

    def run(self) -> bool:
        """Train until `online_steps` or the target success rate (True), or a request to stop; then save."""
        self._learn_offline()
        self._publish()
        while not self._finished():
            self._memory.absorb()
            self._take_reports()
            self._validate_if_due()
            if self._plan.pace.may_update(self._experience, self._online_updates):
                self._enter("online")
                self._update()
            else:
                self._wait_for_experience()
            self._hold_or_release()
            self._share_cores()
            self._housekeep()
        return self._finish()

    @property
    def _online_updates(self) -> int:
        return self._algorithm.updates - self._plan.offline_updates

    @property
    def _experience(self) -> int:
        """Environment steps; until the warm-up is over, those that count for it."""
        successful = self._memory.successful_steps
        if self._plan.only_successful_warm_up and self._plan.pace.warming_up(successful):
            return successful
        return self._memory.env_steps

    def _finished(self) -> bool:
        spent = self._metrics.elapsed_s >= self._plan.time_limit_s
        done = self.reached_target or self._memory.env_steps >= self._plan.online_steps
        return self._should_stop() or done or spent

    def _hold_or_release(self) -> None:
        ahead = self._plan.pace.actors_hold(self._experience, self._online_updates)
        hold = ahead and self._phase == "online"
        if hold != self._hold:
            self._hold = hold
            self._direct()

    def _share_cores(self) -> None:
        """Actors that hold need none, but for one that tests the policy meanwhile."""
        resting = self._hold and not self._validation.version
        self._threads.leave(0 if resting else self._actors.local_actors)

    def _learn_offline(self) -> None:
        if len(self._memory.demonstrations) == 0:
            return
        while self._algorithm.updates < self._plan.offline_updates and not self._finished():
            self._enter("offline")
            self._update()
            self._memory.absorb()
            self._housekeep(publish=False)
        if self._plan.save and self._algorithm.updates > self._saved_at:
            self.save()

    def _update(self) -> None:
        self._last_metrics = self._algorithm.update(self._batches.draw)
        if self._algorithm.updates % self._plan.log_freq == 0:
            self._log_update()
        if self._plan.save and self._algorithm.updates % self._plan.save_freq == 0:
            self.save()

    def _wait_for_experience(self) -> None:
        """Sleeps until something arrives: never spins."""
        warming = self._plan.pace.warming_up(self._experience)
        who = "transitions from the actors" if self._actors.actors else "an actor to connect"
        self._enter("warm-up" if warming else "online", who)
        self._memory.absorb(_WAIT_S)

    def _validate_if_due(self) -> None:
        """Have an actor run the newest weights alone, on episodes of their own stream."""
        if self._phase != "online" or not (self._can_test_alone and self._actors.actors):
            return
        alone = self._history.success_rate_without_help, self._history.cycle_steps_without_help
        if self._validation.is_due(self._online_updates, *alone):
            weights = self._publish()
            copies = {name: tensor.clone() for name, tensor in weights.tensors.items()}
            self._validation.begin(replace(weights, tensors=copies), self._online_updates)
            self._direct()
        elif self._validation.give_up_if_silent():
            self._direct()

    def _take_test(self, report: Mapping[str, Any]) -> None:
        """Where the target is reached the policy is again what was tested, and training is over."""
        if "tested" in report:
            figures = {name: value for name, value in report.items() if name != "tested"}
            self._metrics.log(self._memory.env_steps, figures)
        result = self._validation.hear(report)
        if result is not None:
            self._take_result(result)
            self._direct()

    def _take_result(self, result: Tested) -> None:
        """Training is over when the target is reached; the best policy so far is saved."""
        self.reached_target = result.is_passed
        if self.reached_target:
            self._algorithm.policy.load_state_dict(result.weights.tensors)
        is_best = self.reached_target or result.score > self.best_success_rate
        if is_best and self._validation.is_promising(result.rate) and self._plan.save:
            self.best_success_rate = result.score
            self._best = (self._algorithm.updates, result.weights.tensors)
            self.save(best=True, model=result.weights.tensors)

    def _take_attended(self, report: Mapping[str, Any]) -> None:
        """Where only people can judge, or the arm may not run unattended, training episodes are the test."""
        has_judge = report.get("Judge", Judge.ENVIRONMENT) in (Judge.ENVIRONMENT, Judge.CLASSIFIER)
        self._can_test_alone |= has_judge and self._plan.tests_alone
        if self._can_test_alone or self._attended is None or self._phase != "online":
            return
        result = self._attended.add(report)
        if result is None:
            return
        self._metrics.log(self._memory.env_steps, result)
        weights = Weights(self._version, self._algorithm.policy.state_dict(), self._algorithm.policy.config)
        self._take_result(self._validation.judge(weights, result))

    def _take_reports(self) -> None:
        for _, report in self._actors.reports():
            if "thrown_away" in report:
                self._memory.forget(int(report["thrown_away"]))
            elif "test_steps" in report:
                self._history.add_test(report["test_steps"], report["test_episodes"])
            elif "tested" in report or "testing" in report:
                self._take_test(report)
            else:
                self._metrics.log(self._memory.env_steps, self._history.add(report))
                self._take_attended(report)

    def _housekeep(self, publish: bool = True) -> None:
        publish = publish and not self._validation.version
        if publish and self._actors.weights_wanted and self._publish_due.due():
            self._publish()
        if self._status_due.due():
            self._rates = (
                self._step_rate.per_second(self._memory.env_steps),
                self._update_rate.per_second(self._algorithm.updates),
            )
            self._tell()
        if self._plan.save and self._save_due.due() and self._algorithm.updates > self._saved_at:
            self.save()

    def _enter(self, phase: str, waiting_for: str = "") -> None:
        if phase != self._phase:
            self._metrics.log(self._memory.env_steps, {"Phase": phase})
        if (phase, waiting_for) != (self._phase, self._waiting_for):
            self._phase, self._waiting_for = phase, waiting_for
            self._tell()

    def _tell(self, stop: bool = False) -> None:
        """The status to the person, the directive to the actors."""
        self._show(self.status())
        self._direct(stop)

    def _direct(self, stop: bool = False) -> None:
        status = self.status()
        figures = {
            "env_steps": float(status.env_steps),
            "updates": float(status.updates),
            "updates_per_s": status.updates_per_s,
            **(self._history.rates() if self._history.recent else {}),
            "episodes": float(self._history.episodes),
            **self._history.cost(),
        }
        if status.count is not None:
            figures |= {"done": float(status.count.done), "total": float(status.count.total)}
        test = self._validation.request
        self._actors.direct(Directive(self._phase, stop, self._waiting_for, self._hold, test, figures))

    def status(self) -> Status:
        """What a person wants to know now."""
        env_steps = self._memory.env_steps
        return Status(
            phase=self._phase,
            waiting_for=self._waiting_for,
            count=self._plan.count(self._phase, self._algorithm.updates, self._experience, env_steps),
            test=self._validation.count_of_episodes,
            env_steps=env_steps,
            updates=self._algorithm.updates,
            success_rate=self._history.success_rate_without_help,
            intervention_rate=self._history.intervention_rate,
            steps_per_s=self._rates[0],
            updates_per_s=self._rates[1],
            elapsed_s=self._metrics.elapsed_s,
            left_s=self._plan.seconds_left(self._phase, self._metrics.elapsed_s, env_steps, self._rates[0]),
        )

    def _publish(self) -> Weights:
        self._version += 1
        policy = self._algorithm.policy
        weights = Weights(self._version, policy.state_dict(), policy.config)
        self._actors.publish(weights, policy.frozen)
        return weights

    def _log_update(self) -> None:
        record = {f"train/{name}": float(value) for name, value in self._last_metrics.items()}
        record["train/updates"] = self._algorithm.updates
        record["train/updates_per_s"] = round(self._rates[1], 2)
        record["train/replay_buffer_size"] = len(self._memory.online)
        record["train/offline_replay_buffer_size"] = len(self._memory.demonstrations)
        self._metrics.log(self._memory.env_steps, record)

    def save(self, *, best: bool = False, model: Mapping[str, Tensor] | None = None) -> None:
        """Have a checkpoint written while training goes on; its policy is `model`, or the newest one."""
        model = model or self._algorithm.policy.state_dict()
        self._saved_at = self._algorithm.updates
        checkpoint = Checkpoint(
            step=self._algorithm.updates,
            config=dict(self._algorithm.policy.config),
            model={name: tensor.detach().to("cpu", copy=True) for name, tensor in model.items()},
            train_config=dict(self._saver.train_config),
            state=self._algorithm.state_tensors(),
            counters={
                "env_steps": self._memory.env_steps,
                "elapsed_s": self._metrics.elapsed_s,
                "history": self._history.state(),
                "sampler": self._batches.state(),
                "reached_target": self.reached_target,
                "best_success_rate": self.best_success_rate,
                "tests": max(self._validation.count, self._attended.count - 1 if self._attended else 0),
            },
        )
        self._saver.save(checkpoint, best=best)

    def _finish(self) -> bool:
        """Actors of a learner that is done leave; those of one that was stopped wait for the next."""
        done = not self._should_stop()
        env_steps = self._memory.env_steps
        reason = self._plan.reason(self.reached_target, env_steps) if done else "stopped"
        self._metrics.log(env_steps, {"Ended by": reason})
        self._threads.leave(0)
        self._phase, self._waiting_for = "done" if done else "stopped", ""
        self._publish()
        self._tell(stop=done)
        deadline = time.monotonic() + _PARTING_S
        while done and self._actors.actors and time.monotonic() < deadline:
            self._memory.absorb(0.05)
        while self._memory.waiting:
            self._memory.absorb()
        self._take_reports()
        if self._plan.save:
            step, tested = self._best or (-1, None)  # a checkpoint of the same step replaces that one
            self.save(model=tested if step == self._algorithm.updates else None)
        self._saver.wait()
        return done
