"""`hilt demo`: the whole road, from nothing to an evaluated policy and a video, without a configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hilt.commands.train import train
from hilt.config.load import load_config
from hilt.config.overrides import parse_command_line
from hilt.runs.layout import MODEL, best_checkpoint
from hilt.runs.metrics import read_metrics
from hilt.training.processes import StopRequest

DEMO: dict[str, Any] = {
    "env": {"task": "hilt/PickCube-v0"},
    "policy": {"type": "sac", "actor_lr": 1e-3, "critic_lr": 1e-3, "online_steps": 100_000},
    "operator": "scripted",
    "operator_options": {"attention": 1.0, "trust": 2.0},
    "target_success_rate": 0.98,
    "job_name": "demo",
    "eval": {"n_episodes": 100},
}
"""What the demonstration trains: picking up a cube at random places, from state, with a simulated human."""


def main(arguments: Sequence[str]) -> int:
    """The whole road from nothing; the exit code."""
    stop = StopRequest().install()
    run_demo(parse_command_line(arguments)[1], stop)
    return stop.exit_code


def run_demo(overrides: Sequence[str], stop: StopRequest) -> None:
    """Train, evaluate, film; the last lines say what was learned, what it cost, and where the files are."""
    demonstrations = load_config(DEMO, overrides).demonstrations.num_episodes
    print(
        "A simulated Panda arm learns to pick up a cube at random places. A simulated human gives "
        f"{demonstrations}\ndemonstrations, watches, takes over when it errs "
        "and lets go again.\n"
    )
    training = train(DEMO, *overrides, stop=stop)
    if training.result is not None:
        print(conclusion(training.run))


def conclusion(run: Path) -> str:
    """What was learned, what it cost a person, and where to look."""
    evaluation = json.loads((run / "eval" / "eval.json").read_text())
    episodes = [record for record in read_metrics(run / "metrics.jsonl") if "Episodic reward" in record]
    last = episodes[-1] if episodes else {}
    cost = evaluation["training_cost"]
    videos = sorted((run / "eval").glob("*.mp4"))
    lines = [
        "",
        f"Learned: the policy alone succeeds in {evaluation['success_rate']:.0%} of "
        f"{evaluation['n_episodes']} new episodes.",
        f"It took {last.get('time_s', 0):.0f} s on the clock. A person would have given "
        f"{cost['demonstrations']:.0f} demonstrations ({cost['demonstrations_s']:.0f} s), taken over "
        f"{cost['takeovers']:.0f} times ({cost['human_s']:.0f} s)",
        f"and watched for {cost['watching_s']:.0f} s; the arm would have moved for {cost['arm_s']:.0f} s, "
        "tests included.",
        f"Videos: {videos[0] if videos else 'none (no OpenGL here)'}",
        f"Summary: {run / 'eval' / 'summary.png'}",
        f"Curves: {run / 'plots' / 'progress.png'}",
        f"Policy: {best_checkpoint(run) / MODEL}",
    ]
    return "\n".join(lines)
