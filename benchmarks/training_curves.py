"""What training reaches: one configuration, several seeds, from nothing, beside imitation.

    python -m benchmarks.training_curves configs/train_sac_state.json --seeds=5 --first_seed=11

Every run is `hilt train` as a user calls it. Beside it stand behaviour cloning of the same demonstrations,
and HG-DAgger: `policy.type=hg_dagger`, helped by the same person over as many environment steps and as much
time.
The clock runs from the start of the command to the moment when the learner decided to stop; what it cost is
`training_cost` of `eval.json`. The script can be stopped and started again: runs that are finished stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.judge_checkpoints import judge_checkpoints
from benchmarks.series import Series, markdown, train, whole
from hilt.config.errors import ConfigError
from hilt.config.learning import LearningPolicy
from hilt.config.load import load_config
from hilt.data.episode_log import read_log
from hilt.data.routing import Source
from hilt.rollout.evaluation import wilson_interval
from hilt.runs.history import WINDOW
from hilt.runs.metrics import read_metrics

_COSTS = (
    "env_steps",
    "test_steps",
    "human_s",
    "watching_s",
    "takeovers",
    "demonstrations_s",
    "arm_s",
    "resets",
)
"""Of `training_cost`."""


def main(arguments: Sequence[str]) -> int:
    """Run what is missing, then print and draw everything; the exit code."""
    source, *words = arguments
    series = Series.parse(words, "outputs/learning", seeds=5)

    def measure(seed: int) -> dict[str, Any]:
        run = series.folder / f"seed_{seed}"
        reached = _train(source, series.overrides, seed, run)
        beside = _hg_dagger(source, series.overrides, seed, run, reached)
        return {"seed": seed, **reached, **_offline(run), **_clone(run), **beside}

    results = [series.result(f"result_{seed}", partial(measure, seed)) for seed in series.seeds]
    print(table(results))
    plot([series.folder / f"seed_{seed}" for seed in series.seeds], results, series.folder / "curves.png")
    return 0


def _train(source: str, overrides: Sequence[str], seed: int, run: Path) -> dict[str, Any]:
    """`hilt train` from nothing, and what it says of itself."""
    start = run.with_suffix(".start")

    def begin(folder: Path) -> None:
        start.touch()
        train(folder, source, ["keep_checkpoints=1000", *overrides, f"seed={seed}", f"eval.seed={seed}"])

    whole(run, begin)
    records = read_metrics(run / "metrics.jsonl")
    episodes = [record for record in records if "Episodic reward" in record]
    evaluation = json.loads((run / "eval" / "eval.json").read_text())
    stopped = (run / "checkpoints" / "last").resolve().stat().st_mtime
    cost = evaluation["training_cost"]
    cycle = evaluation["mean_cycle_time_s"]
    return {
        "seconds": round(stopped - start.stat().st_mtime, 1),
        "successes": round(evaluation["success_rate"] * evaluation["n_episodes"]),
        "episodes": evaluation["n_episodes"],
        "cycle_s": None if cycle is None else round(cycle, 2),
        **{name: round(cost[name], 1) for name in _COSTS},
        "interventions_at_the_end": _share(episodes[-20:]),
    }


def _hg_dagger(
    source: str, overrides: Sequence[str], seed: int, run: Path, reached: dict[str, Any]
) -> dict[str, Any]:
    """HG-DAgger with the same person, over as many environment steps and as much time as `run` took."""
    kept = [word for word in overrides if not word.startswith(("policy.", "target_success_rate"))]
    policy = load_config(run / "config.json").policy
    assert isinstance(policy, LearningPolicy)
    imitates = {"type": "hg_dagger", "actor": "gaussian" if policy.chunk_length is None else "flow"}
    if policy.chunk_length is not None:
        imitates |= {"chunk_size": policy.chunk_length}
    said = {**json.loads(Path(source).read_text()), "target_success_rate": None, "eval_freq": 0}
    said["policy"] = imitates | {"actor_lr": policy.actor_lr, "online_steps": int(reached["env_steps"])}
    path = run.with_suffix(".hg_dagger.json")
    path.write_text(json.dumps(said))
    words = [*kept, f"time_limit_s={reached['seconds']}", f"seed={seed}", f"eval.seed={seed}"]
    folder = run.with_name(f"{run.name}_hg_dagger")
    whole(folder, lambda part: train(part, str(path), words))
    evaluation = json.loads((folder / "eval" / "eval.json").read_text())
    cycle = evaluation["mean_cycle_time_s"]
    return {
        "hg_dagger_successes": round(evaluation["success_rate"] * evaluation["n_episodes"]),
        "hg_dagger_cycle_s": None if cycle is None else round(cycle, 2),
        "hg_dagger_human_s": round(evaluation["training_cost"]["human_s"], 1),
    }


def _share(episodes: Sequence[dict[str, Any]]) -> float:
    """Share of steps under the operator's control."""
    steps = sum(record["Episode length"] for record in episodes)
    held = sum(record["Intervention rate"] * record["Episode length"] for record in episodes)
    return float(round(held / max(steps, 1), 4))


