"""The `Arm` that speaks to a Franka FR3 or Panda.

The 1 kHz loop is not here: `franka-rs` runs it outside Python, plans a smooth way to the newest target, and
drives the arm along it by impedance control.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from hilt.envs.panda.real.arm import (
    CONNECTION,
    GRIPPER,
    HOME_NOT_REACHED,
    STOPPED,
    ArmFaultError,
    ArmState,
)
from hilt.envs.panda.real.frames import TOOL, Pose, matrix_of, pose_of
from hilt.envs.panda.real.hand import Hand
from hilt.errors import UserError

HOME_FRACTION = 0.1
"""Of the arm's speed limits: how fast it goes home."""
HOME_TOLERANCE, HOME_TIMEOUT_S = 0.01, 60.0
"""How near home is home, rad; how long it may take, s."""
JERK = 20.0
"""Greatest jerk of the tool as a multiple of its greatest acceleration, 1/s."""
LEAST_REFLEX = 40.0
"""Below this force [N] and torque [N m] the controller's own work would set off the arm's reflex."""
_POLL_S = 0.01


class DriverMissingError(UserError, ImportError):
    """The package that drives the arm is not installed."""


class ArmUnreachableError(UserError, ConnectionError):
    """No arm answers at this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How the arm moves between targets."""

    speed: float
    """Greatest speed of the tool, m/s."""
    acceleration: float
    """Greatest acceleration of the tool, m/s^2."""
    stiffness: float
    """Of the tool against being pushed aside, N/m."""
    force_limit: float
    """Above twice this force, N, the arm's own reflex ends the motion."""


