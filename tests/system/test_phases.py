"""ACFQL's learner and actor, started separately and killed in every phase of the schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hilt.runs.metrics import read_metrics
from tests.system.runs import (
    NETWORK,
    TINY,
    Hilt,
    assert_each_once_and_no_gaps,
    checkpoint_step,
    logged,
    write_config,
)
from tests.transport.transport_tools import free_port

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]
OFFLINE, WARM_UP, STEPS = 600, 3000, 3600
POLICY = {
    "type": "acfql",
    "chunk_size": 3,
    "n_action_steps": 3,
    "flow_steps": 1,
    "num_critics": 2,
    "offline_steps": OFFLINE,
    "online_step_before_learning": WARM_UP,
    "online_steps": STEPS,
    "critic_network_kwargs": NETWORK,
    "actor_network_kwargs": NETWORK,
}


@dataclass
class Story:
    """What was seen of one training whose two sides were killed in each phase."""

    run: Path
    updates: dict[str, int] = field(default_factory=dict)
    """Phase -> the last checkpoint's when both sides were killed."""
    said: dict[str, str] = field(default_factory=dict)
    exit_codes: tuple[int, int] = (-1, -1)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("phases")
    config, run = write_config(folder, {**TINY, "policy": POLICY, "save_every_s": 0.2}), folder / "run"
    link = f"--policy.actor_learner_config.learner_port={free_port()}"

    def learn(*more: str) -> Hilt:
        return Hilt(folder, "learner", "--config_path", config, f"--output_dir={run}", link, *more)

    def act() -> Hilt:
        """As the field's documentation resumes an actor."""
        return Hilt(folder, "actor", "--config_path", config, link, "--policy.offline_steps=0")

    told, actor, learner = Story(run), act(), learn()
    reached = {
        "offline": lambda: 0 < checkpoint_step(run) < OFFLINE,
        "warm-up": lambda: checkpoint_step(run) == OFFLINE and 0 < len(logged(run)) < WARM_UP,
        "online": lambda: checkpoint_step(run) > OFFLINE,
    }
    for phase, holds in reached.items():
        learner.until(holds, phase)
        told.updates[phase] = checkpoint_step(run)
        learner.kill()
        told.said[f"learner {phase}"] = learner.said
        learner = learn("--resume=true")
        actor.kill()
        told.said[f"actor {phase}"] = actor.said
        actor = act()
    told.exit_codes = learner.wait(), actor.wait()
    told.said |= {"learner": learner.said, "actor": actor.said}
    return told


def test_both_sides_come_to_their_end(story: Story) -> None:
    assert story.exit_codes == (0, 0), story.said
    assert not [who for who, text in story.said.items() if "Traceback" in text], story.said
    steps = logged(story.run)
    assert len(steps) >= STEPS
    assert_each_once_and_no_gaps(steps)


def test_each_learner_was_killed_in_its_phase_and_the_next_went_on_from_there(story: Story) -> None:
    assert story.updates["offline"] < OFFLINE == story.updates["warm-up"] < story.updates["online"]
    assert all("going on from update" in story.said[f"learner{who}"] for who in (" warm-up", " online", ""))


def test_the_schedule_was_kept_through_all_of_it(story: Story) -> None:
    """No environment step before the offline phase is over, no online update before the warm-up is."""
    records = [record for record in read_metrics(story.run / "metrics.jsonl") if "train/updates" in record]
    offline = [record for record in records if record["train/updates"] <= OFFLINE]
    online = [record for record in records if record["train/updates"] > OFFLINE]
    assert {record["step"] for record in offline} == {0}
    assert min(record["step"] for record in online) >= WARM_UP
