"""`hilt doctor --robot`: the arm, its gripper and its cameras, each with the way out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hilt.build.real_arm import camera_options, connect
from hilt.commands.finding import Finding
from hilt.config.environment import EnvConfig
from hilt.errors import UserError

if TYPE_CHECKING:
    from hilt.envs.panda.real.cameras import CameraOptions
    from hilt.envs.panda.real.driver import Franka

LINK_S = 10.0
"""How long the line to the arm is watched, s."""
CAMERA_S = 3.0
"""How long a camera is watched, s."""
FEWEST_CYCLES = 0.99
"""Share of the 1 kHz cycles that have to arrive."""
_POLL_S = 0.005


def check_robot(env: EnvConfig) -> list[Callable[[], list[Finding]]]:
    """What to examine of `env.robot`."""
    return [lambda: _arm(env), lambda: _cameras(env)]


def _arm(env: EnvConfig) -> list[Finding]:
    try:
        arm = connect(env.robot)
    except UserError as error:
        return [Finding("arm", "out of reach", str(error))]
    try:
        return [
            Finding("arm", f"{env.robot.ip}: FCI protocol {arm.protocol}"),
            _gripper(arm, env),
            *_line(arm),
        ]
    finally:
        arm.close()


def _gripper(arm: Franka, env: EnvConfig) -> Finding:
    if not env.robot.gripper:
        return Finding("gripper", "none, as env.robot.gripper says")
    return Finding("gripper", f"open by {100 * arm.state().opening:.1f} cm")


def _line(arm: Franka) -> list[Finding]:
    """Holds the arm where it is, and listens."""
    from hilt.envs.panda.real.arm import ArmFaultError

    ages, rates, until = [], [], time.monotonic() + LINK_S
    try:
        pose = arm.state().tcp
        while time.monotonic() < until:
            arm.move_to(pose)
            ages.append(arm.state().age)
            rates.append(arm.success_rate)
            time.sleep(_POLL_S)
    except ArmFaultError as error:
        way_out = "clear it in Desk, and see the faults in docs/real-arm.md"
        return [Finding("line to the arm", f"the arm gave up: {error.reason}", way_out)]
    kept, worst = float(np.median(rates)), 1000 * max(ages)
    state = f"{kept:.1%} of the cycles kept, silent for {worst:.0f} ms at most, in {LINK_S:.0f} s"
    way_out = "a cable of its own, no Wi-Fi, no switch; a real-time kernel, the governor on performance"
    return [Finding("line to the arm", state, "" if kept >= FEWEST_CYCLES else way_out)]


def _cameras(env: EnvConfig) -> list[Finding]:
    return [_camera(name, options, env) for name, options in camera_options(env).items()]


def _camera(name: str, options: CameraOptions, env: EnvConfig) -> Finding:
    from hilt.commands.cameras import timed

    try:
        found = timed(name, options, CAMERA_S)
    except UserError as error:
        return Finding(f"camera {name}", "no picture", str(error))
    state = f"{found.width}x{found.height}, {found.rate:.0f} pictures/s, {1000 * found.age:.0f} ms old"
    slow = "a higher framerate (options), fewer pixels, or another USB port: it must beat env.fps"
    return Finding(f"camera {name}", state, "" if found.rate > env.fps else slow)
