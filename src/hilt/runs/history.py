"""What the episodes of a run say of success, and what they cost: for page, metrics and evaluation alike.

A second of effort is a second of the robot's time (steps / fps), whatever time simulating it took.

| metric | meaning |
|---|---|
| `Episodic reward`, `Episode length` | sum of rewards, and steps, of an episode |
| `Episodic success` | 1 when the judge (`Judge`) says that the episode succeeded |
| `Success rate` | share of the last 20 episodes that succeeded, with help or without |
| `Success rate without help` | share of the last 20 that succeeded without a step by the operator |
| `Intervention rate` | share of the steps of an episode in which the operator was in control |
| `Interventions per 1000 steps` | takeovers, over the last 20 episodes |
| `Human seconds` | at the controls since the run began, demonstrations not included |
| `Watching seconds` | while a person was there, not in control; the simulated person always is |
| `Takeovers` | how often the operator took control since the run began |
| `Episode human seconds`, `Episode takeovers` | the same, in the episode |
| `Demonstrations`, `Demonstration seconds` | those that training began with, and how long they are |
| `Resets` | of the environment: for demonstrations, episodes and tests |
| `Arm seconds` | in which the arm moved: demonstrations, episodes and tests |
| `Test steps` | of tests of the policy alone; `step` does not count them |
| `Cycle time [s]` | duration of a successful episode |
| `Classifier false positives` | steps of an episode that the reward classifier rewarded wrongly |
| `Classifier false negatives` | steps of success that it did not reward |
| `Classifier time [ms]` | what one step of it takes |
| `Policy frequency [Hz]` | control steps per second of the actor |
| `Weights age [s]` | since the actor got its newest weights, at the end of the episode |
| `Control jitter p99 [ms]` | lateness of 99 of 100 control steps, where real time is kept |
| `Refused steps` | since the run began: numbers that were not finite, from policy or simulator |
| `Lost steps` | since the actor began: there was room for them neither in its memory nor on its disk |
| `Steps refused by the learner` | since the actor began: they broke the schema |
| `Safety RULE`, `Safety fault NAME` | steps of an episode that broke the rule, or were ended by the fault |
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from hilt.rollout.rollout import Episode

WINDOW = 20
"""Episodes over which rates are taken."""
_REMEMBERED = ("length", "is_success", "intervention_steps", "takeovers")
_PASSED_ON = (
    "Policy frequency",
    "Weights age",
    "Control jitter",
    "Classifier",
    "Judge",
    "Lost steps",
    "Steps refused",
    "Safety",
)
"""What an actor reports under the name that it is logged by."""
_COUNTERS = (
    "episodes",
    "steps",
    "human_steps",
    "watched_steps",
    "takeovers",
    "refused",
    "test_episodes",
    "test_steps",
    "demonstrations",
    "demonstration_steps",
)


@dataclass(slots=True)
class History:
    """Counters that survive a resume, and the last episodes. Broken-off episodes count as effort alone."""

    fps: float
    episodes: int = 0
    steps: int = 0
    human_steps: int = 0
    watched_steps: int = 0
    takeovers: int = 0
    refused: int = 0
    test_episodes: int = 0
    test_steps: int = 0
    demonstrations: int = 0
    demonstration_steps: int = 0
    recent: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, summary: Mapping[str, float]) -> dict[str, float]:
        """Count one `summarise`d episode; the record to log is returned."""
        self.refused += int(summary["refused"])
        if not summary["length"]:
            return {"Refused steps": self.refused}
        self.episodes += 1
        self.steps += int(summary["length"])
        self.human_steps += int(summary["intervention_steps"])
        self.watched_steps += int(summary["watched_steps"])
        self.takeovers += int(summary["takeovers"])
        if summary["is_complete"]:
            self.recent.append({name: summary[name] for name in _REMEMBERED})
        passed_on = {name: value for name, value in summary.items() if name.startswith(_PASSED_ON)}
        return self._of_episode(summary) | self._so_far() | passed_on

    def add_test(self, lengths: float, episodes: float) -> None:
        """Count the steps and episodes of a test of the policy alone, passed or not."""
        self.test_steps += int(lengths)
        self.test_episodes += int(episodes)

    def _of_episode(self, summary: Mapping[str, float]) -> dict[str, float]:
        record = {
            "Episodic reward": summary["reward"],
            "Episodic success": summary["is_success"],
            "Episode length": summary["length"],
            "Intervention rate": summary["intervention_steps"] / summary["length"],
            "Episode human seconds": summary["intervention_steps"] / self.fps,
            "Episode takeovers": summary["takeovers"],
        }
        if summary["is_success"]:
            record["Cycle time [s]"] = summary["length"] / self.fps
        return record

    def _so_far(self) -> dict[str, float]:
        cost = self.cost()
        return {
            "Success rate": self.success_rate,
            "Success rate without help": self.success_rate_without_help,
            "Interventions per 1000 steps": 1000 * self._per_step("takeovers"),
            "Human seconds": cost["human_s"],
            "Watching seconds": cost["watching_s"],
            "Takeovers": cost["takeovers"],
            "Demonstrations": cost["demonstrations"],
            "Demonstration seconds": cost["demonstrations_s"],
            "Resets": cost["resets"],
            "Arm seconds": cost["arm_s"],
            "Test steps": cost["test_steps"],
            "Refused steps": self.refused,
        }

    def cost(self) -> dict[str, float]:
        """What the run took so far, under the names of `eval.json`; definitions as in this module's table."""
        arm_steps = self.demonstration_steps + self.steps + self.test_steps
        return {
            "human_s": self.human_steps / self.fps,
            "watching_s": self.watched_steps / self.fps,
            "takeovers": self.takeovers,
            "demonstrations": self.demonstrations,
            "demonstrations_s": self.demonstration_steps / self.fps,
            "resets": self.demonstrations + self.episodes + self.test_episodes,
            "arm_s": arm_steps / self.fps,
            "env_steps": self.steps,
            "test_steps": self.test_steps,
        }

    @property
    def success_rate(self) -> float:
        """Share of the last episodes that succeeded, with help or without; 0 before the first."""
        return sum(entry["is_success"] for entry in self.recent) / max(len(self.recent), 1)

    @property
    def success_rate_without_help(self) -> float:
        """Share of the last episodes that succeeded without a step by the operator; 0 before the first."""
        alone = [entry["is_success"] for entry in self.recent if not entry["intervention_steps"]]
        return sum(alone) / max(len(self.recent), 1)

    @property
    def cycle_steps_without_help(self) -> float:
        """Median length of those of the last episodes that succeeded without help; infinite before one."""
        lengths = [e["length"] for e in self.recent if e["is_success"] and not e["intervention_steps"]]
        return float(median(lengths)) if lengths else math.inf

    @property
    def intervention_rate(self) -> float:
        """Share of steps under the operator's control, over the last episodes."""
        return self._per_step("intervention_steps")

    def rates(self) -> dict[str, float]:
        """Of the last episodes, as pages show them."""
        return {
            "success_rate": self.success_rate,
            "success_rate_without_help": self.success_rate_without_help,
            "intervention_rate": self.intervention_rate,
        }

    def _per_step(self, name: str) -> float:
        steps = sum(entry["length"] for entry in self.recent)
        return sum(entry[name] for entry in self.recent) / max(steps, 1)

    def state(self) -> dict[str, Any]:
        """A JSON value from which `restore` goes on."""
        return {name: getattr(self, name) for name in _COUNTERS} | {"recent": list(self.recent)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state()`; what one of an older version does not know is 0."""
        for name in _COUNTERS:
            setattr(self, name, int(state.get(name, 0)))
        self.recent.extend(state["recent"])


def summarise(episode: Episode) -> dict[str, float]:
    """The account of an episode as a flat record that an actor can report."""
    return {
        "length": episode.length,
        "reward": episode.reward,
        "is_success": float(episode.is_success),
        "is_complete": float(episode.is_complete),
        "intervention_steps": episode.intervention_steps,
        "watched_steps": episode.watched_steps,
        "takeovers": episode.takeovers,
        "refused": float(episode.refused is not None),
    }


def judged(episode: Episode) -> dict[str, float | str]:
    """Whose word the success of an episode is, and whether the environment's own, if any, differs."""
    record: dict[str, float | str] = {"Judge": episode.judge.value}
    if episode.ground_truth is not None:
        record["Judge differs from ground truth"] = float(episode.is_success != episode.ground_truth)
    return record