class Franka:
    """A Franka FR3 or Panda at the address `ip`; `gripper` says that the Franka Hand is mounted.

    Raises:
        DriverMissingError: franka-rs is not installed.
        ArmUnreachableError: nothing answers, or this interface is not switched on.
    """

    def __init__(self, ip: str, motion: Motion, gripper: bool = True, realtime: str = "enforce") -> None:
        self._ip, self._motion, self._realtime = ip, motion, realtime
        self._library = _library()
        self._control: Any = None
        self._stopped = False
        self._heard, self._heard_at = -1.0, 0.0
        self._connect()
        self._hand = Hand(self._robot.gripper()) if gripper else None

    def state(self) -> ArmState:
        if self._hand is not None and self._hand.fault:
            raise ArmFaultError(GRIPPER)
        said = self._said()
        now = time.monotonic()
        if said.time != self._heard:
            self._heard, self._heard_at = said.time, now
        tool = said.O_T_EE @ np.linalg.inv(said.F_T_EE) @ TOOL
        position, quat = pose_of(tool)
        return ArmState(
            joint_pos=said.q,
            joint_vel=said.dq,
            tcp=(position, quat),
            force=tool[:3, :3].T @ said.O_F_ext_hat_K[:3],
            torque=said.tau_ext_hat_filtered,
            opening=0.0 if self._hand is None else self._hand.opening,
            age=now - self._heard_at,
        )

    def move_to(self, pose: Pose) -> None:
        if self._control is None:
            self._control = self._begin(
                self._robot.cartesian_targets,
                max_velocity=self._motion.speed,
                max_acceleration=self._motion.acceleration,
                max_jerk=JERK * self._motion.acceleration,
                max_deviation=2.0,
                max_angular_deviation=np.pi,
                cartesian_stiffness=self._motion.stiffness,
            )
        self._require_motion()
        flange = matrix_of(pose) @ np.linalg.inv(TOOL)
        position, (w, x, y, z) = pose_of(flange @ self._control.state().F_T_EE)
        self._attempt(lambda: self._control.move_to([*position, x, y, z, w]))

    def grip(self, opening: float) -> None:
        if self._hand is not None:
            self._hand.want(opening)

    def home(self, joints: Sequence[float]) -> None:
        self._end_motion()
        self._control = self._begin(
            self._robot.joint_targets, fraction=HOME_FRACTION, max_deviation=2 * np.pi
        )
        self._attempt(lambda: self._control.move_to(list(joints)))
        until = time.monotonic() + HOME_TIMEOUT_S
        while np.abs(self.state().joint_pos - joints).max() > HOME_TOLERANCE:
            if time.monotonic() > until:
                raise ArmFaultError(HOME_NOT_REACHED)
            time.sleep(_POLL_S)
        self._end_motion()

    def stop(self) -> None:
        self._stopped = True
        with suppress(self._library.FrankaError):  # no motion is under way, or the arm is out of reach
            self._robot.stop()

    def recover(self) -> None:
        with suppress(ArmFaultError):
            self._end_motion()
        self._stopped = False
        try:
            self._robot.automatic_error_recovery()
        except self._library.FrankaError:
            self._reconnect()
        if self._hand is not None and self._hand.fault:
            self._hand = self._attempt(lambda: Hand(self._robot.gripper()))

    def close(self) -> None:
        with suppress(ArmFaultError):
            self._end_motion()
        if self._hand is not None:
            self._hand.close()

    @property
    def protocol(self) -> int:
        """Version of Franka's protocol: 10 (FR3) or 5 (Panda)."""
        return int(self._robot.fci_version)

    @property
    def success_rate(self) -> float:
        """Share of the last 100 cycles of 1 ms in which a command of ours arrived in time."""
        return float(self._said().control_command_success_rate)

    # Inside

    def _connect(self) -> None:
        try:
            with _priority_kept():
                self._robot = self._library.Robot(self._ip, realtime=self._realtime)
            reflex = max(LEAST_REFLEX, 2 * self._motion.force_limit)
            torques, forces = [reflex] * 7, [reflex] * 6
            self._robot.set_collision_behavior_simple(torques, torques, forces, forces)
        except self._library.FrankaError as error:
            raise ArmUnreachableError(
                f"no arm answers at {self._ip} ({error}): check the cable, the address, and that Desk has "
                "joints unlocked and FCI activated"
            ) from error

    def _reconnect(self) -> None:
        try:
            self._connect()
        except ArmUnreachableError as error:
            raise ArmFaultError(CONNECTION) from error
        self._attempt(self._robot.automatic_error_recovery)
        if self._hand is not None:
            self._hand.fault = self._hand.fault or CONNECTION  # its line has been cut, too

    def _said(self) -> Any:
        """franka-rs's newest state."""
        if self._control is None:
            return self._attempt(self._robot.read_once)
        self._require_motion()
        return self._control.state()

    def _begin(self, motion: Callable[..., Any], **options: Any) -> Any:
        """A motion of franka-rs's. Raises ArmFaultError until a stopped arm has recovered."""
        if self._stopped:
            raise ArmFaultError(STOPPED)
        with _priority_kept():
            return self._attempt(lambda: motion(**options))

    def _require_motion(self) -> None:
        """Raises ArmFaultError when the motion has ended by itself."""
        if not self._control.running:
            self._end_motion()
            raise ArmFaultError(STOPPED if self._stopped else CONNECTION)

    def _end_motion(self) -> None:
        """Settle on the last target, and end. Raises ArmFaultError when it had ended otherwise before."""
        control, self._control = self._control, None
        if control is not None:
            self._attempt(control.stop)

    def _attempt(self, ask: Callable[[], Any]) -> Any:
        """What franka-rs answers; its errors become ArmFaultError."""
        try:
            return ask()
        except self._library.FrankaError as error:
            raise ArmFaultError(STOPPED if self._stopped else self._reason(error)) from error

    def _reason(self, error: Any) -> str:
        """The reflex behind one of franka-rs's errors, CONNECTION, or what it says."""
        if error.kind == "network":
            return CONNECTION
        reflexes = getattr(error, "errors", None)
        if not reflexes:
            with suppress(self._library.FrankaError):
                reflexes = self._robot.read_once().current_errors
        return str(reflexes[0]) if reflexes else str(error)


def _library() -> Any:
    try:
        import franka
    except ImportError as error:
        raise DriverMissingError("a real arm needs its driver: pip install 'hilt[franka]'") from error
    return franka


@contextmanager
def _priority_kept() -> Iterator[None]:
    """franka-rs makes its caller a real-time thread, and so would be whatever that one starts later."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