def _offline(run: Path) -> dict[str, Any]:
    """What the policy could do before its first action, on the same episodes."""
    n_episodes = load_config(run / "config.json").eval.n_episodes
    judged = judge_checkpoints(run, n_episodes, offline=True)
    return {"offline_successes": round(judged[0]["success"] * n_episodes)} if judged else {}


def _clone(run: Path) -> dict[str, Any]:
    """Behaviour cloning on the demonstrations of `run`, judged on the same episodes.

    The same kind of policy, and as many updates as are made before its first action.
    """
    from benchmarks.cloning import clone

    config = load_config(run / "config.json")
    given = [step for step, source in read_log(run / "replay") if source is Source.DEMONSTRATION]
    n_episodes, policy = config.eval.n_episodes, config.policy
    assert isinstance(policy, LearningPolicy)
    kind = "bc" if policy.chunk_length is None else "flow_bc"
    updates = policy.pretrain_updates + policy.offline_updates
    (judged,) = clone(config, kind, given, [updates], n_episodes)
    return {
        "demonstration_steps": len(given),
        "cloning_successes": round(judged["success"] * n_episodes),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown, a row a seed, and the pooled success rate with its interval."""
    successes, episodes = (sum(result[key] for result in results) for key in ("successes", "episodes"))
    low, high = wilson_interval(successes, episodes)
    cloned, dagger = (
        sum(result[f"{name}_successes"] for result in results) for name in ("cloning", "hg_dagger")
    )
    pooled = (
        f"pooled: {successes} of {episodes} ({low:.1%} to {high:.1%}); cloning {cloned} of {episodes}; "
        f"HG-DAgger {dagger} of {episodes}"
    )
    return f"{markdown(results)}\n\n{pooled}"


def plot(runs: Sequence[Path], results: Sequence[dict[str, Any]], path: Path) -> None:
    """Success over steps and time, a colour a seed: without help while training, in tests, and by cloning."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for index, (run, result) in enumerate(zip(runs, results, strict=True)):
        records, colour = read_metrics(run / "metrics.jsonl"), f"C{index}"
        episodes = [r for r in records if "Episodic success" in r]
        tests = [r for r in records if "Validation success rate" in r]
        for axis, key in zip(axes, ("step", "time_s"), strict=True):
            axis.plot([r[key] for r in episodes], _unaided(episodes), color=colour, lw=0.8, alpha=0.6)
            rates = [r["Validation success rate"] for r in tests]
            axis.plot([r[key] for r in tests], rates, "o", color=colour, ms=3)
            axis.axhline(result["cloning_successes"] / result["episodes"], ls="--", lw=0.8, color=colour)
    axes[0].set(xlabel="environment steps", ylabel="success", ylim=(-0.03, 1.03))
    axes[1].set(xlabel="wall clock [s]")
    figure.suptitle(
        "lines: without help, last 20 episodes, with exploration; dots: the policy alone; dashed: cloning",
        fontsize=9,
    )
    figure.savefig(path, dpi=110)


def _unaided(episodes: Sequence[dict[str, Any]]) -> list[float]:
    """Share of the last 20 episodes that succeeded without any help, after each."""
    unaided = [record["Episodic success"] * (record["Intervention rate"] == 0) for record in episodes]
    return [fmean(unaided[max(0, end - WINDOW) : end]) for end in range(1, len(unaided) + 1)]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise ConfigError("learning", "say which configuration: configs/train_sac_state.json, ...")
    raise SystemExit(main(sys.argv[1:]))
