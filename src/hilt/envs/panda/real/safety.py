"""What stands between every command and a real arm. Thirteen rules; this module is all of them.

A control step is examined three times. `Safety.situation` looks at the arm and at who is there, before
anything moves. `Safety.action` looks at what is commanded, by policy or person. `Safety.target` looks at
where the arm would be sent by it, and has the last word: what it returns lies in the workspace.

Each rule has a name, a count and one response, which `RESPONSES` lists. Where several are broken in one step,
the gravest response is given. Nothing here knows a network, a clock or a thread: the rules are functions of
what they are told, and doubt (a number that is not finite) always counts as broken.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilt.envs import rotations

Array = NDArray[np.float64]


class Response(enum.IntEnum):
    """What is done about a broken rule, from mild to grave."""

    CLIP = 1
    """The command is executed as far as the rule allows."""
    HOLD = 2
    """The arm stays where it is for this step; the episode goes on."""
    TRUNCATE = 3
    """The arm stays where it is, and the episode ends as truncated."""
    STOP = 4
    """The arm's motion ends, and so does the episode; only a person's word starts the next one."""


class Rule(enum.StrEnum):
    """What must be true of every control step. The text of each says when it is broken."""

    SHAPE = "shape"
    """The action does not have as many numbers as the arm takes."""
    FINITE = "finite"
    """A number of the action, or of the target made of it, is NaN or infinite."""
    BOUNDS = "bounds"
    """A number of the action lies outside the action space."""
    WORKSPACE = "workspace"
    """The target lies outside the box in which the tool may be."""
    STEP = "step"
    """The target is further from the one before, or turned more, than one step may be."""
    SPEED = "speed"
    """The target moves faster than the tool may."""
    ACCELERATION = "acceleration"
    """The target gains speed faster than the tool may. Braking is never limited."""
    FORCE = "force"
    """The external force at the tool is too great. Held, the arm gives way to where it is, and so lets go."""
    STALE_STATE = "stale_state"
    """The arm has not said for too long how it is."""
    STALE_PICTURES = "stale_pictures"
    """The newest picture of a camera is too old."""
    LOST_OPERATOR = "lost_operator"
    """The policy acts, and nobody holds, or has just confirmed, that they watch."""
    LOST_LEARNER = "lost_learner"
    """Training, and the learner has not been heard for too long."""
    LATE_POLICY = "late_policy"
    """The action answers an observation that is too old."""


RESPONSES = {
    Rule.SHAPE: Response.TRUNCATE,
    Rule.FINITE: Response.TRUNCATE,
    Rule.BOUNDS: Response.CLIP,
    Rule.WORKSPACE: Response.CLIP,
    Rule.STEP: Response.CLIP,
    Rule.SPEED: Response.CLIP,
    Rule.ACCELERATION: Response.CLIP,
    Rule.FORCE: Response.HOLD,
    Rule.STALE_STATE: Response.STOP,
    Rule.STALE_PICTURES: Response.TRUNCATE,
    Rule.LOST_OPERATOR: Response.HOLD,
    Rule.LOST_LEARNER: Response.HOLD,
    Rule.LATE_POLICY: Response.HOLD,
}

ROUNDING = 1e-9
"""Of a target that lies exactly at a limit, m and rad: no rule is broken by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of the rules."""

    period: float
    """A control period, s."""
    low: Array
    """Low corner of the workspace `[3]`, m."""
    high: Array
    """High corner of the workspace `[3]`, m."""
    step: float
    """Longest way of the target in one step, m."""
    turn: float
    """Largest turn of the target in one step, rad."""
    speed: float
    """Greatest speed of the target, m/s."""
    acceleration: float
    """Greatest gain in speed, m/s^2."""
    force: float
    """Greatest external force at the tool, N."""
    state_age: float
    """Oldest state of the arm, s."""
    picture_age: float = np.inf
    """Oldest picture, s."""
    operator_silence: float = np.inf
    """Longest time since a person last held or confirmed, s."""
    learner_silence: float = 10.0
    """Longest time since the learner was last heard, s."""
    policy_delay: float = np.inf
    """Longest time between an observation and the action that answers it, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Before a step. What is not asked for (no cameras, no learner, a person who drives) is 0."""

    force: float = 0.0
    """External force at the tool, N."""
    state_age: float = 0.0
    picture_age: float = 0.0
    """Of the camera whose newest picture is the oldest, s."""
    operator_silence: float = 0.0
    learner_silence: float = 0.0
    policy_delay: float = 0.0


_SITUATIONS = {
    Rule.FORCE: "force",
    Rule.STALE_STATE: "state_age",
    Rule.STALE_PICTURES: "picture_age",
    Rule.LOST_OPERATOR: "operator_silence",
    Rule.LOST_LEARNER: "learner_silence",
    Rule.LATE_POLICY: "policy_delay",
}
"""Rule -> the number that stands under the same name in `Situation` and, with its limit, in `Limits`."""


@dataclass(slots=True)
class Safety:
    """The rules, applied to one arm.

    Args:
        limits: their numbers.
        action_low, action_high: bounds of the action space, `[A]`.
    """

    limits: Limits
    action_low: Array
    action_high: Array
    counts: Counter[Rule] = field(default_factory=Counter)
    """How many control steps have broken each rule."""
    broken: list[Rule] = field(default_factory=list)
    """The rules that this control step has broken."""
    _velocity: Array = field(default_factory=lambda: np.zeros(3))
    """Of the target in the step before, m/s `[3]`."""

    def begin(self) -> None:
        """An episode begins, with the arm at rest."""
        self.broken = []
        self._velocity = np.zeros(3)

    def begin_step(self) -> None:
        """A control step begins; none of the rules is broken in it yet."""
        self.broken = []

    @property
    def response(self) -> Response | None:
        """The gravest of this control step; None: nothing was wrong."""
        return None if self.gravest is None else RESPONSES[self.gravest]

    @property
    def gravest(self) -> Rule | None:
        """The rule that has this response; None: nothing was wrong."""
        return max(self.broken, key=RESPONSES.__getitem__, default=None)

    @property
    def holds(self) -> bool:
        """The arm must not move in this step."""
        return self.response is not None and self.response >= Response.HOLD

    @property
    def ends_episode(self) -> bool:
        """This step is the episode's last."""
        return self.response is not None and self.response >= Response.TRUNCATE

    def situation(self, now: Situation) -> None:
        """Rules FORCE to LATE_POLICY: whether this is a moment to move at all."""
        for rule, name in _SITUATIONS.items():
            self._require(rule, bool(getattr(now, name) <= getattr(self.limits, name)))

    def action(self, action: ArrayLike) -> Array | None:
        """Rules SHAPE, FINITE and BOUNDS: the action `[A]` within its space; None: it says nothing."""
        values = np.asarray(action, np.float64)
        if not self._require(Rule.SHAPE, values.shape == self.action_low.shape):
            return None
        if not self._require(Rule.FINITE, bool(np.isfinite(values).all())):
            return None
        clipped = np.clip(values, self.action_low, self.action_high)
        self._require(Rule.BOUNDS, bool((clipped == values).all()))
        return np.asarray(clipped)

    def target(self, before: tuple[Array, Array], wanted: tuple[Array, Array]) -> tuple[Array, Array]:
        """Rules STEP, SPEED, ACCELERATION and WORKSPACE: the target that the arm may be given.

        `before` is the target of the step before, `wanted` the new one: position `[3]` m and unit quaternion
        `[4]` (w, x, y, z). A step that holds, for whichever reason, stays at `before`.
        """
        if not self._require(Rule.FINITE, bool(np.isfinite(np.concatenate(wanted)).all())) or self.holds:
            self._velocity = np.zeros(3)
            return self._inside(before[0]), before[1]
        position = self._inside(before[0] + self._way(wanted[0] - before[0]))
        self._velocity = (position - before[0]) / self.limits.period
        return position, self._turned(before[1], wanted[1])

    def _way(self, way: Array) -> Array:
        """As much of a `way` `[3]` m as one step may go."""
        length = float(np.linalg.norm(way))
        if length == 0.0:
            return way
        limits, along = self.limits, max(0.0, float(self._velocity @ way) / length)
        longest = {
            Rule.STEP: limits.step,
            Rule.SPEED: limits.speed * limits.period,
            Rule.ACCELERATION: (along + limits.acceleration * limits.period) * limits.period,
        }
        for rule, limit in longest.items():
            self._require(rule, length <= limit + ROUNDING)
        return way * min(1.0, min(longest.values()) / length)

    def _turned(self, before: Array, wanted: Array) -> Array:
        """The orientation `wanted`, or as far towards it from `before` as one step may turn."""
        turn = rotations.multiply(wanted, rotations.conjugate(before))
        angle = float(np.linalg.norm(rotations.to_rotation_vector(turn)))
        if self._require(Rule.STEP, angle <= self.limits.turn + ROUNDING):
            return wanted
        return rotations.limit_angle(wanted, before, self.limits.turn)

    def _inside(self, position: Array) -> Array:
        """The point of the workspace that is nearest to `position` `[3]` m."""
        inside = np.clip(position, self.limits.low, self.limits.high)
        self._require(Rule.WORKSPACE, bool((np.abs(inside - position) <= ROUNDING).all()))
        return np.asarray(inside)

    def _require(self, rule: Rule, kept: bool) -> bool:
        """Notes `rule` as broken unless it is `kept`; counted once in a step."""
        if not kept and rule not in self.broken:
            self.broken.append(rule)
            self.counts[rule] += 1
        return kept
