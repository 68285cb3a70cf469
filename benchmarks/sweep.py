"""What a sweep costs beside its trainings: the same short trainings one by one, and by `hilt sweep`.

    python -m benchmarks.sweep --output_dir=outputs/sweep_cost --seeds=8

Both are commands as a user gives them, start and evaluation included.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.series import Series, markdown, train

SHORT = (
    "env.task=hilt/PickCube-v0",
    "operator=scripted",
    "demonstrations.num_episodes=5",
    "policy.type=sac",
    "policy.pretrain_updates=200",
    "policy.online_steps=500",
    "eval.n_episodes=10",
    "eval.videos=0",
)


def main(arguments: Sequence[str]) -> int:
    """Both, then a table; the exit code."""
    series = Series.parse(arguments, "outputs/sweep_cost", seeds=8)
    overrides = [*SHORT, *series.overrides]
    alone = [
        series.result(f"alone_{seed}", partial(_alone, series, overrides, seed)) for seed in series.seeds
    ]
    swept = series.result("swept", partial(_swept, series, overrides))
    one_by_one = sum(result["seconds"] for result in alone)
    row = {
        "one by one [s]": f"{one_by_one:.1f}",
        "sweep [s]": f"{swept['seconds']:.1f}",
        "ratio": f"{swept['seconds'] / one_by_one:.2f}",
        "more per training [s]": f"{(swept['seconds'] - one_by_one) / len(alone):.1f}",
    }
    print(markdown([row]))
    return 0


def _alone(series: Series, overrides: Sequence[str], seed: int) -> dict[str, Any]:
    began = time.monotonic()
    train(series.folder / f"alone_{seed}", None, [*overrides, f"seed={seed}"])
    return {"seconds": time.monotonic() - began}


def _swept(series: Series, overrides: Sequence[str]) -> dict[str, Any]:
    options = [f"--seeds={len(series.seeds)}", f"--output_dir={series.folder / 'swept'}"]
    words = [*options, *(f"--{word}" for word in (*overrides, f"seed={series.seeds[0]}"))]
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "hilt", "sweep", *words], check=True)
    return {"seconds": time.monotonic() - began}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
