"""The same SAC from pixels, paid by the environment, by a learned reward, or by a human who is late.

    python -m benchmarks.reward_comparison --output_dir=outputs/comparison --seeds=3

Per seed: 20 demonstrations and 30 failures are recorded, and one classifier is trained on them. The three
runs learn from the same demonstrations, get help from the same scripted human, and end after the same number
of environment steps and updates; only the reward of their own episodes differs. The late human declares
success 0.3 to 1.0 s after the fact. Each checkpoint is then judged by the simulator, on the same episodes.

Other options are `hilt train`'s, such as --policy.online_steps=300. Finished runs stay in the folder, so it
can be stopped and started again. Leaves comparison.{json,md,png} there. Made for 2 to 3 minutes a run on two
cores.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean, median, pstdev
from typing import Any

from benchmarks.judge_checkpoints import judge_checkpoints
from benchmarks.reward_data import EPISODES, FAILURES, TASK, recorded, trained
from benchmarks.series import Series, markdown, train, whole
from hilt.runs.metrics import read_metrics

PAID_BY = ("environment", "classifier", "late human")
HUMAN = {"attention": 1.0, "trust": 2.0}
"""Watches every episode, and never stops helping."""
COMMON: dict[str, Any] = {
    "env": TASK,
    "dataset": {"episodes": list(range(EPISODES))},
    "operator": "scripted",
    "operator_options": HUMAN,
    "policy": {"type": "sac", "pretrain_updates": 100, "online_steps": 600},
    "batch_size": 64,
    "max_updates_per_env_step": 2.0,
    "max_env_steps_per_update": 0.5,
    "log_freq": 20,
    "eval_freq": 0,
    "save_freq": 100,
    "save_every_s": 1e6,
    "keep_checkpoints": 1000,
    "eval": {"n_episodes": 50, "videos": 0},
}
"""No early stop, and updates in proportion to environment steps: how fast the machine is does not matter."""

JUDGED_EPISODES = 20
"""Of each checkpoint but the last, which `hilt train` judges on more."""
CURVES = ("success alone", "train/temperature", "train/loss_critic")


def main(arguments: Sequence[str]) -> int:
    """Run what is missing, then print and draw everything; the exit code."""
    series = Series.parse(arguments, "outputs/comparison", seeds=3)
    results = [
        series.result(f"{_name(payer)}_{seed}", partial(_measure, series, payer, seed))
        for seed, payer in product(series.seeds, PAID_BY)
    ]
    summary = [_summary(payer, [row for row in results if row["paid by"] == payer]) for payer in PAID_BY]
    rows = [{key: value for key, value in row.items() if key != "curves"} for row in results]
    text = f"{markdown(summary)}\n\n{markdown(rows)}\n"
    (series.folder / "comparison.json").write_text(
        json.dumps({"summary": summary, "runs": results}, indent=2) + "\n"
    )
    (series.folder / "comparison.md").write_text(text)
    plot(results, series.folder / "comparison.png")
    print(text)
    return 0


def _measure(series: Series, payer: str, seed: int) -> dict[str, Any]:
    """One run, and what became of it."""
    own = series.folder / f"seed_{seed}"
    dataset = recorded(own / "dataset", EPISODES, FAILURES, seed)
    classifier = trained(own / "classifier", dataset, seed)
    config = own / f"{_name(payer)}.json"
    config.write_text(json.dumps(configuration(payer, classifier)))
    options = [*series.overrides, f"dataset.root={dataset}", f"seed={seed}", f"eval.seed={seed}"]
    run = whole(own / _name(payer), partial(train, source=config, overrides=options))
    return {"paid by": payer, "seed": seed, **_figures(run)}


def configuration(payer: str, classifier: Path) -> dict[str, Any]:
    """What `payer` pays is all in which the runs differ."""
    if payer == "classifier":
        pays = {"pretrained_path": str(classifier), "debounce": 3}
        return {**COMMON, "env": {**TASK, "processor": {"reward_classifier": pays}}}
    if payer == "late human":
        late = {**HUMAN, "success_delay_s": [0.3, 1.0]}
        return {**COMMON, "env": {**TASK, "trust_operator": True}, "operator_options": late}
    return COMMON


def _name(payer: str) -> str:
    """Of its files."""
    return f"paid_by_{payer.replace(' ', '_')}"


def _figures(run: Path) -> dict[str, Any]:
    """Of a finished run, with its curves over environment steps."""
    records = read_metrics(run / "metrics.jsonl")
    curves = {name: _curve(records, name) for name in CURVES[1:]}
    judged = judge_checkpoints(run, JUDGED_EPISODES)
    curves[CURVES[0]] = [(point["env_steps"], point["success"]) for point in judged]
    evaluation = json.loads((run / "eval" / "eval.json").read_text())
    last = [record for record in records if "Human seconds" in record][-1]
    losses = [value for _, value in curves["train/loss_critic"]]
    wrong = {
        what: sum(record.get(f"Classifier {what}", 0) for record in records)
        for what in ("false positives", "false negatives")
    }
    return {
        "successes": round(evaluation["success_rate"] * evaluation["n_episodes"]),
        "of": evaluation["n_episodes"],
        "mean over checkpoints": round(mean(value for _, value in curves[CURVES[0]]), 3),
        "critic loss": round(median(losses[len(losses) // 2 :]), 5),
        "critic loss spread": round(pstdev(losses[len(losses) // 2 :]), 5),
        "temperature": round(curves["train/temperature"][-1][1], 5),
        "env steps": last["step"],
        "updates": [r["train/updates"] for r in records if "train/updates" in r][-1],
        "human seconds": last["Human seconds"],
        **wrong,
        "curves": curves,
    }


def _curve(records: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    return [(record["step"], record[name]) for record in records if record.get(name) is not None]


def _summary(payer: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All seeds of one variant: means, and the least and greatest."""
    from hilt.rollout.evaluation import wilson_interval

    successes, episodes = (sum(row[key] for row in results) for key in ("successes", "of"))
    low, high = wilson_interval(successes, episodes)

    def spread(key: str) -> str:
        values = [row[key] for row in results]
        return f"{mean(values):.4g} ({min(values):.4g} to {max(values):.4g})"

    return {
        "paid by": payer,
        "success at the end": f"{successes} of {episodes} ({low:.0%} to {high:.0%})",
        **{key: spread(key) for key in ("mean over checkpoints", "critic loss", "temperature")},
    }


def plot(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Success, temperature and critic loss over environment steps: a colour a payer, a line a seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(CURVES)), CURVES, strict=True):
        for row in results:
            colour = PAID_BY.index(row["paid by"])
            label = row["paid by"] if row["seed"] == results[0]["seed"] else None
            axis.plot(*zip(*row["curves"][name], strict=True), color=f"C{colour}", alpha=0.7, label=label)
        axis.set(title=name.removeprefix("train/"), xlabel="environment steps")
        axis.grid(alpha=0.3)
    figure.axes[0].set(ylim=(-0.03, 1.03))
    figure.axes[0].legend(title="paid by")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
