"""`hilt learner` and `hilt actor` as separate commands, in any order, on a bad network, under fire."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hilt.runs.metrics import read_metrics
from tests.system.apart import Apart
from tests.system.runs import (
    Hilt,
    Steps,
    checkpoint_step,
    doubled,
    ended,
    holes,
    logged,
    resident_mib,
    threads,
)
from tests.transport.strangers import visit

pytestmark = [pytest.mark.timeout(1500), pytest.mark.slow]
MESSAGES = 200


@dataclass
class Story:
    """What was seen of one training with two actors, of which everything was restarted."""

    pair: Apart
    snapshots: dict[str, Steps] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    growth_mib: float = 0.0
    taken: int = 0


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    pair = Apart(tmp_path_factory.mktemp("apart"))
    told = Story(pair)

    def go_on(process: Hilt, what: str) -> None:
        told.snapshots[what] = logged(pair.run)
        goal = len(told.snapshots[what]) + 60
        process.until(lambda: len(logged(pair.run)) >= goal, f"steps after {what}")

    actor = pair.actor()
    actor.until(lambda: "waiting for learner" in actor.said, "the actor says what it waits for")
    learner = pair.learner("--policy.online_steps=100000")
    go_on(learner, "the actor came first")
    suffer(pair, lambda: go_on(learner, "trouble on the line"))
    bombard(pair, learner, told)
    go_on(learner, "strangers")
    second = pair.actor()
    actor.kill()
    go_on(learner, "an actor was killed while another came")
    actor = pair.actor()
    learner.until(lambda: len({episode >> 32 for episode, _ in logged(pair.run)}) == 3, "steps of all three")
    go_on(learner, "two actors")
    learner.signal(signal.SIGTERM)
    told.exit_codes["stopped learner"] = learner.wait()
    told.said["stopped learner"] = learner.said
    (pair.run / "spec.json").unlink()  # runs of before have none: an actor tells it
    learner = pair.learner()
    go_on(learner, "the learner came back")
    for name, process in (("actor", actor), ("second actor", second), ("learner", learner)):
        process.signal(signal.SIGTERM)
        told.exit_codes[name], told.said[name] = process.wait(), process.said
    return told


def suffer(pair: Apart, go_on: Callable[[], None]) -> None:
    """The network is cut, silent, and slow; each time training goes on."""
    pair.relay.cut()
    go_on()
    pair.relay.flows.clear()
    time.sleep(1.0)
    pair.relay.flows.set()
    pair.relay.delay_s, pair.relay.bytes_per_s = 0.05, 100_000
    go_on()
    pair.relay.cut_after = 3_000
    go_on()
    pair.relay.delay_s, pair.relay.bytes_per_s = 0.0, float("inf")


def bombard(pair: Apart, learner: Hilt, told: Story) -> None:
    chance, spec = random.Random(0), pair.spec()
    before = resident_mib(learner.pid), threads(learner.pid)
    told.taken = sum(visit(pair.address, chance, spec) for _ in range(MESSAGES))
    learner.until(lambda: threads(learner.pid) <= before[1] + 2, "the threads of strangers have ended")
    told.growth_mib = resident_mib(learner.pid) - before[0]


def test_everybody_ends_when_asked_to(story: Story) -> None:
    assert set(story.exit_codes.values()) == {143}
    assert not [said for said in story.said.values() if "Traceback" in said]


def test_nothing_is_lost_or_doubled(story: Story) -> None:
    steps = logged(story.pair.run)
    assert not doubled(steps)
    assert not holes(steps)
    for what, snapshot in story.snapshots.items():
        assert steps[: len(snapshot)] == snapshot, what


def test_only_a_killed_actor_leaves_an_episode_open(story: Story) -> None:
    """Whatever happened to the network and the learner, an actor that lives has all of its steps arrive."""
    steps = logged(story.pair.run)
    actors, killed = 2, 1
    assert len({episode for episode, _ in steps} - ended(story.pair.run)) <= actors + killed
    assert not list((story.pair.folder / "acting").rglob("*.hiltlog"))


def test_strangers_are_refused_and_leave_nothing_behind(story: Story) -> None:
    assert story.taken == 0
    assert story.growth_mib < 60


def test_the_learner_goes_on_from_where_it_was_stopped(story: Story) -> None:
    assert "going on from update" in story.said["learner"]
    steps = [record["step"] for record in read_metrics(story.pair.run / "metrics.jsonl")]
    assert steps == sorted(steps)
    assert checkpoint_step(story.pair.run) > 0
