"""The learner: its phases, when it stops, what it says, and that it waits without working."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hilt.build.envs import make_environment
from hilt.data.transition import Transition
from hilt.rollout.rollout import Episode
from hilt.runs.checkpoints import Checkpoint, CheckpointStore
from hilt.runs.history import History, summarise
from hilt.runs.layout import best_checkpoint
from hilt.runs.metrics import JsonLines, Metrics, read_metrics
from hilt.runs.saving import Saver
from hilt.training.learner import Learner
from hilt.training.learner_parts import Batches, Builder
from hilt.training.pacing import Pace
from hilt.training.plan import Plan
from hilt.training.replay_memory import Memory
from hilt.training.sequential_test import SequentialTest
from hilt.training.status import Reporting, Status
from hilt.transport.messages import Directive
from hilt.transport.weights import Weights
from tests.training.parts import episode, saved_names, small_config


class Room:
    """Actors of this process: they hear the learner, and have a step whenever it looks."""

    def __init__(self, memory: Memory, schema: Any) -> None:
        self._memory, self._steps = memory, self._experience(schema)
        self.present, self.true_success = True, 0.0
        self._random = random.Random(0)
        self.published: list[Weights] = []
        self.frozen: set[str] = set()
        self.heard: list[Directive] = []
        self._reports: list[tuple[str, Mapping[str, Any]]] = []

    @staticmethod
    def _experience(schema: Any) -> Iterator[Transition]:
        for number in range(1, 10_000):
            yield from episode(number, 8, schema=schema)

    def play(self, steps: int) -> None:
        for _ in range(steps):
            transition = next(self._steps)
            self._memory.receive([transition])
            if transition.done:
                done = Episode(
                    transition.episode_id, 0, length=8, reward=1.0, is_success=True, terminated=True
                )
                self._reports.append(("a", summarise(done)))

    def publish(self, weights: Weights, frozen: Collection[str]) -> None:
        self.published.append(weights)
        self.frozen = set(frozen)

    @property
    def weights_wanted(self) -> bool:
        return self.present

    def direct(self, directive: Directive) -> None:
        self.heard.append(directive)
        if directive.stop:
            self.present = False
        if directive.test is not None:
            test = SequentialTest(directive.test.target, directive.test.episodes, directive.test.number)
            while not test.is_over:
                test.add(self._random.random() < self.true_success, 20)
            self._reports.append(("a", {"tested": directive.test.version, **test.result}))

    def reports(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        if self.present and self._memory.env_steps < 10_000:
            self.play(3)
        reports, self._reports = self._reports, []
        return reports

    @property
    def actors(self) -> Sequence[object]:
        return ["a"] if self.present else []

    @property
    def local_actors(self) -> int:
        return len(self.actors)


class Bench:
    """A learner with its parts at hand."""

    def __init__(self, run: Path, plan: Plan, *, demonstrations: int = 2) -> None:
        config = small_config()
        env = make_environment(config)
        env.close()
        self.run, self.stop = run, threading.Event()
        builder = Builder(config, env.spec, "cpu")
        self.memory = builder.memory(run)
        for number in range(demonstrations):
            self.memory.demonstrate(episode(10_000 + number, 8, schema=env.schema))
        self.actors = Room(self.memory, env.schema)
        self.algorithm = builder.algorithm(self.memory, None)
        self.shown: list[Status] = []
        sampler = builder.sampler(self.memory)
        self.store = CheckpointStore(run)
        self.learner = Learner(
            plan=plan,
            algorithm=self.algorithm,
            batches=Batches(builder.draw(sampler), sampler.generator),
            memory=self.memory,
            actors=self.actors,
            reporting=Reporting(Metrics([JsonLines(run / "metrics.jsonl")]), History(10), self.shown.append),
            saver=Saver(self.store, {}, print),
            should_stop=self.stop.is_set,
        )


def plan(**changes: Any) -> Plan:
    keys = {"offline_updates": 4, "online_steps": 60, "pace": Pace(1.0, 10, 8.0), "log_freq": 5}
    return Plan(**{**keys, **changes})


def test_training_ends_at_its_steps_with_a_checkpoint_and_sends_the_actors_home(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan())
    assert bench.learner.run()
    assert 60 <= bench.memory.env_steps <= 70
    assert bench.actors.heard[-1].stop
    assert bench.actors.heard[-1].phase == "done"
    saved = bench.store.load_last()
    assert saved is not None
    assert saved.step == bench.algorithm.updates
    assert saved.counters["env_steps"] == bench.memory.env_steps
    assert 0 < bench.algorithm.updates - 4 <= bench.memory.env_steps  # one update per step at most


def test_phases_come_in_their_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan())
    bench.learner.run()
    seen = [status.phase for status in bench.shown]
    assert list(dict.fromkeys(seen)) == ["offline", "warm-up", "online", "done"]


def test_every_phase_counts_up_to_its_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan())
    bench.learner.run()
    counts = {}
    for status in bench.shown:
        assert status.count is not None
        counts[status.phase] = (status.count.total, status.count.unit)
    assert counts == {
        "offline": (4, "updates"),
        "warm-up": (10, "steps"),
        "online": (60, "steps"),
        "done": (60, "steps"),
    }
    figures = [directive.figures for directive in bench.actors.heard if directive.phase == "warm-up"]
    assert figures[-1]["total"] == 10


def test_the_time_left_is_that_of_the_first_limit(tmp_path: Path) -> None:
    learner = Bench(tmp_path, plan(online_steps=10**6, time_limit_s=100.0)).learner
    learner._phase = "online"
    for steps_per_s in (0.0, 5.0):
        learner._rates = (steps_per_s, 1.0)
        assert 90 < (learner.status().left_s or 0) <= 100
    learner._rates = (10**5, 1.0)
    assert learner.status().left_s == 10
    learner._phase = "done"
    assert learner.status().left_s is None


def test_a_request_to_stop_saves_and_leaves_the_actors_to_wait_for_the_next_learner(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(online_steps=10**6))
    threading.Timer(1.0, bench.stop.set).start()
    assert not bench.learner.run()
    assert not any(directive.stop for directive in bench.actors.heard)
    saved = bench.store.load_last()
    assert saved is not None
    assert saved.step == bench.algorithm.updates


def test_training_ends_when_the_policy_alone_reaches_the_target(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(online_steps=10**6, target_success_rate=0.9, eval_freq=10))
    bench.actors.true_success = 0.99
    assert bench.learner.run()
    assert bench.learner.reached_target
    assert bench.memory.env_steps < 10_000
    saved = bench.store.load_last()
    assert saved is not None
    assert saved.counters["reached_target"] is True
    assert (tmp_path / "checkpoints" / "best").is_symlink()


def test_where_the_arm_may_not_run_unattended_episodes_of_training_are_the_test(tmp_path: Path) -> None:
    changes = {"online_steps": 10**6, "target_success_rate": 0.9, "eval_freq": 10, "tests_alone": False}
    bench = Bench(tmp_path, plan(**changes))
    assert bench.learner.run()
    assert bench.learner.reached_target
    assert all(directive.test is None for directive in bench.actors.heard)
    tests = [record for record in read_metrics(tmp_path / "metrics.jsonl") if "Validation passed" in record]
    assert [record["Validation episodes"] for record in tests] == [20]


def test_a_policy_below_the_target_goes_on_learning(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(online_steps=200, target_success_rate=0.9, eval_freq=20))
    bench.actors.true_success = 0.7
    assert bench.learner.run()
    assert not bench.learner.reached_target
    assert 0 < bench.learner.best_success_rate < 0.9


def test_a_hopeless_test_is_no_reason_to_go_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(online_steps=200, target_success_rate=0.9, eval_freq=20))
    bench.actors.true_success = 0.1
    assert bench.learner.run()
    assert best_checkpoint(tmp_path).name == "last"


def test_without_experience_the_learner_waits_and_does_not_work(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(online_steps=10**6))
    bench.actors.present = False
    thread = threading.Thread(target=bench.learner.run)
    thread.start()
    while not (bench.shown and bench.shown[-1].waiting_for):
        time.sleep(0.01)
    before, updates = time.process_time(), bench.algorithm.updates
    time.sleep(1.0)
    assert time.process_time() - before < 0.25
    assert bench.algorithm.updates == updates
    assert "actor" in bench.shown[-1].waiting_for
    bench.stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_without_demonstrations_learning_begins_online(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(offline_updates=0), demonstrations=0)
    assert bench.learner.run()
    assert bench.algorithm.updates > 0


def test_the_time_limit_ends_the_offline_phase_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(offline_updates=10**9, time_limit_s=0.3))
    assert bench.learner.run()
    assert bench.memory.env_steps < 60
    saved = bench.store.load_last()
    assert saved is not None
    assert saved.step == bench.algorithm.updates


def test_versions_of_weights_grow_and_what_never_changes_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(publish_every_s=0.0))
    bench.learner.run()
    versions = [weights.version for weights in bench.actors.published]
    assert versions == sorted(set(versions))
    assert len(versions) > 3
    first, last = bench.actors.published[0].tensors, bench.actors.published[-1].tensors
    assert bench.actors.frozen < set(first)
    assert first.keys() == last.keys()


def test_metrics_carry_losses_buffers_and_episodes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan())
    bench.learner.run()
    records = read_metrics(tmp_path / "metrics.jsonl")
    updates = [record for record in records if "train/updates" in record]
    expected = {"train/loss_critic", "train/loss_actor", "train/temperature", "train/replay_buffer_size"}
    assert expected <= set().union(*updates)
    assert updates[-1]["train/offline_replay_buffer_size"] > 16
    assert [record["step"] for record in records] == sorted(record["step"] for record in records)
    assert any(record.get("Episodic reward") == 1 for record in records)
    json.dumps(records, allow_nan=False)


@pytest.mark.parametrize("save", [True, False])
def test_checkpoints_are_written_when_asked(tmp_path: Path, save: bool) -> None:
    bench = Bench(tmp_path, plan(save=save, save_freq=10))
    bench.learner.run()
    assert (tmp_path / "checkpoints").exists() is save
    if save:
        assert len(saved_names(tmp_path)) == 3


class SlowStore(CheckpointStore):
    """A disk that takes its time."""

    def __init__(self, run: Path) -> None:
        super().__init__(run)
        self.may_write = threading.Event()

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> Path:
        self.may_write.wait(30)
        return super().save(checkpoint, best=best)


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plan(save=False))
    store = SlowStore(tmp_path)
    bench.learner._saver = Saver(store, {}, print)
    bench.learner._learn_offline()
    bench.actors.play(20)
    bench.memory.absorb()
    bench.learner.save()
    written = {name: tensor.clone() for name, tensor in bench.algorithm.state_tensors().items()}
    for _ in range(3):
        bench.learner._update()
    assert store.load_last() is None
    store.may_write.set()
    bench.learner._saver.wait()
    saved = store.load_last()
    assert saved is not None
    assert saved.step == 4
    changed = [name for name in written if not bool((saved.state[name] == written[name]).all())]
    assert not changed  # what was saved is what was there when saving began


def test_a_disk_that_is_full_is_told_and_survived(tmp_path: Path) -> None:
    told: list[str] = []
    bench = Bench(tmp_path, plan())
    (tmp_path / "checkpoints").write_text("where the folder should be")
    bench.learner._saver = Saver(bench.store, {}, told.append)
    assert bench.learner.run()
    assert told
    assert "no checkpoint at update" in told[0]
