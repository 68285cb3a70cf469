"""What an environment of a real arm is told: options, and the people who are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hilt.envs.control import ActionMode
from hilt.envs.panda.real.safety import Limits
from hilt.envs.panda.robot import Panda

PUT_BACK = "Put the scene back, and step aside."
"""What a person is asked before each episode."""
WATCH_S = 0.5
"""For so long after they held last, a person counts as watching, s."""
PERIODS = 2
"""So many control periods old may be what the arm said, a picture, the observation behind an action."""


@dataclass(frozen=True, kw_only=True)
class RealOptions:
    """Those that the simulated environment has, too, mean the same."""

    fps: float = 10.0
    """Control steps per second."""
    control_time_s: float = 15.0
    """Length of an episode, s."""
    force_torque: bool = False
    """`agent_pos` [42] instead of [18]: external force and joint torques too."""
    action_mode: ActionMode = "ee_delta_pos"
    use_gripper: bool = True
    gripper_penalty: float = 0.0
    position_step: Sequence[float] = (0.025, 0.025, 0.025)
    """What a translation of 1 means, m."""
    rotation_step: float = 0.1
    """What a rotation of 1 means, rad."""
    workspace: tuple[Sequence[float], Sequence[float]] = Panda.workspace
    """Low and high corner of the box that the tool stays in, m."""
    home: Sequence[float] = Panda.home
    """Where the arm begins, rad [7]."""
    speed: float = 0.5
    """Greatest speed of the tool, m/s."""
    acceleration: float = 3.0
    """Greatest acceleration of the tool, m/s^2."""
    force_limit: float = 30.0
    """Greatest external force at the tool, N."""
    hold_to_run: bool = True
    """The policy acts only while a person holds; the first motion has to be allowed."""
    shadow: bool = False
    """What is commanded while no person drives is examined, and not executed."""
    recover: Sequence[str] = ()
    """Reflexes from which the arm recovers without a person's word."""

    @property
    def steps(self) -> int:
        """Control steps of an episode."""
        return max(1, round(self.control_time_s * self.fps))

    @property
    def limits(self) -> Limits:
        """The numbers of the safety rules."""
        period = 1.0 / self.fps
        return Limits(
            period=period,
            low=np.asarray(self.workspace[0], np.float64),
            high=np.asarray(self.workspace[1], np.float64),
            step=math.hypot(*self.position_step),
            turn=math.sqrt(3.0) * self.rotation_step,
            speed=self.speed,
            acceleration=self.acceleration,
            force=self.force_limit,
            state_age=PERIODS * period,
            picture_age=PERIODS * period,
            policy_delay=PERIODS * period,
            operator_silence=WATCH_S,
        )


def _never() -> float:
    return math.inf


def _always() -> float:
    return 0.0


def _nobody() -> bool:
    return False


@dataclass(slots=True)
class People:
    """Who is there, as a session tells it. Without one, nobody is."""

    confirms: Callable[[str], bool] | None = None
    """Asks a person to do, or to allow, what the sentence says; False: they want the end instead."""
    drives: Callable[[], bool] = _nobody
    """A person has chosen the action that comes next."""
    operator_silence: Callable[[], float] = _never
    """Since a person last drove, or held so that the policy may act, s."""
    learner_silence: Callable[[], float] = _always
    """Since the learner was last heard, s; 0 where nothing learns."""
