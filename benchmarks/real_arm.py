"""Ten control steps a second on an emulated arm, beside a learner that trains: how punctual they are.

    HILT_FRANKA_SIM=.venv-franka/bin/python python -m benchmarks.real_arm [SECONDS]

Needs franka-rs, and franka-sim in an environment of its own (`make franka`). Prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np

from hilt.envs.panda.real.arm import ArmFaultError
from hilt.envs.panda.real.env import FrankaEnv
from hilt.envs.panda.real.options import RealOptions
from tests.envs.emulated import Emulated

STILL = 0.01
"""Greatest joint speed of an arm that stands still, rad/s."""


def main(seconds: float = 120.0) -> None:
    """Random targets, then the stop of a moving arm."""
    emulated = Emulated()
    arm = emulated.connect()
    options = RealOptions(hold_to_run=False, control_time_s=10 * seconds)
    env = FrankaEnv(arm, options, put_back=lambda arm: None)
    env.reset()
    learner = subprocess.Popen(
        [sys.executable, "-m", "hilt", "bench", "learner", f"--seconds={seconds}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        figures = {**_steps(env, seconds), "learner_ran": learner.poll() is None, **_stop(env)}
    finally:
        learner.kill()
        env.close()
        emulated.kill()
    print(json.dumps(figures))


def _steps(env: FrankaEnv, seconds: float) -> dict[str, object]:
    """Lateness [ms] of the ends of control steps."""
    rng, ends, faults = np.random.default_rng(0), [], []
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        action = np.append(rng.uniform(-1, 1, 3), 1.0)
        info = env.step(action)[4]
        ends.append(time.monotonic())
        if info["fault"] is not None:
            faults.append(info["fault"])
            break
    late = 1000 * np.abs(np.diff(ends) - env.safety.limits.period)
    return {
        "steps": len(ends),
        "within_10_ms": float((late <= 10).mean()),
        "p99_ms": round(float(np.percentile(late, 99)), 2),
        "worst_ms": round(float(late.max()), 1),
        "faults": faults,
        "rules": {str(rule): count for rule, count in env.safety.counts.items()},
    }


def _stop(env: FrankaEnv) -> dict[str, float]:
    """How long a moving arm takes to stand still once it is told to stop, ms."""
    env.people.confirms = lambda sentence: True
    env.reset()
    for _ in range(5):
        env.step(np.array((0.0, 1.0, 0.0, 1.0)))
    arm, before = env._arm, float(np.abs(env._arm.state().joint_vel).max())
    told = time.monotonic()
    env.stop()
    returned = time.monotonic()
    with suppress(ArmFaultError):
        arm._end_motion()  # so that the arm itself is read again
    speeds = []
    while not speeds or speeds[-1] > STILL:
        speeds.append(float(np.abs(arm._robot.read_once().dq).max()))
    return {
        "stop_call_ms": round(1000 * (returned - told), 2),
        "joint_speed_before": round(before, 3),
        "stands_still_ms": round(1000 * (time.monotonic() - told), 1),
    }


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
