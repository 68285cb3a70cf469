"""What each part of ACFQL is worth: variants beside each other, on the same few poor demonstrations.

    python -m benchmarks.study --output_dir=outputs/study --seeds=3 --minutes=1
    python -m benchmarks.study --variants=sac,acfql --env.task=hilt/PegInsertion-v0 --minutes=2 ...

Every variant gets the same demonstrations, the same person at the controls and the same wall clock. It is
`hilt train` as a user calls it; afterwards the checkpoints that it left on its way are judged, the policy
alone, on the same episodes. Other options are keys of the configuration, for all variants. The script can be
stopped and started again: runs that are finished stay, and `--variants=` of one call add to those of others.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.judge_checkpoints import judge_checkpoints
from benchmarks.series import Series, train, whole
from benchmarks.study_report import write_report
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.runs.layout import CHECKPOINTS
from hilt.runs.metrics import read_metrics

Overrides = Mapping[str, Any]

COMMON: Overrides = {
    "env.task": "hilt/PickCube-v0",
    "env.processor.reset.control_time_s": 10.0,
    "operator": "scripted",
    "operator_options": {"noise": 0.06},
    "demonstrations.num_episodes": 5,
    "demonstrations.operator_options": {"noise": 0.06},
    "policy.type": "acfql",
    "policy.chunk_size": 5,
    "policy.pretrain_updates": 500,
    "policy.offline_steps": 250,
    "policy.actor_lr": 1e-3,
    "policy.critic_lr": 1e-3,
    "batch_size": 128,
    "policy.online_steps": 1_000_000,
    "eval_freq": 0,
    "eval.n_episodes": 1,
    "eval.videos": 0,
}
"""The task, five demonstrations by an unsteady hand, and the budget: nothing but the clock ends a run."""

_PUBLISHED: Overrides = {"policy.preset": "reference", "policy.actor_lr": 3e-4, "policy.critic_lr": 3e-4}

LEARNERS: Mapping[str, Overrides] = {
    "acfql": {},
    "acfql-reference": {**_PUBLISHED, "policy.pretrain_updates": 0, "policy.offline_steps": 500},
    "sac": {"policy.type": "sac"},
    "sac-reference": {**_PUBLISHED, "policy.type": "sac"},
    "acfql-terminal-chunks-dropped": {"policy.keep_terminal_chunks": False},
    "acfql-ten-euler-steps": {"policy.integrator": "euler", "policy.flow_steps": 10},
    "acfql-two-critics-mean": {"policy.num_critics": 2, "policy.q_agg": "mean"},
    "acfql-utd-2": {"policy.utd_ratio": 2},
    "acfql-single-sample": {"policy.num_samples": 1},
    "acfql-imitates-everything": {"policy.flow_data": "all"},
    "acfql-targets-unclipped": {"policy.clip_targets": False},
    "acfql-online-data-alone": {"online_ratio": 1.0},
    "acfql-no-imitation-first": {"policy.pretrain_updates": 0, "policy.offline_steps": 750},
    "acfql-offline-like-online": {"policy.offline_alpha": None},
    "acfql-newest-policy-acts": {"policy.policy_average_weight": None},
    "acfql-best-of-32": {"policy.actor_type": "best_of_n", "policy.num_samples": 32},
}
"""Variant -> what it has otherwise than hilt's preset of ACFQL; the most telling first.

The reference has no imitation alone. Its updates take three times longer: it has fewer before it acts.
"""

CLONING: Mapping[str, str] = {"cloning-flow": "flow_bc", "cloning-gaussian": "bc"}
"""Variant -> algorithm that imitates the same demonstrations, with and without chunks."""

CLONING_UPDATES = (250, 500, 1000, 2000)
POINTS = 6
"""How often within its budget a run is judged."""
EPISODES = 50
_FOR_ACFQL = ("policy.chunk_size", "policy.pretrain_updates", "policy.offline_steps")


@dataclass(frozen=True, slots=True)
class Study:
    """How long a run learns [s], and the configuration that all of its runs share."""

    seconds: float
    shared: Overrides

    def overrides(self, variant: str, seed: int) -> list[str]:
        """`a.b=value`, those of the variant last, so that they win."""
        keys = {**COMMON, **self.shared, **LEARNERS.get(variant, {})}
        if variant == "cloning-gaussian":
            keys["policy.type"] = "sac"
        if keys["policy.type"] != "acfql":
            keys = {key: value for key, value in keys.items() if key not in _FOR_ACFQL}
        keys |= {
            "seed": seed,
            "eval.seed": seed,
            "time_limit_s": self.seconds,
            "save_every_s": self.seconds / POINTS,
            "save_freq": 10**9,
            "keep_checkpoints": 10 * POINTS,
        }
        return [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in keys.items()
        ]


def main(arguments: Sequence[str]) -> int:
    """Run what is missing, seed by seed, then write table and plots; the exit code."""
    series = Series.parse(arguments, "outputs/study", seeds=3)
    options = dict(override.split("=", 1) for override in series.overrides)
    seconds = 60 * float(options.pop("minutes", "2"))
    known = [*LEARNERS, *CLONING]
    variants = [name for name in options.pop("variants", "").split(",") if name] or known
    unknown = [name for name in variants if name not in known]
    if unknown:
        raise ConfigError("study", f"{unknown[0]!r}: --variants are {', '.join(known)}")
    study = Study(seconds, options)
    for seed, variant in product(series.seeds, variants):
        measure = partial(_learn, study, series.folder) if variant in LEARNERS else partial(_clone, study)
        series.result(f"{variant}_{seed}", partial(measure, variant, seed))
    print(write_report(series.folder))
    return 0


def _learn(study: Study, folder: Path, variant: str, seed: int) -> dict[str, Any]:
    """`hilt train` until its time is over, then every checkpoint on the way judged."""
    run = whole(
        folder / f"run_{variant}_{seed}",
        partial(train, source=None, overrides=study.overrides(variant, seed)),
    )
    points = judge_checkpoints(run, EPISODES)
    episodes = [record for record in read_metrics(run / "metrics.jsonl") if "Human seconds" in record]
    shutil.rmtree(run / CHECKPOINTS)
    return {
        "variant": variant,
        "seed": seed,
        "points": points,
        "human_seconds": episodes[-1]["Human seconds"] if episodes else 0.0,
        "takeovers_per_1000_steps": [
            (record["step"], record["Interventions per 1000 steps"]) for record in episodes[::10]
        ],
    }


def _clone(study: Study, variant: str, seed: int) -> dict[str, Any]:
    """Imitation of the same demonstrations, judged on the same episodes."""
    from benchmarks.cloning import clone

    config = load_config(None, study.overrides(variant, seed))
    return {
        "variant": variant,
        "seed": seed,
        "points": list(clone(config, CLONING[variant], None, CLONING_UPDATES, EPISODES)),
        "human_seconds": 0.0,
        "takeovers_per_1000_steps": [],
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
