"""What the simulated people achieve at each task, by themselves: the table of docs/tasks.md.

    python -m benchmarks.people --episodes=100 docs/tasks.md

Every person plays the same seeded starts, holding the controls throughout, in both action modes. Without a
file the table is printed only; in a file its rows replace those of the same tasks between two marks.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from hilt.envs import make, task_names
from hilt.envs.feature_env import Environment, episode_seed
from hilt.operators import PERSONS, ScriptedOperator
from hilt.operators.habits import habits_of
from hilt.rollout.rollout import HoldStill, Rollout

BEGIN, END = "<!-- people: made by benchmarks/people.py -->", "<!-- /people -->"
MODES = {"ee_delta_pos": "translation", "ee_delta_pose": "with rotation"}


def play(task: str, mode: str, person: str, episodes: int) -> list[float | None]:
    """Cycle time [s] of each episode; None: it failed."""
    env = Environment(make(task, action_mode=mode, render_mode=None))
    operator = ScriptedOperator(
        seed=0,
        fps=env.fps,
        action_low=env.action_low,
        action_high=env.action_high,
        habits=habits_of({"person": person, "always": True}),
    )
    rollout = Rollout(env, HoldStill(env), operator, record=lambda transition: None)
    played = [rollout.run_episode(i, episode_seed("people", 0, i)) for i in range(episodes)]
    return [episode.length / env.fps if episode.is_success else None for episode in played]


def cell(cycles: Sequence[float | None]) -> str:
    """Successes, then the median cycle time of these and its quartiles."""
    times = sorted(cycle for cycle in cycles if cycle is not None)
    if len(times) < 2:
        return str(len(times))
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return f"{len(times)}, {middle:.1f} s ({low:.1f} to {high:.1f})"


def rows(tasks: Sequence[str], episodes: int) -> Iterator[str]:
    """Two rows for each task, as they are played."""
    for task in tasks:
        for mode, name in MODES.items():
            cells = [cell(play(task, mode, person, episodes)) for person in PERSONS]
            yield f"| {task} | {name} | {' | '.join(cells)} |"


def head(episodes: int) -> list[str]:
    return [f"| of {episodes} | actions | {' | '.join(PERSONS)} |", "|---|---|" + "---|" * len(PERSONS)]


def written_into(text: str, table: Sequence[str], episodes: int) -> str:
    """`text` with the rows of `table` in place of those of the same tasks between the two marks."""
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    played = {row.split(" | ")[0] for row in table}
    names = {f"| {task}" for task in task_names()}
    kept = [row for row in old.splitlines() if row.split(" | ")[0] in names - played]
    return "\n".join((before + BEGIN, *head(episodes), *sorted((*kept, *table)), END + after))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--tasks", default=",".join(task_names()))
    arguments = parser.parse_args()
    print("\n".join(head(arguments.episodes)), flush=True)
    table = []
    for row in rows(arguments.tasks.split(","), arguments.episodes):
        print(row, flush=True)
        table.append(row)
    if arguments.file is not None:
        text = arguments.file.read_text()
        arguments.file.write_text(written_into(text, table, arguments.episodes))


if __name__ == "__main__":
    main()
